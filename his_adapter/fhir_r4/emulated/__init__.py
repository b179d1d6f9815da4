"""The verbs of FHIR on top of any HisGateway, for the emulator: a module for each kind of record."""
