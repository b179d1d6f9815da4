"""The kiosk: presenters decide, screens draw."""
