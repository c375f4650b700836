"""What is known of a provider, as a text that other processes can read, those of other versions too."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from domain.failures import QuotaScope
from domain.health.cooldown import CooldownReason
from domain.health.shared import NOTHING_HEARD, Closed, Failing, Paused, SharedFacts


def text_of(facts: SharedFacts) -> str:
    """The text."""
    return json.dumps(
        {
            "epoch": facts.epoch,
            "healed_at": facts.healed_at,
            "forgiven_at": facts.forgiven_at,
            "degraded_at": facts.degraded_at,
            "unhealthy_at": facts.unhealthy_at,
            "failing": facts.failing,
            "closed": facts.closed,
            "pauses": [[reason, model, *paused] for (reason, model), paused in facts.pauses.items()],
        }
    )


def facts_in(text: str) -> SharedFacts:
    """What a text tells; nothing if it cannot be understood, and no pause for a reason unknown here."""
    try:
        return _facts(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        return NOTHING_HEARD


def _facts(told: Mapping[str, Any]) -> SharedFacts:
    at, failures, since = told["failing"]
    closed_at, closed_until = told["closed"]
    return SharedFacts(
        epoch=_moment(told["epoch"]),
        healed_at=_moment(told["healed_at"]),
        forgiven_at=_moment(told["forgiven_at"]),
        degraded_at=_moment(told["degraded_at"]),
        unhealthy_at=_moment(told["unhealthy_at"]),
        failing=Failing(_moment(at), int(failures), _moment(since)),
        closed=Closed(_moment(closed_at), _moment(closed_until)),
        pauses=MappingProxyType(dict(_pauses(told["pauses"]))),
    )


def _pauses(told: Iterable[tuple[str, str, float, int, str]]) -> Iterator[tuple[tuple[str, str], Paused]]:
    for reason, model, until, untold, scope in told:
        if reason in _REASONS and isinstance(model, str):
            known = scope if scope in _SCOPES else ""
            yield (reason, model), Paused(_moment(until), int(untold), known)


_REASONS = frozenset(CooldownReason)
_SCOPES = frozenset(QuotaScope)


def _moment(told: object) -> float:
    moment = float(told) if isinstance(told, int | float) else math.nan
    if not math.isfinite(moment):
        raise ValueError("no moment")
    return moment
