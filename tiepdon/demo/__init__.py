"""The demonstration: a stage with a server, a hospital, devices and kiosks; journeys played on it."""
