"""Sinks that receive the event inventory: log, metrics, live feed."""
