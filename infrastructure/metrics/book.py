"""Tells what has been counted: to Prometheus as text, to people as one document."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Metric, generate_latest

from domain.admission.quota import QuotaStanding
from domain.budget.standing import Standing
from domain.ports.time import Clock
from infrastructure.metrics.budgets import budget_families
from infrastructure.metrics.counting import Together, counted_by_all
from infrastructure.metrics.instruments import HOST_STATES, Instruments
from infrastructure.metrics.quotas import quota_families
from infrastructure.metrics.recollection import Recollection
from infrastructure.metrics.tally import Tally

_CACHE_ANSWERS = ("cache_hit", "cache_creation", "no_cache")
"""Outcomes that a hit rate is made of; an answer that told no usage says nothing about the cache."""


class MetricsBook:
    """
    Implements `domain.ports.metrics.Metrics`.

    Args:
        config: what the document tells of the configuration; holds no secret.
    """

    def __init__(
        self,
        instruments: Instruments,
        recollection: Recollection,
        clock: Clock,
        *,
        version: str,
        config: Mapping[str, Any],
    ) -> None:
        self._instruments = instruments
        self._recollection = recollection
        self._clock = clock
        self._config = config
        self._started_at = clock.time()
        self._began_at = clock.monotonic()
        instruments.build_info.of(version).set(1)

    def __repr__(self) -> str:
        return f"<MetricsBook of {self._instruments!r}>"

    def exposition(self, budgets: Iterable[Standing] = (), quotas: Iterable[QuotaStanding] = ()) -> bytes:
        self._instruments.uptime.set(self._uptime_s())
        self._instruments.tasks.set(_tasks())
        return generate_latest(
            _Families([*self._families(), *budget_families(budgets), *quota_families(quotas)])
        )

    def snapshot(self) -> dict[str, Any]:
        tally = Tally(self._families())
        started = datetime.fromtimestamp(self._started_at, UTC).isoformat(timespec="seconds")
        return {
            "uptime_s": round(self._uptime_s(), 3),
            "started_at": f"{started.removesuffix('+00:00')}Z",
            "startup": self._recollection.startup,
            "counters": _counters(tally),
            "providers": [self._provider(tally, name) for name in _seen(tally)],
            "recent": self._recollection.recent,
            "config": self._config,
        }

    def _uptime_s(self) -> float:
        return self._clock.monotonic() - self._began_at

    def _families(self) -> list[Metric]:
        """
        In the order of their names. A series that nothing was counted into yet is told by its name alone; of
        shared counts the files know only those that were.
        """
        own = {family.name: family for family in self._instruments.registry.collect()}
        counting = self._instruments.counting
        if isinstance(counting, Together):
            counted = {family.name: family for family in counted_by_all(counting.directory).collect()}
            own = {
                name: counted.get(name) or Metric(name, family.documentation, family.type)
                for name, family in own.items()
            }
        return [own[name] for name in sorted(own)]

    def _provider(self, tally: Tally, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "attempts": round(tally.total("provider_attempts_total", provider=name)),
            "outcomes": _whole(tally.by("provider_outcomes_total", "outcome", provider=name)),
            "last_error": self._recollection.last_errors.get(name),
            **_host(tally, name),
            "cache": _cache(tally, name),
            "cost": {
                "total_usd": round(tally.total("cost_total_usd_total", provider=name), 6),
                "savings_usd": round(tally.total("cost_savings_usd_total", provider=name), 6),
            },
        }


def _tasks() -> int:
    """Those of the event loop that runs here, if one does."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


class _Families(CollectorRegistry):
    """Metrics that have been collected already, as the library's text format wants them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__(auto_describe=False)
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _counters(tally: Tally) -> dict[str, Any]:
    costs, savings = (tally.by(f"cost_{kind}_usd_total", "provider") for kind in ("total", "savings"))
    return {
        **{name: round(tally.total(name)) for name in _TOTALS},
        **{key: _whole(tally.by(name, label)) for key, (name, label) in _BY_ONE_LABEL.items()},
        **{
            f"provider_skipped_{reason}": _whole(
                tally.by("provider_skipped_total", "provider", reason=reason)
            )
            for reason in _SKIP_REASONS
        },
        **{key: _nested(tally, name, label) for key, (name, label) in _BY_PROVIDER_AND.items()},
        "cost_total_usd": _usd(costs),
        "cost_savings_usd": _usd(savings),
        "cost_total_usd_aggregate": round(sum(costs.values()), 6),
        "cost_savings_usd_aggregate": round(sum(savings.values()), 6),
    }


_TOTALS = (
    "requests_total",
    "chain_paid_gate_blocked_total",
    "chain_budget_exceeded_total",
    "chain_memory_pressure_blocked_total",
    "chain_uniform_auth_failure_total",
    "auto_router_fallthrough_total",
    "cache_read_tokens_total",
    "cache_creation_tokens_total",
)
_BY_ONE_LABEL = {
    "provider_attempts": ("provider_attempts_total", "provider"),
    "provider_wake_packets": ("provider_wake_packets_total", "provider"),
    "provider_demoted_unhealthy": ("provider_demoted_unhealthy_total", "provider"),
    "capability_degraded": ("capability_degraded_total", "capability"),
    "output_filter_applied": ("output_filter_applied_total", "filter"),
    "cache_read_tokens": ("cache_read_tokens_total", "provider"),
    "cache_creation_tokens": ("cache_creation_tokens_total", "provider"),
    "requests_by_outcome": ("requests_total", "outcome"),
    "requests_by_profile": ("requests_total", "profile"),
    "requests_by_member": ("requests_total", "member"),
    "auth_rejected": ("auth_rejected_total", "reason"),
    "tokens": ("tokens_total", "class"),
}
_BY_PROVIDER_AND = {
    "provider_outcomes": ("provider_outcomes_total", "outcome"),
    "backend_health_transitions": ("backend_health_transitions_total", "state"),
    "cache_outcomes": ("cache_observed_total", "outcome"),
    "fallbacks": ("fallbacks_total", "reason"),
}
_SKIP_REASONS = (
    "paid",
    "unknown",
    "budget",
    "memory_pressure",
    "forbidden",
    "missing_credential",
    "incapable",
    "context_window",
    "busy",
    "quota",
    "cooling",
)


def _nested(tally: Tally, name: str, label: str) -> dict[str, dict[str, int]]:
    return {
        provider: _whole(tally.by(name, label, provider=provider)) for provider in tally.by(name, "provider")
    }


def _host(tally: Tally, provider: str) -> dict[str, Any]:
    """Only of machines that are woken."""
    states = tally.by("provider_host_state", "provider", provider=provider)
    return {"host": HOST_STATES[round(states[provider])]} if states else {}


def _cache(tally: Tally, provider: str) -> dict[str, Any]:
    outcomes = _whole(tally.by("cache_observed_total", "outcome", provider=provider))
    told = sum(outcomes.get(outcome, 0) for outcome in _CACHE_ANSWERS)
    return {
        "read_tokens": round(tally.total("cache_read_tokens_total", provider=provider)),
        "creation_tokens": round(tally.total("cache_creation_tokens_total", provider=provider)),
        "outcomes": outcomes,
        "hit_rate": round(outcomes.get("cache_hit", 0) / told, 4) if told else None,
        "observations": sum(outcomes.values()),
    }


def _seen(tally: Tally) -> list[str]:
    """Providers that have been seen in traffic, by name."""
    seen = tally.by("provider_attempts_total", "provider") | tally.by("provider_skipped_total", "provider")
    return sorted(seen)


def _whole(counts: Mapping[str, float]) -> dict[str, int]:
    return {name: round(count) for name, count in counts.items()}


def _usd(amounts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(amount, 6) for name, amount in amounts.items() if amount}
