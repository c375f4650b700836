"""The part of a key that nobody may read, so that tests can look for it."""


def secret_of(key: str) -> str:
    """What follows the id; a secret may itself have underscores, also as its last letter."""
    return key.split("_", maxsplit=2)[2]
