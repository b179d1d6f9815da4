"""Payment requests and providers."""
