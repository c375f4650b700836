"""
How workers divide the seats of a provider that bears only so many attempts at once.

Theory of operation. A worker tells how many seats it wants and how many of its attempts sit, and is told how
many it may fill. Nobody is made to stand up: what sits stays held, but a worker that may fill fewer fills no
seat that becomes free, and so leaves it to the others. As long as nobody lacks a seat, whoever wants one gets
one. Otherwise:

1. Where there is a seat for each, each gets one, and of the rest a share by what it wants. What is left over
   as shares do not come out even is for who asks first, up to a share that is rounded up.
2. Where there are fewer seats than workers that want one, they take turns. A worker has one at most, and
   gives it up when it has had it for a while and somebody has none; a seat that is free is for the worker
   that has waited longest. Who waits since when is told by numbers, so that no clocks have to agree.

The server of a shared state runs the same rule as a script, `infrastructure/state/lua/hold_seats.lua`.
"""

from collections.abc import Sequence

from domain.values import value

TURN_S = 0.5
"""How long a worker may go on filling its seat while others have none. With short answers most of the time
would otherwise be spent on handing the seat over, for which both workers have to look."""


@value(kw_only=True)
class SeatsAsked:
    """
    What a worker asks for.

    Attributes:
        wanted: how many seats it would fill if there were enough, those that are taken included.
        used: how many of its attempts sit.
        limit: how many seats there are.
        now: by the clock of the worker.
    """

    wanted: int
    used: int
    limit: int
    now: float


@value(kw_only=True)
class SeatClaim:
    """
    What is known of a worker.

    Attributes:
        held: the seats that nobody else may fill.
        turn: a number that is larger for who has begun later to wait for a seat, or to hold any.
        since: when that was, by the clock of the worker.
    """

    wanted: int = 0
    held: int = 0
    turn: int = 0
    since: float = 0.0


NO_CLAIM = SeatClaim()


@value
class Division:
    """How many seats a worker may fill, and what is known of it from now on."""

    granted: int
    claim: SeatClaim


def divided(asked: SeatsAsked, own: SeatClaim, others: Sequence[SeatClaim]) -> Division:
    """What a worker gets of which ``own`` was known, beside all the others."""
    if not asked.wanted and not asked.used:
        return Division(0, NO_CLAIM)
    next_turn = 1 + max((one.turn for one in (own, *others)), default=0)
    if own == NO_CLAIM:
        own = SeatClaim(turn=next_turn, since=asked.now)
    granted = max(0, _granted(asked, own, others))
    held = max(granted, asked.used)
    if bool(held) == bool(own.held):
        return Division(granted, SeatClaim(wanted=asked.wanted, held=held, turn=own.turn, since=own.since))
    return Division(granted, SeatClaim(wanted=asked.wanted, held=held, turn=next_turn, since=asked.now))


def _granted(asked: SeatsAsked, own: SeatClaim, others: Sequence[SeatClaim]) -> int:
    free = asked.limit - sum(one.held for one in others)
    most = min(asked.wanted, free)
    if all(one.wanted <= one.held for one in others):
        return most
    rivals = [one for one in others if one.wanted]
    if len(rivals) < asked.limit:
        return min(most, _share(asked, rivals, free))
    return min(most, _turn(asked, own, rivals, free))


def _share(asked: SeatsAsked, rivals: Sequence[SeatClaim], free: int) -> int:
    """Case 1; ``free`` is what the rivals do not hold."""
    number = len(rivals) + 1
    total = asked.wanted + sum(one.wanted for one in rivals)

    def share(wanted: int) -> int:
        return 1 + (asked.limit - number) * (wanted - 1) // max(1, total - number)

    owed = sum(max(0, min(one.wanted, share(one.wanted)) - one.held) for one in rivals)
    rounded_up = -(-asked.limit * asked.wanted // total)
    return min(max(1, rounded_up), max(share(asked.wanted), free - owed))


def _turn(asked: SeatsAsked, own: SeatClaim, rivals: Sequence[SeatClaim], free: int) -> int:
    """Case 2."""
    waiting = [one for one in rivals if not one.held]
    if not own.held:
        return int(free > sum(one.turn < own.turn for one in waiting))
    has_had_its_turn = asked.now - own.since >= TURN_S
    return int(not has_had_its_turn or free - own.held >= len(waiting))
