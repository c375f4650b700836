"""Tells by its look that a key stands where the name of something that holds one belongs."""

import re

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What may be the name of an environment variable (POSIX, with small letters as well)."""

_MARKED = re.compile(
    r"sk[-_]|(gsk|csk|xai|nvapi|pplx)[-_]|AIza|eyJ|cr_[a-z0-9]{4,32}_|(hf|r8|fw|tgp_v1)_[A-Za-z0-9]{16}"
)
"""How vendors, and this gateway, begin their keys; where a name could begin so too, with what follows."""

_LEAST_RANDOM = 32
"""Characters of keys that have no mark; few names are as long."""

_FILE_ENDINGS = (".txt", ".key", ".secret", ".token", ".env")


def is_variable_name(text: str) -> bool:
    """Whether this can name an environment variable, and does not look like a key."""
    return bool(_VARIABLE_NAME.fullmatch(text)) and not looks_like_key(text)


def looks_like_key(text: str) -> bool:
    """Whether this is more likely a key than the name of a variable or a file."""
    if "/" in text or text.endswith(_FILE_ENDINGS):
        return False
    return bool(_MARKED.match(text)) or _is_random(text)


def _is_random(text: str) -> bool:
    """Names of variables have large letters alone, those of files rarely digits and never as many."""
    mixed = any(map(str.isdigit, text)) and any(map(str.islower, text))
    return mixed and len(text) >= _LEAST_RANDOM and text.replace("-", "").replace("_", "").isalnum()
