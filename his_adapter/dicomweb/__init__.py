"""Pictures out of an archive by DICOMweb: which studies a patient has, one picture per series."""
