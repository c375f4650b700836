"""The shape of providers.yaml, one section a module."""
