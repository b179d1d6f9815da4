"""What people in a hospital do, against the FHIR server of somebody else."""
