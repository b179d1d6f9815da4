"""Scanners and ticket printers, real and simulated."""
