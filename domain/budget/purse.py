"""One worker's part of one pot: what it was lent, what it has promised of that, what it has spent."""

from datetime import datetime

from domain.budget.accounts import BudgetMode, Pot
from domain.budget.leases import SHARE_AHEAD, Claim, Grant
from domain.budget.money import NANO_PER_USD, NOTHING, NanoUsd
from domain.budget.periods import Period
from domain.values import value

_FEW_AHEAD = NANO_PER_USD // 50
_MOST_AHEAD_UNASKED = NANO_PER_USD
_SHARE_UNASKED = 100
_SHARE_OF_SMALL = 20
"""A hundredth of a budget is kept at hand, a dollar at most and two cents or a twentieth of it at least, so
that the first requests after a while need not wait for the disk. What each worker keeps, others lack."""

_RESTS_AFTER_S = 600.0
_SHARE_AT_REST = 1000
"""When nobody has asked for so long no more than a thousandth is kept, and no more than two cents: a power
cut at night shall cost no more, and workers without work keep nothing from those that have some."""

_FOR_NEXT_ROUND = 2
"""By how much there was less room since the last claim there may be again before the next one is answered,
and more. Not by all that was promised: what ended gave its room to what came after it."""

_FORGETS = 0.8
"""
What an appetite shrinks to with each claim when less than that was promised. It is never for more than is
lent ahead of need at most: what a dear request was promised would else be kept when it is over, and be lost
to others, and to all should the worker die.
"""


@value(kw_only=True)
class Exceeded:
    """
    A budget that a request does not fit into, and how its pot stands as far as is known.

    Attributes:
        amount: the most that the request may cost.
        estimated: how much of what is settled no provider has counted.
        ends: when the period is over, in the budget's zone: there is money again then.
        reserved: promised to other requests of this worker.
        lent_to_others: what other workers were lent and have not spent: promised, or held ready by them.
    """

    pot: Pot
    ends: datetime
    mode: BudgetMode
    cap: NanoUsd
    settled: NanoUsd
    estimated: NanoUsd
    reserved: NanoUsd
    lent_to_others: NanoUsd
    amount: NanoUsd

    @property
    def is_for_now(self) -> bool:
        """Whether it would fit once what is reserved turns out to cost nothing, as most of it will."""
        left = self.cap - self.settled
        return left > 0 if self.mode is BudgetMode.SOFT else left >= self.amount

    @property
    def remaining(self) -> NanoUsd:
        """What nobody has spent and no request is known to have been promised."""
        return NanoUsd(max(0, self.cap - self.settled - self.reserved))


class Purse:
    """
    Reserves and spends what its worker was lent of one pot; a pot without a cap is only counted.

    Only one claim is under way at a time.

    Attributes:
        is_known: whether the store has ever said how the pot stands, or said it of the one before.
        held: what was lent, what was spent of it included.
        room: what was lent and is neither spent nor promised.
        least_room: the least there was since the store was last told.
        low_room: with less than this requests may soon have to wait for more to be lent.
        is_low: whether there was less since the store was last told.
    """

    __slots__ = (
        "_appetite",
        "_asked",
        "_asked_at",
        "_is_leaving",
        "_needs",
        "_others_committed",
        "_others_estimated",
        "_others_settled",
        "_room_then",
        "_told",
        "cap",
        "estimated",
        "held",
        "is_hard",
        "is_known",
        "is_low",
        "is_unsaid",
        "least_room",
        "low_room",
        "mode",
        "period",
        "pot",
        "room",
        "spent",
    )

    def __init__(self, pot: Pot, period: Period, cap: NanoUsd | None, mode: BudgetMode) -> None:
        self.pot = pot
        self.period = period
        self.cap = cap
        self.mode = mode
        self.is_hard = mode is BudgetMode.HARD
        self.spent = 0
        self.estimated = 0
        self.held = 0
        self.room = self.least_room = self._room_then = 0
        self._others_settled = self._others_estimated = 0
        self._others_committed = 0
        self._needs: list[NanoUsd] = []
        self._told = 0
        self._appetite = self.low_room = 0
        self._asked_at: float | None = None
        self._is_leaving = False
        self.is_known = self.is_low = False
        self.is_unsaid = cap is not None
        self._asked: Claim | None = None

    def __repr__(self) -> str:
        return f"<Purse of {self.pot}: spent={self.spent} reserved={self.reserved} held={self.held}>"

    @property
    def reserved(self) -> int:
        """What is promised to requests that are under way."""
        return self.held - self.spent - self.room

    @property
    def is_idle(self) -> bool:
        """Whether nothing is promised, and the store knows of everything that was spent."""
        return not (self.reserved or self._has_news or self._needs or self._asked)

    @property
    def _has_news(self) -> bool:
        return self.is_unsaid or self.spent != self._told

    @property
    def untold(self) -> int:
        """What was spent and the store has not heard of."""
        return self.spent - self._told

    def has(self, amount: NanoUsd) -> bool:
        """Whether a request fits into what was lent of a budget."""
        return self.room >= amount and (self.is_hard or self.is_open)

    @property
    def is_open(self) -> bool:
        """Whether a soft budget, and what was lent of it, have anything left."""
        return self.room > 0 and self._left > 0

    def could_have(self, amount: NanoUsd) -> bool:
        """Whether a request fits into the budget beside what others held when the store was last asked."""
        return self._fits(amount, self._left)

    def might_have(self, amount: NanoUsd) -> bool:
        """Whether it would fit if others gave back all that they have not spent, as they may have by now."""
        return self._fits(amount, self._left + self._others_committed - self._others_settled)

    def _fits(self, amount: NanoUsd, left: int) -> bool:
        if self.cap is None:
            return True
        return left >= amount if self.is_hard else left > 0

    def exceeded(self, amount: NanoUsd) -> Exceeded:
        """How the pot stands that so much does not fit into."""
        return Exceeded(
            pot=self.pot,
            ends=self.period.end,
            mode=self.mode,
            cap=self.cap or NOTHING,
            settled=NanoUsd(self._others_settled + self.spent),
            estimated=NanoUsd(self._others_estimated + self.estimated),
            reserved=NanoUsd(self.reserved),
            lent_to_others=NanoUsd(self._others_committed - self._others_settled),
            amount=amount,
        )

    def lack(self, amount: NanoUsd) -> None:
        """A request waits for more to be lent."""
        self._needs.append(self._need(amount))

    def long_for(self) -> None:
        """More would be welcome, or a request was refused and others may have given something back."""
        self.is_unsaid = True

    def rebudget(self, cap: NanoUsd | None, mode: BudgetMode) -> None:
        """The account's budget is this one from now on."""
        if (cap, mode) != (self.cap, self.mode):
            self.cap = cap
            self.mode = mode
            self.is_hard = mode is BudgetMode.HARD
            self.is_unsaid = True

    def claim(self, now: float) -> Claim | None:
        """
        What there is to tell the store and to ask of it; ``None`` when there is nothing.

        While requests wait, nothing is held beyond what is promised: it goes to them, in their order.
        """
        used = self._room_then - min(self.least_room, self.room)
        self._look_anew()
        self.is_low = False
        if used or self._asked_at is None:
            self._asked_at = now
        appetite = max(used * _FOR_NEXT_ROUND, int(self._appetite * _FORGETS), self._unasked(now))
        self._appetite = appetite if self.cap is None else min(appetite, self.cap // SHARE_AHEAD)
        self.low_room = self._appetite // _FOR_NEXT_ROUND
        surplus = self.cap is not None and self.room > self._appetite * _FOR_NEXT_ROUND
        if not (self._needs or self._has_news or surplus):
            return None
        self._asked = self._claim(surplus=surplus)
        self._needs = []
        self.is_unsaid = False
        return self._asked

    def granted(self, grant: Grant) -> None:
        """The store's answer to the claim that is under way."""
        spent_then = self._told = self._asked.spent if self._asked is not None else self.spent
        estimated_then = self._asked.estimated if self._asked is not None else self.estimated
        self._asked = None
        self.is_known = True
        self._hold(grant.held)
        self._others_committed = grant.committed - grant.held
        self._others_settled = grant.settled - spent_then
        self._others_estimated = grant.estimated - estimated_then

    def unanswered(self) -> None:
        """The store could not be asked: all of it has to be said again."""
        self._asked = None
        self.is_unsaid = True

    def recall(self, spent: NanoUsd, estimated: NanoUsd) -> None:
        """So much was spent of this pot before the purse was opened again."""
        self.room -= spent - self.spent
        self.spent = self._told = spent
        self.estimated = estimated
        self._look_anew()

    def say_again(self) -> None:
        """The store may have forgotten it."""
        self.is_unsaid = self.is_unsaid or self.cap is not None or self.spent > 0

    def give_back(self) -> None:
        """Keeps nothing at hand from now on, as no request is expected any more."""
        self._is_leaving = True
        self._appetite = self.low_room = 0
        if self.room > 0:
            self._hold(self.held - self.room)
            self.is_unsaid = True
        self._look_anew()

    def _claim(self, *, surplus: bool) -> Claim:
        if self.cap is None:
            self._hold(0)
        elif self._needs or self.room < 0:
            self._hold(self.held - self.room)
        elif surplus:
            self._hold(self.held - self.room + self._appetite)
        return Claim(
            pot=self.pot,
            spent=NanoUsd(self.spent),
            estimated=NanoUsd(self.estimated),
            held=NanoUsd(self.held),
            needs=tuple(self._needs),
            ahead=NanoUsd(max(0, self._appetite - self.room)),
            cap=self.cap,
            mode=self.mode,
        )

    def _unasked(self, now: float) -> int:
        """What is kept at hand though nobody has asked for it."""
        if self.cap is None or self._is_leaving:
            return 0
        if self._asked_at is not None and now - self._asked_at > _RESTS_AFTER_S:
            return min(self.cap // _SHARE_AT_REST, _FEW_AHEAD)
        few = min(self.cap // _SHARE_OF_SMALL, _FEW_AHEAD)
        return max(few, min(self.cap // _SHARE_UNASKED, _MOST_AHEAD_UNASKED))

    def _need(self, amount: NanoUsd) -> NanoUsd:
        """What must be left; under a soft budget, anything at all."""
        return amount if self.is_hard else NanoUsd(max(amount, 1))

    def _hold(self, held: int) -> None:
        """So much is lent now, which says nothing of what is used."""
        more = held - self.held
        self.held = held
        self.room += more
        self.least_room += more
        self._room_then += more

    def _look_anew(self) -> None:
        self._room_then = self.least_room = self.room

    @property
    def _left(self) -> int:
        """What nobody has spent or promised and no other has been lent."""
        return (self.cap or 0) - self._others_committed - self.spent - self.reserved
