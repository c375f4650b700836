"""Decides where a request goes, before anything is sent."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.events import (
    ChainPaidGateBlocked,
    Event,
    ModeAliasResolved,
    PaidProviderSkipped,
    UncredentialedProviderSkipped,
)
from domain.ports.observation import EventSink
from domain.ports.providers import ProviderDirectory
from domain.routing.gates import Admitted, BarReason, Barred, admit
from domain.routing.selection import Selection, Wishes, select
from domain.routing.targets import Profile, RoutingTable, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    Where a request goes: the profile, what chose it, whom to try in order, and who may not be tried.

    Attributes:
        rule: what chose the profile, such as ``body-profile`` or ``default-profile``.
    """

    profile: Profile
    rule: str
    order: tuple[Target, ...]
    barred: tuple[Barred, ...]


class Planner:
    """Selects the profile and passes its targets through the gates; tells of each refusal."""

    def __init__(self, table: RoutingTable, directory: ProviderDirectory, sink: EventSink) -> None:
        self._table = table
        self._directory = directory
        self._sink = sink

    def plan(self, wishes: Wishes, request_id: str) -> Plan:
        """
        The plan for a request.

        Raises:
            UnknownChoice: the client named a profile or mode that does not exist.
        """
        plan = self._decide(select(self._table, wishes))
        if wishes.mode_header and plan.rule == "mode-header":
            mode = ModeAliasResolved(
                request_id=request_id, mode=wishes.mode_header, profile=plan.profile.name
            )
            self._sink.emit(mode)
        for event in _refusals(plan, request_id):
            self._sink.emit(event)
        return plan

    def _decide(self, selection: Selection) -> Plan:
        missing = self._directory.without_credential
        admissions = [
            admit(self._table, target, without_credential=missing) for target in selection.profile.targets
        ]
        return Plan(
            profile=selection.profile,
            rule=selection.rule,
            order=tuple(a.target for a in admissions if isinstance(a, Admitted)),
            barred=tuple(a for a in admissions if isinstance(a, Barred)),
        )


def _refusals(plan: Plan, request_id: str) -> Iterator[Event]:
    """One event for each refusal, and one for the chain if refusals left nothing of it."""
    for barred in plan.barred:
        yield _refusal(barred, plan.profile.name, request_id)
    paid = tuple(b.target.provider for b in plan.barred if b.reason is BarReason.PAID)
    if paid and not plan.order:
        yield ChainPaidGateBlocked(request_id=request_id, profile=plan.profile.name, blocked_providers=paid)


def _refusal(barred: Barred, profile: str, request_id: str) -> Event:
    provider = barred.target.provider
    match barred.reason:
        case BarReason.PAID:
            return PaidProviderSkipped(request_id=request_id, profile=profile, provider=provider)
        case BarReason.MISSING_CREDENTIAL:
            return UncredentialedProviderSkipped(request_id=request_id, profile=profile, provider=provider)
