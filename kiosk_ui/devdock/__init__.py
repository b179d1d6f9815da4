"""Development only: a panel beside the kiosk that plays the world around it."""
