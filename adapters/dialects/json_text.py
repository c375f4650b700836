"""Writes JSON, as bytes and without white space."""

from collections.abc import Mapping
from typing import Any

import msgspec


def json_text(value: Any) -> bytes:
    """The value as JSON; read-only mappings and `msgspec.Raw` (JSON already written) may stand in it."""
    return _encoder.encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
