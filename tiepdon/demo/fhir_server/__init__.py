"""A FHIR R4 server of somebody else, run on a loopback port of its own: a HIS we did not write."""
