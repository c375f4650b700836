"""What goes along with every attempt: it may hold the attempt back, refuse it, and learns how it ended."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from functools import reduce
from typing import Protocol

from domain.budget.billing import USUAL_ANSWER, Bill, Certainty, Seen, counts_prompt
from domain.budget.money import NanoUsd, exact_usd, in_usd
from domain.conversation.reply import Usage
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.events import Outcome
from domain.failures import UpstreamFailure
from domain.inventory.requests import BilledElsewhere
from domain.ports.time import Clock
from domain.routing.facts import Facts
from domain.routing.gates import Barred
from domain.routing.selection import Wishes
from domain.routing.shaping import AS_IT_IS, Shaping
from domain.routing.targets import Profile, ProviderSpec, Target
from domain.values import value

_NOTHING, _ANSWERED = Certainty.NOTHING, Outcome.ANSWERED
"""Under Python 3.11 it takes long to find a member of an enumeration, and every request comes here."""


class Receipt:
    """What the attempts of one request have cost so far, and where."""

    __slots__ = ("_bills",)

    def __init__(self) -> None:
        self._bills: list[tuple[Target, Bill]] = []

    def __repr__(self) -> str:
        return f"<Receipt over {in_usd(self.cost)} USD>"

    @property
    def cost(self) -> NanoUsd:
        return NanoUsd(sum(bill.cost for _, bill in self._bills))

    @property
    def savings(self) -> NanoUsd:
        return NanoUsd(sum(bill.savings for _, bill in self._bills))

    @property
    def set_aside(self) -> NanoUsd:
        """What hard budgets were charged beyond the cost."""
        return NanoUsd(sum(bill.set_aside for _, bill in self._bills))

    @property
    def tokens(self) -> int:
        """Everything that was read and written, wherever; estimated where nobody counted."""
        return sum(bill.usage.tokens for _, bill in self._bills)

    @property
    def estimated(self) -> bool:
        """Whether anything of it is an estimate."""
        return any(bill.estimated for _, bill in self._bills)

    def usage_at(self, provider: str) -> Usage | None:
        """The tokens of all attempts at this provider that may be billed; `elsewhere` has the others."""
        found = [bill.usage for target, bill in self._bills if target.provider == provider]
        return reduce(Usage.plus, found) if found else None

    def add(self, target: Target, bill: Bill) -> None:
        if bill.certainty is not _NOTHING:
            self._bills.append((target, bill))

    def elsewhere(self, provider: str) -> tuple[BilledElsewhere, ...]:
        """What is due to others than this provider."""
        return tuple(_elsewhere(target, bill) for target, bill in self._bills if target.provider != provider)


def _elsewhere(target: Target, bill: Bill) -> BilledElsewhere:
    usage = bill.usage
    return BilledElsewhere(
        provider=target.provider,
        model=target.model,
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=usage.cache_read_tokens or 0,
        cache_creation_tokens=usage.cache_creation_tokens or 0,
        cost_usd=exact_usd(bill.cost),
        cost_savings_usd=exact_usd(bill.savings),
        set_aside_usd=exact_usd(bill.set_aside),
    )


@value(kw_only=True)
class Attempting:
    """
    An attempt that is about to be made.

    Attributes:
        facts: what has been found out about the request.
        wishes: what the client said of itself and of where its request should go.
        spec: the configuration of the target's provider.
        stream: whether the upstream is asked to answer as a stream.
        shaping: what of the request is changed for this target.
        trial_s: the attempt is a trial of an unhealthy provider, and its first content due within this.
        system_suffix: the instructions of the configuration that are added.
        receipt: where its cost is written down for whoever asked.
    """

    request_id: str
    request: ChatRequest
    facts: Facts
    wishes: Wishes
    profile: Profile
    target: Target
    spec: ProviderSpec
    stream: bool
    shaping: Shaping = AS_IT_IS
    trial_s: float | None = None
    system_suffix: str = ""
    receipt: Receipt = field(default_factory=Receipt)


@value(kw_only=True)
class Ending:
    """
    How an attempt ended.

    Attributes:
        outcome: ``ANSWERED`` only when the upstream said that its answer is complete.
        failure: what the upstream, or the adapter, did wrong; ``None`` also when the client left, or the
            gateway itself broke off.
        sent: whether the upstream was asked at all; an attempt that a later companion refused was not.
        usage: what the upstream reported, if it did.
        finished: whether the upstream said that the model has stopped, though more may have been to come.
        heard_out: whether it had said all when its client was gone.
        characters: of the answer so far, text, thinking and arguments of calls together.
        ttft_s: from the start of the attempt to the first content, in seconds; ``None`` when there was none.
        duration_s: of the whole attempt; waiting for admission or until a machine is awake not included.
    """

    outcome: Outcome
    failure: UpstreamFailure | None = None
    sent: bool = True
    usage: Usage | None = None
    finished: bool = False
    heard_out: bool = False
    characters: int = 0
    ttft_s: float | None = None
    duration_s: float = 0.0


def seen_of(attempting: Attempting, ending: Ending) -> Seen:
    """What was seen of an attempt, to tell what it has used."""
    usage = ending.usage
    complete = ending.outcome is _ANSWERED or (ending.finished and (ending.heard_out or _is_counted(usage)))
    prompt_tokens = _prompt_tokens(attempting.facts, usage)
    unheard = 0 if complete or attempting.stream else _usual_answer(attempting.facts)
    return Seen(ending.sent, complete, ending.failure, usage, ending.characters, prompt_tokens, unheard)


def _is_counted(usage: Usage | None) -> bool:
    return usage is not None and usage.output_tokens is not None


def _usual_answer(facts: Facts) -> int:
    with suppress(MalformedRequest):
        return min(facts.output_limit or USUAL_ANSWER, USUAL_ANSWER) if facts.generates else 0
    return 0


def _prompt_tokens(facts: Facts, usage: Usage | None) -> int:
    """As estimated, where nobody has counted. What could not be read cannot have cost much."""
    if usage is not None and counts_prompt(usage):
        return 0
    with suppress(MalformedRequest):
        return facts.rough_prompt_tokens
    return 0


class Ticket(Protocol):
    """What a companion gave out for one attempt."""

    def ended(self, ending: Ending) -> None:
        """The attempt is over. Called exactly once, on every exit; never waits and never raises."""
        ...


@value
class Later:
    """A ticket that has to be waited for; being cancelled meanwhile leaves nothing behind."""

    ticket: Awaitable[Ticket]


class Companion(Protocol):
    """Goes along with every attempt."""

    def admit(self, attempting: Attempting) -> Ticket | Later:
        """
        Lets the attempt begin: at once, as nearly always, or after a while.

        Raises (or the ticket does that has to be waited for):
            TargetRefused: this target may not be tried now; the chain moves on.
            TargetPostponed: this target may be tried when all others have failed.
        """
        ...


class TargetRefused(Exception):
    """A target may not be tried, as became known only when its turn had come; ``barred`` says why."""

    def __init__(self, barred: Barred) -> None:
        super().__init__(barred.reason)
        self.barred = barred


NOT_MADE = Ending(outcome=Outcome.REJECTED, sent=False)
"""The ending of an attempt that was admitted by one companion and not by the next."""


class TargetPostponed(Exception):
    """A target is to be tried after the others, as became known only when its turn had come."""


def hand_in(tickets: list[Ticket], ending: Ending) -> None:
    """Tells the tickets of one attempt how it ended, in the opposite order, and each of them once."""
    while tickets:
        tickets.pop().ended(ending)


async def admitted(companions: Iterable[Companion], attempting: Attempting) -> list[Ticket]:
    """
    The tickets of all companions, asked in order; `hand_in` them.

    Raises:
        TargetRefused, TargetPostponed: one of them did not let it begin; those before it have been told.
    """
    tickets: list[Ticket] = []
    try:
        for companion in companions:
            found = companion.admit(attempting)
            tickets.append(await found.ticket if isinstance(found, Later) else found)
    except BaseException:
        hand_in(tickets, NOT_MADE)
        raise
    return tickets


class Settlement:
    """Tells the tickets of one attempt how it ended, once, with what was seen of it."""

    __slots__ = ("_began_at", "_clock", "_tickets", "characters", "finished", "heard_out", "ttft_s", "usage")

    def __init__(self, tickets: list[Ticket], clock: Clock) -> None:
        self._tickets = tickets
        self._clock = clock
        self._began_at = clock.monotonic()
        self.ttft_s: float | None = None
        self.usage: Usage | None = None
        self.finished = False
        self.heard_out = False
        self.characters = 0

    def __repr__(self) -> str:
        return f"<Settlement of {self._tickets!r}>"

    @property
    def owes_usage(self) -> bool:
        """Whether the model has stopped, and the upstream has yet to say what its answer took."""
        return self.finished and not _is_counted(self.usage)

    def counted(self, usage: Usage) -> None:
        """The upstream reports what it has counted so far."""
        self.usage = usage if self.usage is None else self.usage.merged(usage)

    def asking(self) -> None:
        """The upstream is asked now: the time before, as until its machine was awake, is not its own."""
        self._began_at = self._clock.monotonic()

    def begun(self) -> None:
        """The first content is here."""
        self.ttft_s = self._clock.monotonic() - self._began_at

    def ended(self, outcome: Outcome, *, failure: UpstreamFailure | None = None) -> None:
        """The attempt is over; only the first time counts."""
        ending = Ending(
            outcome=outcome,
            failure=failure,
            usage=self.usage,
            finished=self.finished,
            heard_out=self.heard_out,
            characters=self.characters,
            ttft_s=self.ttft_s,
            duration_s=self._clock.monotonic() - self._began_at,
        )
        hand_in(self._tickets, ending)

    def never_began(self) -> None:
        """Nothing was sent, so that nobody can be billed for it."""
        hand_in(self._tickets, NOT_MADE)


@contextmanager
def settled_on_failure(settlement: Settlement) -> Iterator[None]:
    """An attempt whose answer does not begin is over, also when its client leaves before that."""
    try:
        yield
    except UpstreamFailure as failure:
        settlement.ended(Outcome.FAILED, failure=failure)
        raise
    except MalformedRequest:
        settlement.never_began()
        raise
    except asyncio.CancelledError:
        settlement.ended(Outcome.CLIENT_LEFT)
        raise
    except BaseException:
        settlement.ended(Outcome.FAILED)
        raise


ALONE: Sequence[Companion] = ()
"""For a walk that nobody goes along with."""
