"""Joins everything: the use cases, and the one place that knows which class does what."""
