"""One busy provider, many people: turns, limits and plans on a running gateway."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.gateway import Gateway, only, running, written
from tests.e2e.stage import Stage, provider
from tests.e2e.test_keys import made
from tests.upstream.behaviours import Answer, SlowFirstByte
from tests.upstream.scripted_upstream import wait_until

CHAT = {"model": "busy-openai_compat", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
TAKES_S = 0.15
SLOW = SlowFirstByte(TAKES_S, Answer.text("done"))
UNTIL_ALL_ARE_THERE = SlowFirstByte(2.0, Answer.text("done"))
"""Takes several times as long as the requests of a burst need to arrive."""

MEMBERS = ("alice", "bob", "cam")


def busy(stage: Stage, **more: object) -> dict[str, Any]:
    """A provider that answers one at a time, at the upstream `first`."""
    return {**provider("busy", "openai_compat", stage["first"].port), "max_concurrency": 1, **more}


def post(gateway: Gateway, key: str = "", **more: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{gateway.openai_base_url}/chat/completions"
    return httpx.post(url, json={**CHAT, **more}, headers=headers, timeout=60)


@pytest.mark.parametrize("workers", [1, 2])
def test_three_members_with_bursts_take_turns_and_all_are_answered(
    stage: Stage, tmp_path: Path, workers: int
) -> None:
    stage.plays(first=[UNTIL_ALL_ARE_THERE, SLOW])
    config = stage.config(
        providers=[busy(stage)],
        members={name: {} for name in MEMBERS},
        server={"workers": workers},
    )
    written(tmp_path, config)
    keys = {name: made(tmp_path, name)["key"] for name in MEMBERS}
    with running(tmp_path, config) as gateway, ThreadPoolExecutor(15) as pool:
        bursts = [name for name in MEMBERS for _ in range(4)]
        answers = list(pool.map(lambda name: post(gateway, keys[name]), bursts))
        events = gateway.events()

    assert {answer.status_code for answer in answers} == {200}
    arrivals = sorted(request.arrived_at for request in stage["first"].requests if request.is_chat)
    assert min(later - earlier for earlier, later in pairwise(arrivals)) >= TAKES_S * 0.95
    assert only(events, "queue-entered")
    assert {event["reason"] for event in only(events, "queue-left")} == {"seated"}
    if workers == 1:
        order = [event["member"] for event in only(events, "request-completed")]
        # The burst of the first cannot have been served before the others had their first turns.
        assert set(order[:7]) == set(MEMBERS)


def test_who_waits_in_a_stream_hears_that_the_gateway_lives(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=SlowFirstByte(1.5, Answer.text("late")))
    server = {"stream_hold_s": 0.2, "ping_interval_s": 0.2}
    with running(tmp_path, stage.config(providers=[busy(stage)], server=server)) as gateway:
        first = threading.Thread(target=post, args=(gateway,))
        first.start()
        wait_until(lambda: bool(stage["first"].chats))
        url = f"{gateway.openai_base_url}/chat/completions"
        with httpx.stream("POST", url, json={**CHAT, "stream": True}, timeout=60) as answer:
            text = "".join(answer.iter_text())
        first.join()

    before_the_answer = text.partition("data:")[0]
    assert before_the_answer.count(":") >= 2
    assert text.rstrip().endswith("data: [DONE]")


def test_past_the_patience_the_chain_moves_on(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=SlowFirstByte(3.0, Answer.text("late")))
    chain = {"name": "tired", "providers": ["busy-openai_compat", "second-openai_compat"]}
    config = stage.config(providers=[busy(stage, queue_timeout_s=0.3)], profiles=[chain])
    with running(tmp_path, config) as gateway:
        first = threading.Thread(target=post, args=(gateway,))
        first.start()
        wait_until(lambda: bool(stage["first"].chats))
        second = post(gateway, profile="tired")
        first.join()

    assert second.status_code == 200
    assert second.headers["x-coderouter-provider"] == "second-openai_compat"


def test_a_member_beyond_its_limits_is_told_when_to_come_back(stage: Stage, tmp_path: Path) -> None:
    config = stage.config(members={"alice": {"limits": {"requests_per_minute": 2}}, "bob": {}})
    written(tmp_path, config)
    alice, bob = made(tmp_path, "alice")["key"], made(tmp_path, "bob")["key"]
    with running(tmp_path, config) as gateway:
        answers = [post(gateway, alice, model="any") for _ in range(3)]
        other = post(gateway, bob, model="any")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert other.status_code == 200
    assert 50 <= int(answers[2].headers["retry-after"]) <= 60
    assert answers[2].json()["error"]["type"] == "rate_limit_error"
    assert answers[2].headers["x-should-retry"] == "true"


def test_a_plan_is_kept_to_over_a_restart(stage: Stage, tmp_path: Path) -> None:
    free = {
        **provider("free", "openai_compat", stage["first"].port),
        "quota": [{"requests": 3, "per": "month"}],
    }
    chain = {"name": "thrifty", "providers": ["free-openai_compat", "second-openai_compat"]}
    config = stage.config(providers=[free], profiles=[chain])
    asked: list[str] = []
    for _ in range(2):
        with running(tmp_path, config) as gateway:
            answers = [post(gateway, model="thrifty") for _ in range(2)]
            asked += [answer.headers["x-coderouter-provider"].partition("-")[0] for answer in answers]

    assert asked == ["free", "free", "free", "second"]
