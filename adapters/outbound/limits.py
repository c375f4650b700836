"""
Reads for how long an upstream wants to be left alone.

Vendors say it in headers (`Retry-After` as seconds or as a date, the moments at which their limits are free
again), in the error's body, or only in its words. A limit that is not exhausted says nothing: Groq tells with
every answer when the day's requests are full again, whatever was run into.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from adapters.dialects.dialect import ReportedError
from domain.values import value

_LONGEST_WAIT_S = 30 * 24 * 3600.0
"""Nobody means to be left alone for longer; what says so has slipped in its unit or its year."""

_A_BLIP_S = 60.0
"""A wait longer than this is no blip: it tells when a used-up quota is there again."""

_UNITS_S: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d)\s?)+"
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_TRY_AGAIN = re.compile(rf"try again in ({_DURATION})", re.IGNORECASE)  # OpenAI, Groq
_RETRY_IN = re.compile(rf"retry in ({_DURATION})", re.IGNORECASE)  # Gemini
_REGAIN = re.compile(r"regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC")  # Anthropic
_LIMIT_HEADER = re.compile(
    r"(?:anthropic-ratelimit-(?P<name>.+)-|(?:x-)?ratelimit-)"
    r"(?P<fact>limit|remaining|reset|status)(?:-(?P<last>.+))?"
)
_MILLISECONDS = 1e12
_SECONDS = 1e9
"""From here on a number is a moment since the epoch: in milliseconds (OpenRouter), or in seconds."""


@value
class Wait:
    """How long an upstream asked to be left alone, and in how long its limit is free again; in seconds."""

    retry_after_s: float | None
    resets_in_s: float | None


def wait_of(error: ReportedError, headers: Mapping[str, str], now: float) -> Wait:
    """What a refusal says about waiting; ``headers`` by lower-case name, ``now`` since the epoch."""
    asked_s = retry_after_s(headers, now)
    resets_s = _latest((*_exhausted(headers, error.type, now), *_in_body(error, now)))
    if resets_s is None and asked_s is not None and asked_s > _A_BLIP_S:
        resets_s = asked_s
    return Wait(_in_words(error) if asked_s is None else asked_s, resets_s)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """How long to wait: ``retry-after-ms``, or ``Retry-After`` as seconds or a date (RFC 9110, 10.2.3)."""
    if "retry-after-ms" in headers:
        return _number(headers["retry-after-ms"], 0.001)
    if "retry-after" not in headers:
        return None
    seconds = _number(headers["retry-after"], 1.0)
    return seconds if seconds is not None else _until(headers["retry-after"], now)


def seconds_until(text: str, now: float) -> float | None:
    """A moment or a span as vendors write it: ``6m0s``, ``7.5``, (milli)seconds since 1970, a date."""
    if re.fullmatch(_DURATION, text):
        return _wait_s(_span_s(text))
    try:
        number = float(text)
    except ValueError:
        return _until(text, now)
    if number >= _MILLISECONDS:
        number /= 1000
    return _wait_s(number - now if number >= _SECONDS else number)


def limits_told(headers: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """What headers say of each limit by its name: ``limit``, ``remaining``, ``reset`` and ``status``."""
    limits: dict[str, dict[str, str]] = {}
    for header, said in headers.items():
        if told := _LIMIT_HEADER.fullmatch(header):
            name = told["name"] or told["last"] or ""
            limits.setdefault(name, {})[told["fact"]] = said
    return limits


def _exhausted(headers: Mapping[str, str], named: str, now: float) -> Iterator[float | None]:
    """When the limits are free again that nothing is left of, or that the error calls by name."""
    for name, facts in limits_told(headers).items():
        if "reset" in facts and (_is_exhausted(facts) or name == named):
            yield seconds_until(facts["reset"], now)


def _is_exhausted(facts: Mapping[str, str]) -> bool:
    left = _number(facts.get("remaining", ""), 1.0)
    return left == 0 or facts.get("status") == "rejected"


def _in_body(error: ReportedError, now: float) -> Iterator[float | None]:
    """OpenAI's ``resets_in_seconds`` and ``resets_at``, OpenRouter's headers in the body, words."""
    for name in ("resets_in_seconds", "resets_at"):
        if isinstance(told := error.told.get(name), int | float):
            yield seconds_until(str(told), now)
    match error.told.get("metadata"):
        case {"headers": dict() as headers}:
            lowered = {str(name).lower(): str(value) for name, value in headers.items()}
            yield from _exhausted(lowered, error.type, now)
        case _:
            pass
    if said := _TRY_AGAIN.search(error.message):
        yield _wait_s(_span_s(said[1]))
    if said := _REGAIN.search(error.message):
        yield _until(f"{said[1]}T{said[2]}Z", now)


def _in_words(error: ReportedError) -> float | None:
    """Google's ``retryDelay`` (``google.rpc.RetryInfo``), or a span in the message."""
    delays = [_wait_s(_span_s(delay)) for delay in _retry_delays(error.told)]
    said = _TRY_AGAIN.search(error.message) or _RETRY_IN.search(error.message)
    return _latest([*delays, _wait_s(_span_s(said[1])) if said else None])


def _retry_delays(told: Mapping[str, Any]) -> Iterator[str]:
    match told.get("details"):
        case [*details]:
            for detail in details:
                if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
                    yield delay
        case _:
            pass


def _latest(waits: Iterable[float | None]) -> float | None:
    return max((wait for wait in waits if wait is not None), default=None)


def _span_s(text: str) -> float:
    return sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(text))


def _number(text: str, unit: float) -> float | None:
    try:
        return _wait_s(float(text) * unit)
    except ValueError:
        return None


def _until(date: str, now: float) -> float | None:
    moment = parsed_date(date)
    return None if moment is None else _wait_s(moment - now)


def parsed_date(date: str) -> float | None:
    """A date in seconds since the epoch: RFC 9110, or RFC 3339 as Anthropic writes it."""
    for reading in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = reading(date)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _wait_s(seconds: float) -> float | None:
    return min(max(0.0, seconds), _LONGEST_WAIT_S) if isfinite(seconds) else None
