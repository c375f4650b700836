"""Counts what happens, for Prometheus and for people."""
