"""HTTP headers in and out: what a client sent as text, and what we answer as bytes that no value breaks."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

Header: TypeAlias = tuple[bytes, bytes]
Headers: TypeAlias = tuple[Header, ...]

_LONGEST_VALUE = 1000
"""Characters of a header's value; servers and proxies bound the whole block to 8 KiB or so."""

_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
"""Control characters: a line end in a value would begin a header of its own (RFC 9110, section 5.5)."""

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def text_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; values of a repeated header are joined as RFC 9110, section 5.3 has it."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def request_id(headers: Mapping[str, str], ids: Callable[[], str]) -> str:
    """The client's own id when it is sane, so that its log and ours meet; else a new one."""
    own = headers.get("x-request-id", "")
    return own if own and _SANE_REQUEST_ID.fullmatch(own) else ids()


@lru_cache(1024)
def header(name: str, value: str) -> Header:
    """A header as it goes out: one line, Latin-1; what the alphabet lacks becomes ``?``."""
    fit = _UNFIT.sub(" ", value).strip()[:_LONGEST_VALUE]
    return name.encode("ascii"), fit.encode("latin-1", "replace")
