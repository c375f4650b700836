"""Lets each member use as much at a time as its limits allow."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from domain.access.keys import Caller
from domain.admission.limits import NOWHERE_ELSE, Beyond, Elsewhere, Limits, MemberMeter
from domain.conversation.reply import Usage
from domain.inventory.admission import MemberLimited
from domain.ports.observation import EventSink
from domain.ports.time import Clock


class LimitReached(Exception):
    """The member has had as much as it may for now; ``retry_after_s`` tells when to ask again."""

    def __init__(self, beyond: Beyond) -> None:
        super().__init__(f"the limit of this member is reached: {beyond.kind} is {beyond.allowed}")
        self.beyond = beyond

    @property
    def retry_after_s(self) -> float:
        """In seconds; where it depends on requests that run, soon."""
        return 1.0 if self.beyond.retry_after_s is None else self.beyond.retry_after_s


@dataclass(slots=True)
class Stay:
    """A member's request while it runs."""

    meter: MemberMeter | None
    clock: Clock
    is_over: bool = False

    def over(self, usage: Usage | None) -> None:
        """The request has ended, however it did. Only the first time counts."""
        if self.meter is not None and not self.is_over:
            self.meter.end(_tokens(usage), self.clock.monotonic())
        self.is_over = True


class MemberLimits:
    """
    Counts what members use.

    Args:
        limits: of the members that have any.
        elsewhere: what other processes have let through; filled by whoever shares counts with them.
    """

    def __init__(self, limits: Mapping[str, Limits], sink: EventSink, clock: Clock) -> None:
        self.meters = {member: MemberMeter(its) for member, its in limits.items()}
        self.elsewhere: dict[str, Elsewhere] = {}
        self._sink = sink
        self._clock = clock

    def __repr__(self) -> str:
        return f"<MemberLimits {self.meters}>"

    @contextmanager
    def while_within(
        self, caller: Caller, request_id: str, usage: Callable[[], Usage | None]
    ) -> Iterator[None]:
        """
        A request runs inside; ``usage`` tells in the end what it has used.

        Raises:
            LimitReached: it is one too many for its member.
        """
        stay = self.enter(caller, request_id)
        try:
            yield
        finally:
            stay.over(usage())

    def enter(self, caller: Caller, request_id: str) -> Stay:
        """
        A request begins. Whoever gets a stay must end it.

        Raises:
            LimitReached: it is one too many for its member.
        """
        meter = self.meters.get(caller.member)
        if meter is not None:
            now = self._clock.monotonic()
            judgement = meter.judge(now, self.elsewhere.get(caller.member, NOWHERE_ELSE))
            if isinstance(judgement, Beyond):
                self._refuse(judgement, caller, request_id)
            meter.begin(now)
        return Stay(meter, self._clock)

    def _refuse(self, beyond: Beyond, caller: Caller, request_id: str) -> None:
        self._sink.emit(
            MemberLimited(
                request_id=request_id,
                member=caller.member,
                limit=beyond.kind,
                allowed=beyond.allowed,
                retry_after_s=beyond.retry_after_s,
            )
        )
        raise LimitReached(beyond)


def _tokens(usage: Usage | None) -> int:
    """Everything that was read and written, whether or not a cache made it cheap."""
    if usage is None:
        return 0
    counts = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_creation_tokens)
    return sum(count or 0 for count in counts)
