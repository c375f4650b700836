"""Lets each member and each key use as much at a time as its limits allow."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.use_cases.attempts import Receipt
from domain.access.keys import Caller
from domain.admission.limits import NOWHERE_ELSE, Beyond, Elsewhere, Limits, UseMeter
from domain.inventory.admission import MemberLimited
from domain.ports.observation import EventSink
from domain.ports.time import Clock

_MEMBER, _KEY = "member", "key"


class LimitReached(Exception):
    """Somebody has had as much as they may for now; ``retry_after_s`` tells when to ask again."""

    def __init__(self, beyond: Beyond, whose: str) -> None:
        super().__init__(f"the limit of this {whose} is reached: {beyond.kind} is {beyond.allowed}")
        self.beyond = beyond

    @property
    def retry_after_s(self) -> float:
        """In seconds; where it depends on requests that run, soon."""
        return 1.0 if self.beyond.retry_after_s is None else self.beyond.retry_after_s


@dataclass(slots=True)
class Stay:
    """A request while it runs; the meters are of those who are limited."""

    meters: Sequence[UseMeter]
    clock: Clock
    is_over: bool = False

    def over(self, receipt: Receipt) -> None:
        """The request has ended, however it did. Only the first time counts."""
        if self.meters and not self.is_over:
            tokens, now = receipt.tokens, self.clock.monotonic()
            for meter in self.meters:
                meter.end(tokens, now)
        self.is_over = True


class MemberLimits:
    """
    Counts what members and keys use.

    Attributes:
        meters: of those that are limited, such as ``member anna`` or ``key k7f3m2qa``.
        elsewhere: what other processes have let through for them, as far as `hear` was told.

    Args:
        limits: of the members that have any.
    """

    def __init__(self, limits: Mapping[str, Limits], sink: EventSink, clock: Clock) -> None:
        self.meters = {f"{_MEMBER} {member}": UseMeter(its) for member, its in limits.items()}
        self.elsewhere: Mapping[str, Elsewhere] = {}
        self._elsewhere_until = 0.0
        self._sink = sink
        self._clock = clock

    def __repr__(self) -> str:
        return f"<MemberLimits {self.meters}>"

    @contextmanager
    def while_within(self, caller: Caller, request_id: str, receipt: Receipt) -> Iterator[None]:
        """
        A request runs inside; its receipt tells in the end what it has used.

        Raises:
            LimitReached: it is one too many for its member or its key.
        """
        stay = self.enter(caller, request_id)
        try:
            yield
        finally:
            stay.over(receipt)

    def enter(self, caller: Caller, request_id: str) -> Stay:
        """
        A request begins. Whoever gets a stay must end it.

        Raises:
            LimitReached: it is one too many for its member or its key.
        """
        if not self.meters:
            return Stay((), self._clock)
        now = self._clock.monotonic()
        elsewhere = self.elsewhere if now < self._elsewhere_until else {}
        meters: list[UseMeter] = []
        for kind, who in ((_MEMBER, caller.member), (_KEY, caller.key_account)):
            name = f"{kind} {who}"
            meter = self.meters.get(name)
            if meter is None:
                continue
            judgement = meter.judge(now, elsewhere.get(name, NOWHERE_ELSE))
            if isinstance(judgement, Beyond):
                self._refuse(judgement, kind, caller, request_id)
            meters.append(meter)
        for meter in meters:
            meter.begin(now)
        return Stay(meters, self._clock)

    def hear(self, elsewhere: Mapping[str, Elsewhere], *, lasts_s: float) -> None:
        """
        What other processes have let through.

        It counts for so long at most: whoever hears no more of the others must not go on refusing for their
        sake what has ended there long ago.
        """
        self.elsewhere = elsewhere
        self._elsewhere_until = self._clock.monotonic() + lasts_s

    def limit_keys(self, limits: Mapping[str, Limits]) -> None:
        """These keys are limited from now on, and no others; what they have used still counts."""
        named = {f"{_KEY} {key}": its for key, its in limits.items()}
        members = {name: meter for name, meter in self.meters.items() if name.startswith(f"{_MEMBER} ")}
        keys = {name: self.meters.get(name) or UseMeter(its) for name, its in named.items()}
        for name, meter in keys.items():
            meter.limits = named[name]
        self.meters = {**members, **keys}

    def _refuse(self, beyond: Beyond, kind: str, caller: Caller, request_id: str) -> None:
        self._sink.emit(
            MemberLimited(
                request_id=request_id,
                member=caller.member,
                key_id=caller.key_id if kind == _KEY else "",
                limit=beyond.kind,
                allowed=beyond.allowed,
                retry_after_s=beyond.retry_after_s,
            )
        )
        raise LimitReached(beyond, kind)
