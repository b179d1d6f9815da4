"""A HIS without an API: read-only views agreed in writing, and one procedure for each write."""
