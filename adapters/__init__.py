"""Speaks protocols about conversations: wire dialects, HTTP in, vendors out."""
