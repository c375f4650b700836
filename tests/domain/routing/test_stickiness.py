"""What is remembered of sessions, and for how long."""

from hypothesis import given
from hypothesis import strategies as st

from domain.routing.rules import FellThrough, Resolved
from domain.routing.stickiness import SessionMemory

CODING = Resolved(rule_id="fences", profile="coding")
REST = FellThrough(profile="rest")


def test_a_session_is_remembered_until_it_was_idle_for_too_long() -> None:
    memory = SessionMemory(idle_s=60)
    memory.remember("s", "m", CODING, 100.0)

    assert memory.recall("s", "m", 159.9) == CODING
    assert memory.recall("s", "m", 160.0) is None


def test_each_request_keeps_its_session_alive() -> None:
    memory = SessionMemory(idle_s=60)
    for now in (0.0, 50.0, 100.0):
        memory.remember("s", "m", CODING, now)

    assert memory.recall("s", "m", 150.0) == CODING


def test_two_models_of_one_session_are_two_conversations() -> None:
    memory = SessionMemory()
    memory.remember("s", "claude-opus", CODING, 0.0)
    memory.remember("s", "claude-haiku", REST, 0.0)

    assert memory.recall("s", "claude-opus", 1.0) == CODING
    assert memory.recall("s", "claude-haiku", 1.0) == REST


def test_requests_without_a_session_have_no_past() -> None:
    memory = SessionMemory()
    memory.remember("", "m", CODING, 0.0)

    assert memory.recall("", "m", 0.0) is None
    assert len(memory) == 0


def test_the_session_that_was_silent_longest_is_forgotten_first() -> None:
    memory = SessionMemory(most=2)
    for session in ("a", "b", "a", "c"):
        memory.remember(session, "m", CODING, 0.0)

    assert [memory.recall(session, "m", 0.0) for session in "abc"] == [CODING, None, CODING]


def test_names_of_any_length_do_not_fill_the_memory() -> None:
    memory = SessionMemory()
    memory.remember("s" * 100_000, "m", CODING, 0.0)
    memory.remember("s", "m" * 100_000, CODING, 0.0)

    assert len(memory) == 0


@given(st.lists(st.tuples(st.text(max_size=3), st.floats(0, 100)), max_size=60))
def test_never_more_sessions_are_remembered_than_there_is_room_for(asked: list[tuple[str, float]]) -> None:
    memory = SessionMemory(most=5)
    for session, now in asked:
        memory.remember(session, "m", CODING, now)

    assert len(memory) <= 5
