"""However the bytes of an answer are cut, the same is understood; and nobody is kept listening for ever."""

from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.http1.answer import MAX_HEAD_BYTES, MAX_IDLE_TALK_BYTES, Answer
from tests.contract.http_transport.scripted_peer import CHUNKED_HEAD, LAST_CHUNK, chunk, sized

UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes, bool]:
    """Bytes of an answer, its body, and whether only the end of the connection ends it."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    body = b"".join(pieces)
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]))
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    if framing == "length":
        return interim + sized(body, headers=b"X-Kept: yes\r\n"), body, False
    if framing == "close":
        return interim + b"HTTP/1.1 200 OK\r\nX-Kept: yes\r\n\r\n" + body, body, True
    trailers = draw(st.sampled_from([LAST_CHUNK, b"0;x=y\r\nX-Sum: 1\r\n\r\n"]))
    head = CHUNKED_HEAD.replace(b"Content-Type: text/event-stream", b"X-Kept: yes")
    return interim + head + b"".join(map(chunk, pieces)) + trailers, body, False


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    for start, end in pairwise(bounds):
        yield data[start:end]


@given(answers(), st.lists(st.integers(0, 1000), max_size=12))
def test_an_answer_may_be_cut_anywhere(said: tuple[bytes, bytes, bool], places: list[int]) -> None:
    data, body, ends_with_the_connection = said
    answer, taken = Answer(), b""

    for piece in cut(data, places):
        answer.feed(piece)
        taken += answer.take()
    assert answer.has_ended is not ends_with_the_connection
    answer.connection_ended(None)

    assert (answer.status, answer.reason, answer.version) == (200, b"OK", b"HTTP/1.1")
    assert (b"X-Kept", b"yes") in answer.headers
    assert b"link" not in answer.named
    assert taken == body
    assert answer.error is None
    assert answer.has_ended
    assert answer.may_be_followed is not ends_with_the_connection


@given(answers(), st.data())
def test_an_answer_that_stops_early_never_passes_for_a_whole_one(
    said: tuple[bytes, bytes, bool], data: st.DataObject
) -> None:
    whole, body, ends_with_the_connection = said
    answer = Answer()

    answer.feed(whole[: data.draw(st.integers(0, len(whole) - 1))])
    answer.connection_ended(None)

    if ends_with_the_connection and answer.has_begun:
        assert body.startswith(answer.take())
    else:
        assert isinstance(answer.error, httpx.RemoteProtocolError)


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        CHUNKED_HEAD + b"5;" + b"x" * 1000,
        CHUNKED_HEAD + b"0\r\nX-Sum: " + b"x" * 1000,
        b"HTTP/1.1 200 " + b"x" * 1000,
        b"HTTP/1.1 200 OK\r\nX-Name: " + b"x" * 1000,
    ],
    ids=["interim responses", "an extension", "a trailer", "a reason", "a field"],
)
def test_a_peer_that_never_comes_to_the_point_is_given_up(endless: bytes) -> None:
    answer, fed, said = Answer(), 0, endless

    while answer.error is None:
        answer.feed(said)
        fed += len(said)
        said = endless if endless.endswith(b"\r\n\r\n") else b"x" * 1000
        assert fed < 2 * MAX_IDLE_TALK_BYTES

    assert isinstance(answer.error, httpx.RemoteProtocolError)


def test_a_head_is_bounded_even_where_it_comes_in_one_piece() -> None:
    answer = Answer()

    answer.feed(sized(b"", headers=b"X-A: " + b"x" * MAX_HEAD_BYTES + b"\r\n"))

    assert "its head is larger than" in str(answer.error)


def test_a_long_stream_is_not_idle_talk() -> None:
    answer = Answer()
    answer.feed(CHUNKED_HEAD)

    for _ in range(3 * MAX_IDLE_TALK_BYTES // 1000):
        answer.feed(chunk(b"x" * 1000))

    assert answer.error is None


@pytest.mark.parametrize("more", [sized(b"forged"), b"nonsense", sized(b"")[:10]])
def test_what_follows_an_answer_is_not_part_of_it_and_ends_the_connection(more: bytes) -> None:
    answer = Answer()

    answer.feed(sized(b"hello") + more)

    assert (answer.take(), answer.error) == (b"hello", None)
    assert not answer.may_be_followed


def test_after_head_no_body_is_waited_for() -> None:
    answer = Answer(has_body=False)

    answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")

    assert answer.has_ended
    assert not answer.may_be_followed


def test_what_a_broken_connection_is_called_says_how_far_the_answer_was() -> None:
    silent, begun, reset = Answer(), Answer(), Answer()
    begun.feed(CHUNKED_HEAD)

    silent.connection_ended(None)
    begun.connection_ended(None)
    reset.connection_ended(ConnectionResetError(104, "Connection reset by peer"))

    assert str(silent.error) == "The peer closed the connection without an answer"
    assert str(begun.error) == "The peer closed the connection inside its answer"
    assert isinstance(reset.error, httpx.ReadError)
    assert "reset by peer" in str(reset.error)


def test_an_upgrade_that_nobody_asked_for_makes_no_sense() -> None:
    answer = Answer()

    answer.feed(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")

    assert isinstance(answer.error, httpx.RemoteProtocolError)


def test_an_upgrade_on_offer_is_none_of_our_business() -> None:
    answer = Answer()

    answer.feed(sized(b"hello", headers=b"Connection: Upgrade\r\nUpgrade: h2,h2c\r\n"))

    assert (answer.error, answer.take()) == (None, b"hello")


def test_what_follows_does_not_change_what_was_said() -> None:
    answer = Answer()

    answer.feed(sized(b"hello") + sized(b"forged", status=b"200 EVIL"))

    assert (answer.reason, answer.take()) == (b"OK", b"hello")


@pytest.mark.parametrize("status", [b"0", b"42", b"099"])
def test_a_status_that_there_is_not_is_not_waited_after(status: bytes) -> None:
    answer = Answer()

    answer.feed(b"HTTP/1.1 %s Odd\r\n\r\n" % status)

    assert isinstance(answer.error, httpx.RemoteProtocolError)


def test_an_error_is_told_once_and_leaves_no_trace_of_itself() -> None:
    answer = Answer()
    answer.fail(httpx.ReadError("gone"))

    assert str(answer.why_not()) == "gone"
    assert isinstance(answer.why_not(), httpx.ReadError)
    assert answer.is_over
