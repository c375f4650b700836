"""Whose turn it is before a busy provider."""

import tracemalloc
from collections.abc import Sequence
from copy import deepcopy
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from domain.admission.queue import Displaces, FairQueue, Full, Seated, Visitor, Waits

_numbers = count(1)


def visitor(member: str = "", session: str = "", *, weight: int = 1, background: bool = False) -> Visitor:
    return Visitor(id=next(_numbers), member=member, session=session, weight=weight, background=background)


def served(queue: FairQueue, *visitors: Visitor) -> str:
    """The members in the order in which they get the one seat, each giving it up for the next."""
    names = {one.id: one.member for one in visitors}
    (sitting,) = [one.id for one in visitors if isinstance(queue.arrive(one), Seated)]
    order = names[sitting]
    while called := queue.leave(sitting):
        (sitting,) = called
        order += names[sitting]
    return order


def test_as_long_as_there_are_seats_nobody_waits() -> None:
    queue = FairQueue(2, 5)

    assert queue.arrive(visitor()) == Seated()
    assert queue.arrive(visitor()) == Seated()
    assert queue.arrive(visitor()) == Waits(1)
    assert queue.arrive(visitor()) == Waits(2)


def test_one_more_than_may_wait_is_sent_away() -> None:
    queue = FairQueue(1, 1)
    queue.arrive(visitor())
    queue.arrive(visitor())

    assert queue.arrive(visitor()) == Full(1)
    assert queue.waiting == 1


def test_a_queue_without_places_lets_nobody_wait() -> None:
    queue = FairQueue(1, 0)

    assert queue.arrive(visitor()) == Seated()
    assert queue.arrive(visitor()) == Full(0)


def full(*waiting: Visitor) -> FairQueue:
    """A queue before one seat that these fill, whom a stranger keeps waiting."""
    queue = FairQueue(1, len(waiting))
    for one in (visitor("stranger"), *waiting):
        queue.arrive(one)
    assert queue.waiting == len(waiting)
    return queue


def order(queue: FairQueue) -> Sequence[int]:
    """Those who wait, in the order of their turns should nobody else come."""
    return deepcopy(queue).resize(99)


def test_a_person_takes_the_place_of_a_background_job_in_a_full_queue() -> None:
    jobs = [visitor("a", background=True) for _ in range(3)]
    queue = full(*jobs)
    person = visitor("b")

    assert queue.arrive(person) == Displaces(1, jobs[-1].id)
    assert order(queue) == (person.id, jobs[0].id, jobs[1].id)


def test_a_burst_that_fills_the_queue_keeps_no_other_member_out() -> None:
    burst = [visitor("a") for _ in range(4)]
    queue = full(*burst)
    first, second, third = visitor("b"), visitor("b"), visitor("b")

    assert queue.arrive(first) == Displaces(2, burst[3].id)
    assert queue.arrive(second) == Displaces(4, burst[2].id)
    assert queue.arrive(third) == Full(4)


def test_a_long_run_keeps_no_other_conversation_of_its_member_out() -> None:
    run = [visitor("a", "agent") for _ in range(3)]
    queue = full(*run)
    chat = visitor("a", "chat")

    assert queue.arrive(chat) == Displaces(2, run[-1].id)


@pytest.mark.parametrize("name", ["a", "z"])
def test_among_equals_whoever_came_first_stays_whatever_its_name(name: str) -> None:
    queue = full(visitor("m"), visitor("n"))

    assert queue.arrive(visitor(name)) == Full(2)
    assert queue.arrive(visitor(name, background=True)) == Full(2)


def test_who_is_sent_away_or_displaced_has_had_no_turn() -> None:
    burst = [visitor("a") for _ in range(2)]
    queue = full(*burst)
    for _ in range(5):
        queue.arrive(visitor("a"))
    queue.arrive(visitor("b"))  # instead of the second of the burst

    queue.resize(9)
    queue.resize(1)
    late = [visitor("a"), visitor("b")]
    for one in late:
        queue.arrive(one)

    assert order(queue) == tuple(one.id for one in late)  # each has had one turn


def test_a_burst_of_one_member_does_not_keep_another_waiting() -> None:
    burst = [visitor("a") for _ in range(5)]

    assert served(FairQueue(1, 9), *burst, visitor("b"), visitor("b")) == "ababaaa"


def test_three_members_take_turns() -> None:
    bursts = [visitor(member) for member in "aaabbbccc"]

    assert served(FairQueue(1, 9), *bursts) == "abcabcabc"


def test_a_member_with_twice_the_weight_gets_twice_the_turns() -> None:
    heavy = [visitor("h", weight=2) for _ in range(6)]
    light = [visitor("l") for _ in range(6)]

    order = served(FairQueue(1, 99), *heavy, *light)

    assert order[:9].count("h") == 6


def test_the_sessions_of_a_member_take_turns_too() -> None:
    queue = FairQueue(1, 9)
    long_run = [visitor("a", "agent") for _ in range(3)]
    chat = visitor("a", "chat")
    for one in (*long_run, chat):
        queue.arrive(one)

    assert queue.leave(long_run[0].id) == (chat.id,)


def test_a_person_comes_before_a_background_job_whoever_came_first() -> None:
    queue = FairQueue(1, 9)
    first, job, person = visitor("a"), visitor("b", background=True), visitor("a")
    for one in (first, job, person):
        queue.arrive(one)

    assert queue.leave(first.id) == (person.id,)
    assert queue.leave(person.id) == (job.id,)


def test_seats_that_nobody_else_wanted_are_not_paid_back() -> None:
    queue = FairQueue(50, 500)
    for member in "a" * 42 + "bcdefghi":
        queue.arrive(visitor(member))
    names = {}
    for member in "abcdefghi" * 20:
        one = visitor(member)
        names[one.id] = member
        queue.arrive(one)

    served = "".join(names[each] for each in order(queue))

    assert set(served[:9]) == set("abcdefghi")


@pytest.mark.parametrize("seats", ["aaaaaaaab", "baaaaaaaa"])
def test_who_has_no_seat_does_not_wait_for_the_burst_of_somebody_who_has_one(seats: str) -> None:
    queue = FairQueue(9, 99)
    for member in seats:
        queue.arrive(visitor(member))
    for _ in range(6):
        queue.arrive(visitor("b"))

    assert queue.arrive(visitor("c")) == Waits(1)


def test_the_conversation_that_has_no_seat_does_not_wait_for_others_of_its_member() -> None:
    queue = FairQueue(9, 99)
    for session in ("agent",) * 8 + ("chat",) * 7:
        queue.arrive(visitor("a", session))

    assert queue.arrive(visitor("a", "new")) == Waits(1)


def test_who_sits_for_long_saves_up_no_turns() -> None:
    queue = FairQueue(2, 99)
    queue.arrive(visitor("b"))
    at = visitor("a")
    queue.arrive(at)
    for _ in range(50):
        fresh = visitor("a")
        queue.arrive(fresh)
        assert queue.leave(at.id) == (fresh.id,)
        at = fresh
    for _ in range(6):
        queue.arrive(visitor("b"))

    arrival = queue.arrive(visitor("c"))

    assert isinstance(arrival, Waits)
    assert arrival.position <= 2


@pytest.mark.parametrize("was_crowded", [True, False])
def test_nobody_owes_a_turn_for_a_seat_that_nobody_else_wanted(was_crowded: bool) -> None:
    queue = FairQueue(4, 9)
    stays, burst = visitor("b"), [visitor("a") for _ in range(5 if was_crowded else 1)]
    for one in (stays, *burst):
        queue.arrive(one)
    for one in burst:
        queue.leave(one.id)
    for _ in range(50):
        one = visitor("a")
        queue.arrive(one)
        queue.leave(one.id)
    for member in "aab":
        queue.arrive(visitor(member))

    late = [visitor(member) for member in "abab"]
    for one in late:
        queue.arrive(one)

    assert order(queue) == tuple(one.id for one in late)


@given(st.integers(0, 30))
def test_a_queue_that_has_calmed_down_is_as_good_as_new(turns: int) -> None:
    queue = FairQueue(2, 99)
    burst = [visitor("a") for _ in range(turns + 3)]
    for one in burst:
        queue.arrive(one)
    for one in burst[:-1]:
        queue.leave(one.id)
    assert queue.wanted == 1

    queue.arrive(visitor("b"))
    late = [visitor("a"), visitor("b")]
    for one in late:
        queue.arrive(one)

    assert order(queue) == tuple(one.id for one in late)


def test_staying_away_saves_up_no_turns() -> None:
    queue = FairQueue(1, 99)
    busy = [visitor("a") for _ in range(6)]
    for one in busy:
        queue.arrive(one)
    for one in busy[:4]:
        queue.leave(one.id)
    late = [visitor("b") for _ in range(3)]
    for one in late:
        queue.arrive(one)

    assert queue.leave(busy[4].id) == (late[0].id,)
    assert queue.leave(late[0].id) == (busy[5].id,)


def test_a_conversation_that_is_new_waits_for_its_members_others_and_for_nobody_elses() -> None:
    queue = FairQueue(1, 100)
    sitting = visitor("b", "b1")
    queue.arrive(sitting)
    at = sitting.id
    waiting = {}
    had = 0
    for number in range(10):
        one = visitor("a", f"a{number}")
        waiting[one.id] = one
        queue.arrive(one)
    while had < 400 or sitting.member != "b":  # both always want a turn, b for the same one
        had += 1
        again = waiting.pop(at, sitting)
        fresh = visitor(again.member, again.session)
        waiting[fresh.id] = fresh
        queue.arrive(fresh)
        (at,) = queue.leave(at)
        sitting = waiting[at]

    new = visitor("a", "new")
    queue.arrive(new)
    turns = 0
    while at != new.id:
        again = waiting.pop(at)
        fresh = visitor(again.member, again.session)
        waiting[fresh.id] = fresh
        queue.arrive(fresh)
        (at,) = queue.leave(at)
        waiting.setdefault(at, new)
        turns += 1

    assert turns < 40


def test_a_background_job_that_waited_long_turns_no_time_back() -> None:
    queue = FairQueue(1, 100)
    at = visitor("a")
    queue.arrive(at)
    job = visitor("night", background=True)
    queue.arrive(job)
    here = at
    for _ in range(50):
        fresh = visitor("b" if here.member == "a" else "a")
        queue.arrive(fresh)
        assert queue.leave(here.id) == (fresh.id,)
        here = fresh
    assert queue.leave(here.id) == (job.id,)

    newcomer = [visitor("c") for _ in range(20)]
    others = [visitor(member) for _ in range(20) for member in "ab"]
    for one in (*newcomer, *others):
        queue.arrive(one)
    names = {one.id: one.member for one in (*newcomer, *others)}
    order = ""
    (sitting,) = queue.leave(job.id)
    while len(order) < 12:
        order += names[sitting]
        (sitting,) = queue.leave(sitting)

    assert order.count("c") <= 5


def test_who_gives_up_waiting_frees_its_place() -> None:
    queue = FairQueue(1, 1)
    sitting, impatient, next_one = visitor(), visitor(), visitor()
    queue.arrive(sitting)
    queue.arrive(impatient)

    assert queue.leave(impatient.id) == ()
    assert queue.arrive(next_one) == Waits(1)
    assert queue.leave(sitting.id) == (next_one.id,)


def test_more_seats_call_more_and_fewer_send_nobody_away() -> None:
    queue = FairQueue(1, 9)
    visitors = [visitor() for _ in range(4)]
    for one in visitors:
        queue.arrive(one)

    assert queue.resize(3) == (visitors[1].id, visitors[2].id)
    assert queue.resize(1) == ()
    assert queue.seated == 3
    assert queue.leave(visitors[0].id) == ()
    assert queue.leave(visitors[1].id) == ()
    assert queue.leave(visitors[2].id) == (visitors[3].id,)


def test_leaving_twice_changes_nothing() -> None:
    queue = FairQueue(1, 9)
    first, second, third = visitor(), visitor(), visitor()
    for one in (first, second, third):
        queue.arrive(one)

    queue.leave(first.id)

    assert queue.leave(first.id) == ()
    assert queue.seated == 1


_visitors = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "s", "t"]), st.integers(1, 3), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(_visitors)
def test_the_position_that_is_told_is_the_turn_that_comes(
    drawn: list[tuple[str, str, int, bool]],
) -> None:
    weights = {member: weight for member, _, weight, _ in drawn}
    queue = FairQueue(1, 99)
    sitting = visitor("z")
    queue.arrive(sitting)
    visitors = [
        visitor(member, session, weight=weights[member], background=background)
        for member, session, _, background in drawn
    ]
    for one in visitors:
        queue.arrive(one)
    told = {one.id: queue.position(one.id) for one in visitors}

    order = []
    called = queue.leave(sitting.id)
    while called:
        order.append(called[0])
        called = queue.leave(called[0])

    assert [told[each] for each in order] == list(range(1, len(order) + 1))


@given(st.lists(st.sampled_from("abc"), min_size=5, max_size=12), st.integers(0, 6))
def test_a_full_queue_has_a_place_for_a_member_that_waits_for_none_yet(members: str, turns: int) -> None:
    """As long as somebody else has more than one."""
    queue = FairQueue(1, 4)
    here = [visitor(member) for member in members]
    sitting = [one.id for one in here if isinstance(queue.arrive(one), Seated)]
    for _ in range(turns):
        sitting = list(queue.leave(sitting[0])) if sitting else []
    while queue.waiting < 4:
        here.append(visitor("a"))
        queue.arrive(here[-1])
    names = {one.id: one.member for one in here}
    waiting = [names[each] for each in order(queue)]

    arrival = queue.arrive(visitor("new"))

    assert isinstance(arrival, Displaces) or len(set(waiting)) == len(waiting)


class Queueing(RuleBasedStateMachine):
    """Visitors come and go in any order; the queue keeps its promises throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.seats = 2
        self.queue = FairQueue(self.seats, 4)
        self.sitting: set[int] = set()
        self.waiting: dict[int, Visitor] = {}
        self.displaced: set[int] = set()
        self.numbers = count(1)

    here = Bundle("here")

    @rule(
        target=here,
        member=st.sampled_from("abc"),
        session=st.sampled_from(["", "s"]),
        background=st.booleans(),
    )
    def arrives(self, member: str, session: str, background: bool) -> int:
        one = Visitor(id=next(self.numbers), member=member, session=session, background=background)
        before = order(self.queue)
        match self.queue.arrive(one):
            case Seated():
                assert not self.waiting
                self.sitting.add(one.id)
            case Waits(position=position):
                self.waiting[one.id] = one
                assert order(self.queue)[position - 1] == one.id
                assert len(before) < 4
            case Displaces(position=position, other=other):
                self.waiting[one.id] = one
                displaced = self.waiting.pop(other)
                # What its own member had waiting stands further back for it.
                assert before[-1] == other or displaced.member == member
                assert order(self.queue)[position - 1] == one.id
                assert background <= displaced.background
                self.displaced.add(other)
            case Full(waiting=waiting):
                assert waiting == len(self.waiting) == 4
                assert order(self.queue) == before
                assert background or not any(other.background for other in self.waiting.values())
        return one.id

    @rule(one=consumes(here))
    def leaves(self, one: int) -> None:
        self.sitting.discard(one)
        self.waiting.pop(one, None)
        called = self.queue.leave(one)
        assert not called or one not in self.displaced
        self.sit_down(called)

    @rule(seats=st.integers(0, 4))
    def resizes(self, seats: int) -> None:
        self.seats = seats
        self.sit_down(self.queue.resize(seats))

    def sit_down(self, called: tuple[int, ...]) -> None:
        for one in called:
            visitor = self.waiting.pop(one)
            assert not visitor.background or all(other.background for other in self.waiting.values())
            self.sitting.add(one)

    @invariant()
    def the_books_agree(self) -> None:
        assert self.queue.seated == len(self.sitting)
        assert self.queue.waiting == len(self.waiting)

    @invariant()
    def no_seat_is_empty_while_somebody_waits(self) -> None:
        assert not self.waiting or len(self.sitting) >= self.seats


TestQueueing = Queueing.TestCase
TestQueueing.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize("crowded", [True, False])
def test_conversations_that_never_come_back_leave_nothing_behind(crowded: bool) -> None:
    queue = FairQueue(3, 4)
    if crowded:  # times are kept from when one waits until half of the seats are free
        here = [visitor("a", session="stays") for _ in range(4)]
        for one in here:
            queue.arrive(one)
        queue.leave(here[0].id)
        queue.leave(here[1].id)
    tracemalloc.start()
    before = 0
    for number in range(30_000):
        one = visitor("b", session=f"{number}")
        assert isinstance(queue.arrive(one), Seated)
        queue.leave(one.id)
        if number == 10_000:
            before, _ = tracemalloc.get_traced_memory()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < 3_000_000  # a name takes some 300 bytes


@pytest.mark.parametrize("weights", [(1, 1), (1, 3), (2, 5)])
def test_over_a_long_time_turns_go_by_weight(weights: tuple[int, int]) -> None:
    queue = FairQueue(1, 1000)
    names = {}
    for member, weight in zip("ab", weights, strict=True):
        for _ in range(140):
            one = visitor(member, weight=weight)
            names[one.id] = member
            if isinstance(queue.arrive(one), Seated):
                sitting = one.id
    order = ""
    for _ in range(70):
        (sitting,) = queue.leave(sitting)
        order += names[sitting]

    share = order.count("b") / len(order)
    assert abs(share - weights[1] / sum(weights)) < 0.05
