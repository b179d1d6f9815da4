"""A hospital's JSON API in the shape of the MediPay/C06 kiosk contract, version 1.0.6."""
