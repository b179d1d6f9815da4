"""Payments on demand, in memory and without a network: for development and tests only."""
