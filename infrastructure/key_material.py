"""Draws what nobody can guess."""

import secrets

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without characters that look like others: an id is read out and typed."""


def fresh_id() -> str:
    """The public part of a key: 40 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def fresh_secret() -> str:
    """The secret part of a key: 256 random bits."""
    return secrets.token_urlsafe(32)
