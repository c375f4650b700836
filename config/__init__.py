"""Describes: reads providers.yaml and the environment into the domain's values."""
