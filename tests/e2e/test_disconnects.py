"""A client that leaves ends the upstream's work at once."""

import time

import pytest

from tests.e2e.clients import DIALECTS, ClientDialect
from tests.e2e.gateway import Gateway
from tests.e2e.raw import read_until, sent
from tests.e2e.stage import KINDS, Kind, Stage, fresh_id
from tests.upstream.behaviours import Behaviour, SlowFirstByte, Stall
from tests.upstream.scripted_upstream import wait_until

PROMISED_WITHIN_S = 0.5
ASSERTED_WITHIN_S = 5 * PROMISED_WITHIN_S

LONG_S = 30.0
MOMENTS: dict[str, tuple[Behaviour, bool]] = {
    "before the first byte of a stream": (SlowFirstByte(LONG_S), True),
    "after the head of a stream": (Stall(after_events=0, seconds=LONG_S), True),
    "in the middle of a stream": (Stall(after_events=4, seconds=LONG_S), True),
    "before the first byte of a whole answer": (SlowFirstByte(LONG_S), False),
    "in the middle of a whole answer": (Stall(after_events=0, seconds=LONG_S), False),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_client_that_leaves_frees_the_upstream(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind, moment: str
) -> None:
    behaviour, stream = MOMENTS[moment]
    stage.plays(first=behaviour)
    request_id = fresh_id()

    connection = sent(gateway, dialect, f"chain-{kind}", request_id, stream=stream)
    wait_until(lambda: len(stage["first"].chats) == 1)
    if moment == "in the middle of a stream":
        read_until(connection, b"two")
    else:
        time.sleep(0.1)
    left_at = time.monotonic()
    connection.close()

    upstream = stage["first"].chats[0].connection
    wait_until(lambda: upstream.closed_by_peer_at is not None)
    assert upstream.closed_by_peer_at is not None
    took_s = upstream.closed_by_peer_at - left_at
    print(f"{moment}, {dialect} to {kind}: {took_s * 1000:.0f} ms")  # noqa: T201  shown by -rP
    assert took_s < ASSERTED_WITHIN_S
    completed = gateway.completed(request_id)
    assert completed["outcome"] == "client-left"
    assert stage["second"].chats == []
