"""Releases of tiepdon: made into one signed file, installed without internet, taken back."""
