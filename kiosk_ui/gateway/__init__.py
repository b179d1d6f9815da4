"""The server as the kiosk sees it."""
