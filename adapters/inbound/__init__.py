"""Listens to clients and hands what they ask to a use case."""
