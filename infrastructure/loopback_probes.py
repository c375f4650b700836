"""Asks the well-known ports of this machine whether a model server listens there."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

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
        answer = httpx.get(url, timeout=PATIENCE_S, trust_env=False)
        listed = answer.json()["data"] if answer.status_code == httpx.codes.OK else None
        return None if listed is None else tuple(str(model["id"]) for model in listed)
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
