"""Walks the use cases in its inner ring, joins every part in its outer ring."""
