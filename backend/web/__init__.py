"""HTTP: requests in, use cases called, replies out."""
