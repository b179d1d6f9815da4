"""The check-in table of the national data standard: its rows, its XML, its rules. Pure."""
