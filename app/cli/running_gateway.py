"""Asks a gateway that runs somewhere what it knows."""

from collections.abc import Mapping
from typing import Any

import httpx

from app.cli.options import fail

UNREACHABLE = 5
"""The exit code when no gateway answers at the address."""

NO_ENTRY = 7
"""The exit code when the gateway wants another key, or any at all."""

_PATIENCE_S = 5.0


NOT_LET_IN = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


def ask_gateway(
    url: str,
    path: str,
    key: str | None,
    *,
    refused: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """
    The JSON that it answers: to a GET, or to a POST of ``body``.

    The command ends with `UNREACHABLE` when nobody answers, with `NO_ENTRY` when the key is not good for it,
    and with ``refused`` when the answer is another error.
    """
    address = f"{url.rstrip('/')}{path}"
    sent = {**(headers or {}), **({"authorization": f"Bearer {key}"} if key else {})}
    method = "GET" if body is None else "POST"
    try:
        answer = httpx.request(
            method, address, content=body, headers=sent, timeout=_PATIENCE_S, trust_env=False
        )
    except httpx.HTTPError as error:
        fail(f"no gateway answers at {address}: {error}", UNREACHABLE)
    if answer.status_code in NOT_LET_IN:
        fail(message_of(answer), NO_ENTRY)
    if answer.status_code != httpx.codes.OK:
        fail(message_of(answer), refused)
    return answer.json()


def message_of(answer: httpx.Response) -> str:
    """What the gateway says of an error."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered {answer.status_code}"
