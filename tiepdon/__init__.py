"""The `tiepdon` command: ties server, kiosk, devices and adapters together."""
