"""A minimal patient register and catalogue of our own, for a place without a HIS."""
