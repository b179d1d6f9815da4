"""Transfers to an account of the hospital at any bank, seen by a feed of the bank or not at all."""
