"""A HIS that speaks HL7 FHIR R4."""
