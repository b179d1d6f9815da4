"""Adapter to a HIS that speaks HL7 v2.5.1 over MLLP."""
