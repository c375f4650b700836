"""How providers' plans stand, as gauges."""

from collections.abc import Callable, Iterable
from types import MappingProxyType

from prometheus_client.core import GaugeMetricFamily

from domain.admission.quota import QuotaStanding

_LABELS = ("provider", "unit", "period")

_Figure = Callable[[QuotaStanding], float]
_GAUGES: MappingProxyType[str, tuple[str, _Figure]] = MappingProxyType(
    {
        "coderouter_quota_allowed": (
            "How much a provider's plan lets through in the current minute, day or month.",
            lambda it: it.quota.allowed,
        ),
        "coderouter_quota_used": (
            "How much of a provider's plan is used in the current minute, day or month.",
            lambda it: it.used,
        ),
        "coderouter_quota_end_timestamp_seconds": (
            "When the current minute, day or month of a provider's plan ends.",
            lambda it: it.ends_at,
        ),
    }
)


def quota_families(quotas: Iterable[QuotaStanding]) -> list[GaugeMetricFamily]:
    """
    One family for each figure of a plan.

    The figures are those of all workers and gateways that share the plan, so that no process counts them.
    """
    standings = list(quotas)
    return [_family(name, words, figure, standings) for name, (words, figure) in _GAUGES.items()]


def _family(name: str, words: str, figure: _Figure, quotas: Iterable[QuotaStanding]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=_LABELS)
    for standing in quotas:
        quota = standing.quota
        family.add_metric((standing.provider, quota.unit, quota.per), figure(standing))
    return family
