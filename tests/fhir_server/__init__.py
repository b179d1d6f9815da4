"""A FHIR R4 server of somebody else, run for tests on a loopback port of its own."""
