"""The port to a hospital information system and its adapters."""
