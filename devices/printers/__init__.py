"""Ticket printers: drawing, encoding, lines to the device, what was printed."""
