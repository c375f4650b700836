"""
Reads from an answer that nothing is left of what a provider's plan lets through, before anybody is refused.

Vendors tell with every answer how much is left and when it is there again, by which they mean two things. A
window ends, and then all of it is there: OpenRouter's ``X-RateLimit-*``, and whatever is named for a span, as
Cerebras' and Mistral's ``x-ratelimit-remaining-tokens-minute``. Or a bucket fills all the time, and told is
when it will be full: OpenAI, Groq, and Anthropic ("fully replenished"). One request's worth is there much
sooner then, and whoever waited for the whole would leave a free plan unused.
"""

import re
from collections.abc import Iterator, Mapping

from adapters.outbound.limits import limits_told, seconds_until
from domain.failures import QuotaScope
from domain.values import value

_WINDOWS: tuple[tuple[str, QuotaScope | None], ...] = (
    ("-minute", QuotaScope.MINUTE),
    ("-hour", None),
    ("-day", QuotaScope.DAY),
    ("-month", QuotaScope.MONTH),
)
_ONLY_ONE = ""
"""OpenRouter's limit has no name."""

_ENOUGH = 0.1
"""The part of a bucket of tokens that a next request may do with; one that is too large is refused, once."""

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")


@value
class Spent:
    """Nothing is left of an allowance for so many seconds; ``scope`` is what it is measured over, if told."""

    wait_s: float
    scope: QuotaScope | None


def spent_in(headers: Mapping[str, str], now: float) -> Spent | None:
    """
    The allowance that is spent for longest; ``None`` when something is left of each.

    Args:
        headers: of an answer, by lower-case name.
        now: in seconds since the epoch.
    """
    return max(_spent(headers, now), key=lambda spent: spent.wait_s, default=None)


def _spent(headers: Mapping[str, str], now: float) -> Iterator[Spent]:
    for name, facts in limits_told(headers).items():
        if _number(facts.get("remaining")) != 0.0 or "reset" not in facts:
            continue
        again_s = seconds_until(facts["reset"], now)
        if again_s:
            yield _until_some_is_there(name, again_s, _number(facts.get("limit")))


def _until_some_is_there(name: str, again_s: float, limit: float | None) -> Spent:
    for ending, scope in _WINDOWS:
        if f"-{name}".endswith(ending):
            return Spent(again_s, scope)
    if name == _ONLY_ONE:
        return Spent(again_s, None)
    if name.endswith("requests"):
        return Spent(again_s / max(limit, 1.0) if limit else again_s * _ENOUGH, None)
    return Spent(again_s * _ENOUGH, None)


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and _NUMBER.fullmatch(text.strip()) else None
