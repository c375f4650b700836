"""Decides where a request goes, before anything is sent."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from app.use_cases.health_events import reorderings
from app.use_cases.plan_events import blocked, choice_event, demotions, refusals
from domain.access.keys import Caller
from domain.conversation.request import ChatRequest
from domain.events import Event, ModeAliasResolved
from domain.health.standing import NOTHING_KNOWN
from domain.ports.observation import UnhurriedSink
from domain.ports.providers import ProviderDirectory
from domain.ports.time import Clock
from domain.ports.tokens import TokenCounter
from domain.routing.facts import Facts
from domain.routing.gates import Admission, Admitted, Asker, Barred, Gate, admit
from domain.routing.ranking import NOTHING_HAPPENED, Candidate, Standings, demoted, ranked
from domain.routing.rules import Choice, Kept, RuleMatcher
from domain.routing.selection import Selection, Wishes, asked_for, by_default, routed
from domain.routing.stickiness import SessionMemory
from domain.routing.targets import Profile, RoutingTable, Target
from domain.values import value


@value(kw_only=True)
class Plan:
    """
    Where a request goes: the profile, what chose it, whom to try in order, and who may not be tried.

    Attributes:
        facts: what was found out about the request on the way, for whoever goes on with it.
        rule: what chose the profile: a rule of the auto-router, or such as ``body-profile``.
        pinned: whether the client named the only target, and the profile lends no more than its policies.
        declared: whom to try, in the order of the profile, with what speaks for and against each.
        ranked: the same in ``order``.
        demoted: of ``order``, those that others overtook, with what they lack.
        hint: what the model is told beside its instructions, as it keeps making the same calls.
    """

    facts: Facts
    profile: Profile
    rule: str
    order: tuple[Target, ...]
    barred: tuple[Barred, ...]
    pinned: bool = False
    declared: tuple[Candidate, ...] = ()
    ranked: tuple[Candidate, ...] = ()
    demoted: tuple[Candidate, ...] = ()
    hint: str = ""


class Planner:
    """Selects the profile, passes its targets through the gates and ranks them; tells of each decision."""

    def __init__(
        self,
        table: RoutingTable,
        directory: ProviderDirectory,
        sink: UnhurriedSink,
        clock: Clock,
        counter: TokenCounter,
        *,
        gates: Sequence[Gate] = (),
        standings: Standings = NOTHING_HAPPENED,
    ) -> None:
        self._table = table
        self._directory = directory
        self._sink = sink
        self._clock = clock
        self._counter = counter
        self._gates = tuple(gates)
        self._standings = standings
        self._sessions = SessionMemory()

    def __repr__(self) -> str:
        return f"<Planner {self._sessions!r}>"

    def rehearsing(self) -> "Planner":
        """A planner that knows the same, but tells nobody and remembers no session."""
        return Planner(
            self._table,
            self._directory,
            _Nobody(),
            self._clock,
            self._counter,
            gates=self._gates,
            standings=self._standings,
        )

    def check(self, wishes: Wishes) -> None:
        """
        For requests that are answered without a plan.

        Raises:
            UnknownChoice: as `plan` would.
        """
        asked_for(self._table, wishes)

    def plan(self, request: ChatRequest, wishes: Wishes, request_id: str) -> Plan:
        """
        The plan for a request.

        Raises:
            UnknownChoice: the client named a profile or mode that does not exist.
            MalformedRequest: a rule or a gate asked about content that cannot be understood.
        """
        facts = Facts(request, self._counter.count)
        plan = self._passed(self._selected(facts, wishes, request_id), facts, wishes.caller)
        self._tell(plan, request_id)
        return plan

    def left_alone(self, plan: Plan, caller: Caller, targets: Iterable[Target]) -> tuple[Barred, ...]:
        """Of targets that have been tried, those that might not be any more."""
        asker = self._asker(plan.facts, plan.profile, caller)
        admissions = [admit(self._table, asker, target, self._gates) for target in targets]
        return tuple(one for one in admissions if isinstance(one, Barred))

    def _asker(self, facts: Facts, profile: Profile, caller: Caller) -> Asker:
        return Asker(
            facts=facts,
            profile=profile,
            caller=caller,
            without_credential=self._directory.without_credential,
        )

    def _selected(self, facts: Facts, wishes: Wishes, request_id: str) -> Selection:
        asked = asked_for(self._table, wishes)
        if asked is not None:
            if asked.rule == "mode-header":
                self._sink.emit(_mode_resolved(asked, wishes, request_id))
            return asked
        if self._table.auto_router is None:
            return by_default(self._table)
        choice = self._routed(self._table.auto_router, facts, wishes)
        self._sink.emit_soon(partial(choice_event, choice, facts, request_id))
        return routed(self._table, _lasting(choice))

    def _routed(self, router: RuleMatcher, facts: Facts, wishes: Wishes) -> Choice | Kept:
        session = wishes.session if self._table.sticky_sessions else ""
        now_s = self._clock.monotonic()
        choice = router.route(facts, self._sessions.recall(session, facts.model, now_s))
        self._sessions.remember(session, facts.model, _lasting(choice), now_s)
        return choice

    def _passed(self, selection: Selection, facts: Facts, caller: Caller) -> Plan:
        asker = self._asker(facts, selection.profile, caller)
        targets = selection.profile.targets
        admissions = [admit(self._table, asker, target, self._gates) for target in targets]
        candidates = self._candidates(selection.profile, admissions)
        in_order = ranked(candidates)
        return Plan(
            facts=facts,
            profile=selection.profile,
            rule=selection.rule,
            pinned=selection.pinned,
            order=tuple(candidate.target for candidate in in_order),
            barred=tuple(one for one in admissions if isinstance(one, Barred)),
            declared=tuple(candidates),
            ranked=in_order,
            demoted=demoted(candidates),
        )

    def _candidates(self, profile: Profile, admissions: Sequence[Admission]) -> list[Candidate]:
        admitted = [one for one in admissions if isinstance(one, Admitted)]
        standings = self._standings.of(profile, [one.target for one in admitted])
        return [
            Candidate(
                target=one.target,
                lacks=one.lacks,
                standing=standings.get(one.target, NOTHING_KNOWN),
            )
            for one in admitted
        ]

    def _tell(self, plan: Plan, request_id: str) -> None:
        name = plan.profile.name
        for event in refusals(plan.barred, profile=name, request_id=request_id):
            self._sink.emit(event)
        for event in demotions(plan.demoted, profile=name, request_id=request_id):
            self._sink.emit(event)
        for event in reorderings(plan.declared, plan.ranked, profile=name, request_id=request_id):
            self._sink.emit(event)
        if not plan.order:
            for event in blocked(plan.barred, profile=name, request_id=request_id):
                self._sink.emit(event)


class _Nobody:
    """A sink for events that did not happen."""

    def emit(self, event: Event) -> None: ...

    def emit_soon(self, make: Callable[[], Event]) -> None: ...


def _mode_resolved(selection: Selection, wishes: Wishes, request_id: str) -> ModeAliasResolved:
    return ModeAliasResolved(request_id=request_id, mode=wishes.mode_header, profile=selection.profile.name)


def _lasting(choice: Choice | Kept) -> Choice:
    """What a session goes on with."""
    return choice.choice if isinstance(choice, Kept) else choice
