"""A client that reads slowly slows its upstream down, and costs nobody memory."""

import os
import time
from pathlib import Path

import pytest

from tests.e2e.clients import DIALECTS, ClientDialect
from tests.e2e.gateway import Gateway
from tests.e2e.raw import read_until, sent
from tests.e2e.stage import KINDS, Kind, Stage, fresh_id
from tests.upstream.behaviours import Answer
from tests.upstream.scripted_upstream import wait_until

FLOOD = Answer.text(f"word{'d' * 10_000} " * 8_000)
"""80 MB: more than the sockets between upstream and client can hold."""

ASSERTED_MIB = 32
"""What the gateway may grow by meanwhile."""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_does_not_read_and_then_leaves_frees_the_upstream(
    gateway: Gateway, stage: Stage, dialect: ClientDialect, kind: Kind
) -> None:
    stage.plays(first=FLOOD)
    request_id = fresh_id()

    connection = sent(gateway, dialect, f"first-{kind}", request_id, stream=True)
    read_until(connection, b"word")
    before_mib = _resident_mib(gateway.process.pid)
    time.sleep(0.5)
    grown_mib = _resident_mib(gateway.process.pid) - before_mib
    connection.close()

    upstream = stage["first"].chats[0].connection
    wait_until(lambda: upstream.closed_by_peer_at is not None)
    assert gateway.completed(request_id)["outcome"] == "client-left"
    assert grown_mib < ASSERTED_MIB


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
