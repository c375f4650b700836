"""Translates wire languages to neutral values and back: bytes in, values out, no I/O."""
