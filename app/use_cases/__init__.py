"""Walks: what the gateway does for a request, one use case a file."""
