"""FHIR R4 resources ↔ the models of the port: pure, both ways, untrusted on the way in."""
