"""The server: people, visits, numbers, tickets."""
