"""Asks the well-known ports of this machine whether a model server listens there."""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

MOST_BYTES = 1024 * 1024
PATIENCE_S = 0.7
"""A server on loopback that has not answered by then is busy loading or something else altogether."""


def listed_models(urls: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """
    The model ids that each address lists, for those that answer as `GET /v1/models` does.

    All are asked at once; an address that does not answer in time, or answers otherwise, is left out.
    """
    asked = tuple(urls)
    with ThreadPoolExecutor(max_workers=len(asked) or 1) as threads:
        answers = threads.map(_ask, asked)
    return {url: models for url, models in zip(asked, answers, strict=True) if models is not None}


def _ask(url: str) -> tuple[str, ...] | None:
    try:
        listed = json.loads(_body(url))["data"]
        return tuple(str(model["id"]) for model in listed)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _body(url: str) -> bytes:
    """
    What an address answers, bounded in time and size: whatever listens there may talk for ever.

    Raises:
        ValueError: it is no list of models.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    body = b""
    with httpx.stream("GET", url, timeout=PATIENCE_S, trust_env=False) as answer:
        for piece in answer.iter_bytes() if answer.status_code == httpx.codes.OK else ():
            body += piece
            if time.monotonic() > give_up_at or len(body) > MOST_BYTES:
                raise ValueError(f"{url} does not come to an end")
    return body
