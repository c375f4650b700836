"""Calls configured upstreams and classifies how they failed."""
