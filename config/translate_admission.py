"""From limits, plans and weights of the file to what admission works with."""

from collections.abc import Mapping
from types import MappingProxyType

from config.schema.admission import Limits as LimitsSection
from config.schema.admission import Quota as QuotaSection
from config.schema.provider import Provider
from config.schema.root import Config
from config.schema.zones import zone
from domain.admission.limits import Limits
from domain.admission.quota import Per, Quota, Unit
from domain.routing.targets import Room


def room_of(provider: Provider) -> Room | None:
    """How much a provider bears at once; ``None`` when the file does not say."""
    if provider.max_concurrency is None:
        return None
    return Room(
        most_at_once=provider.max_concurrency,
        most_waiting=provider.max_queue,
        patience_s=provider.queue_timeout_s,
    )


def plans_of(config: Config) -> Mapping[str, tuple[Quota, ...]]:
    """The plans of the providers that have one."""
    plans = {provider.name: tuple(map(_quota, provider.quota)) for provider in config.providers}
    return MappingProxyType({name: plan for name, plan in plans.items() if plan})


def limits_of(config: Config) -> Mapping[str, Limits]:
    """The limits of the members that have any."""
    return MappingProxyType(
        {
            name: limits_by(member.limits)
            for name, member in config.members.items()
            if member.limits is not None
        }
    )


def limits_by(section: LimitsSection) -> Limits:
    """The limits that the file gives."""
    return Limits(
        requests_per_minute=section.requests_per_minute,
        tokens_per_minute=section.tokens_per_minute,
        concurrent=section.concurrent,
    )


def weights_of(config: Config) -> Mapping[str, int]:
    """Each member's share of turns."""
    return MappingProxyType({name: member.weight for name, member in config.members.items()})


def _quota(section: QuotaSection) -> Quota:
    unit = Unit.REQUESTS if section.requests is not None else Unit.TOKENS
    return Quota(
        unit=unit,
        allowed=section.requests or section.tokens or 0,
        per=Per(section.per),
        zone=zone(section.zone),
        failed_count=section.failed_count,
    )
