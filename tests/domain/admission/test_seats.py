"""Workers divide the seats of a provider so that none of them goes without for long."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.admission.seats import NO_CLAIM, TURN_S, SeatClaim, SeatsAsked, divided

LOOKS_EVERY_S = 0.2


class Worker:
    """One with so many clients, each of which asks again as soon as it is answered."""

    def __init__(self, clients: int) -> None:
        self.clients = clients
        self.sitting = 0
        self.may_fill = 0
        self.served = 0
        self.claim = NO_CLAIM

    def __repr__(self) -> str:
        return f"<Worker {self.sitting} of {self.clients} sit, {self.may_fill} may>"

    def ask(self, rivals: Sequence["Worker"], limit: int, now: float) -> None:
        asked = SeatsAsked(wanted=min(self.clients, limit), used=self.sitting, limit=limit, now=now)
        division = divided(asked, self.claim, [one.claim for one in rivals])
        self.may_fill, self.claim = division.granted, division.claim
        self.fill()

    def fill(self) -> None:
        self.sitting = max(self.sitting, min(self.clients, self.may_fill))

    def answer(self) -> None:
        if self.sitting:
            self.sitting -= 1
            self.served += 1
            self.fill()


class Provider:
    """Workers before one provider that answers whom it will, and looks at the clock."""

    def __init__(self, limit: int, clients: Sequence[int]) -> None:
        self.limit = limit
        self.workers = [Worker(number) for number in clients]
        self.now = 0.0

    def ask(self, worker: Worker) -> None:
        worker.ask([one for one in self.workers if one is not worker], self.limit, self.now)
        assert sum(one.sitting for one in self.workers) <= self.limit

    def goes_on(self, looks: int, *, answers: int = 1, random: Random | None = None) -> None:
        """Everybody looks so often, and meanwhile so many answers of each worker are over."""
        for _ in range(looks):
            for worker in random.sample(self.workers, len(self.workers)) if random else self.workers:
                for _ in range(answers):
                    worker.answer()
                self.ask(worker)
            self.now += LOOKS_EVERY_S

    @property
    def sitting(self) -> list[int]:
        return [worker.sitting for worker in self.workers]

    @property
    def served(self) -> list[int]:
        return [worker.served for worker in self.workers]


def test_as_long_as_nobody_lacks_a_seat_whoever_wants_one_gets_one() -> None:
    provider = Provider(4, [3, 1])
    provider.goes_on(1)

    assert provider.sitting == [3, 1]


def test_steady_demand_on_one_worker_leaves_the_other_its_turns() -> None:
    provider = Provider(1, [8, 0])
    provider.goes_on(20)
    provider.workers[1].clients = 1
    before = provider.workers[0].served

    provider.goes_on(6)

    assert provider.workers[1].sitting or provider.workers[1].served
    assert provider.workers[0].served - before <= 5
    provider.goes_on(100)
    assert provider.workers[1].served > 20


def test_a_worker_over_its_share_does_not_fill_a_seat_that_becomes_free() -> None:
    provider = Provider(4, [9, 0])
    provider.goes_on(1)
    assert provider.sitting == [4, 0]

    provider.workers[1].clients = 9
    provider.goes_on(5)

    assert provider.sitting == [2, 2]


def test_shares_go_by_what_is_wanted_and_nobody_is_left_without() -> None:
    provider = Provider(6, [6, 2, 1])
    provider.goes_on(10)

    assert provider.sitting == [4, 1, 1]


def test_what_shares_do_not_come_out_even_is_not_wasted() -> None:
    provider = Provider(3, [4, 4])
    provider.goes_on(10)

    assert sorted(provider.sitting) == [1, 2]


@given(st.integers(1, 7), st.integers(2, 4), st.integers(1, 4), st.integers())
def test_in_the_long_run_workers_that_want_as_much_sit_as_much(
    limit: int, number: int, answers: int, seed: int
) -> None:
    provider = Provider(limit, [9] * number)
    random = Random(seed)  # noqa: S311  any order will do
    sat = [0] * number
    for _ in range(300):
        provider.goes_on(1, answers=answers, random=random)
        sat = [before + sitting for before, sitting in zip(sat, provider.sitting, strict=True)]

    assert min(sat) > 0.85 * max(sat)


def test_a_seat_that_is_left_over_stays_for_a_turn_and_then_goes_to_whoever_has_waited_longest() -> None:
    provider = Provider(4, [4, 4, 4])
    extra = []
    for _ in range(60):
        provider.goes_on(1)
        extra += [at for at, sitting in enumerate(provider.sitting) if sitting == 2]

    turns = [at for at, before in zip(extra[1:], extra, strict=False) if at != before][1:]
    assert len(turns) >= 9
    assert turns == (turns[:3] * len(turns))[: len(turns)]
    assert sorted(turns[:3]) == [0, 1, 2]
    assert len(extra) >= 45


def test_whoever_has_waited_longest_gets_the_seat() -> None:
    provider = Provider(1, [1, 0, 0])
    provider.goes_on(1, answers=0)
    for late in (2, 1):
        provider.workers[late].clients = 1
        provider.goes_on(1, answers=0)
    provider.now += TURN_S

    turns = []
    for _ in range(9):
        provider.goes_on(4)
        turns.append(provider.sitting.index(1))
        provider.now += TURN_S

    assert turns[:3] == [2, 1, 0]
    assert turns == turns[:3] * 3


def test_a_long_answer_keeps_the_seat_of_another_from_going_round_no_longer_than_its_own() -> None:
    provider = Provider(2, [1, 5, 5])
    long_one, short_one, third = provider.workers
    provider.goes_on(1, answers=0)
    provider.now += TURN_S
    for _ in range(20):  # only these are answered
        for worker in (short_one, third):
            worker.answer()
        for worker in provider.workers:
            provider.ask(worker)
        provider.now += LOOKS_EVERY_S

    assert long_one.sitting == 1
    assert min(short_one.served, third.served) >= 3


def test_a_worker_that_wants_nothing_holds_nothing() -> None:
    asked = SeatsAsked(wanted=0, used=0, limit=1, now=9.0)

    division = divided(asked, SeatClaim(wanted=1, held=1, turn=3), [SeatClaim(wanted=1, turn=4)])

    assert (division.granted, division.claim) == (0, NO_CLAIM)


@pytest.mark.parametrize("clients", [[1, 1], [20, 1], [5, 5, 5], [9, 1, 1, 1], [3] * 8])
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_nobody_starves_and_no_seat_is_left_empty_for_long(limit: int, clients: list[int]) -> None:
    provider = Provider(limit, clients)
    random = Random(repr((limit, clients)))  # noqa: S311  always the same order
    empty = 0
    for _ in range(200):
        provider.goes_on(1, random=random)
        empty += min(limit, sum(clients)) - sum(provider.sitting)

    assert min(provider.served) >= 200 * limit / len(clients) / 20
    assert empty / 200 / limit < 0.5


@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 6), min_size=1, max_size=5),
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["asks", "is answered", "waits"]), st.integers(0, 6)),
        max_size=60,
    ),
)
def test_no_more_sit_than_there_are_seats_and_all_are_filled_in_the_end(
    limit: int, clients: list[int], steps: list[tuple[int, str, int]]
) -> None:
    provider = Provider(limit, clients)
    for which, step, number in steps:
        worker = provider.workers[which % len(clients)]
        match step:
            case "asks":
                provider.ask(worker)
            case "is answered":
                worker.answer()
            case _:
                worker.clients = max(worker.sitting, number)
                provider.now += number / 10
    provider.goes_on(3 + len(clients), answers=0)

    assert sum(provider.sitting) == min(limit, sum(worker.clients for worker in provider.workers))
