"""Stand-ins for devices, steerable by people and tests; they refuse production."""
