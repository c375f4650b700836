"""Adapters that a configuration names by their path: used like any other, and contained whatever they do."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e import lab_cast
from tests.e2e.clients import TLS, frames
from tests.e2e.gateway import Gateway, only, running, started
from tests.e2e.stage import fresh_id
from tests.e2e.wire_words import BODIES, ENDS, ROUTES

SPECIAL = {"goes-on", "ignores-cancellation", "mutates"}
"""Ways that have a test of their own."""
WAYS = sorted({*lab_cast.ERRORS, *lab_cast.ACTS, *lab_cast.GARBAGE} - SPECIAL)
ERRORS = {
    "openai_chat": '"error"',
    "anthropic_messages": "event: error",
    "openai_responses": "event: response.failed",
}

DIALECT = pytest.mark.parametrize("dialect", ROUTES)
STREAMING = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def nasty(way: str, *, begun: bool) -> dict[str, Any]:
    return {
        "name": f"{way}-{'midst' if begun else 'first'}",
        "adapter": "lab_cast:Nasty",
        "options": {"way": way, "begun": begun},
        "timeout_s": 1,
    }


def config() -> dict[str, Any]:
    """A profile for each of the cast, whose second provider is a sound one."""
    cast = [nasty(way, begun=begun) for way in (*WAYS, *SPECIAL) for begun in (False, True)]
    cast.append({"name": "dumb", "adapter": "lab_cast:Dumb"})
    chains = [{"name": f"past-{one['name']}", "providers": [one["name"], "sound"]} for one in cast]
    return {
        "providers": [{"name": "sound", "adapter": "lab_cast:Sound"}, *cast],
        "profiles": [{"name": "default", "providers": ["sound"]}, *chains],
    }


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with the whole cast; it must end well after everything they did."""
    with running(folder_with_cast(tmp_path_factory.mktemp("lab")), config()) as gateway:
        yield gateway


def folder_with_cast(folder: Path) -> Path:
    shutil.copy(Path(lab_cast.__file__), folder / "lab_cast.py")
    return folder


def ask(gateway: Gateway, dialect: str, model: str, *, stream: bool, **fields: Any) -> httpx.Response:
    return httpx.post(
        gateway.address + ROUTES[dialect],
        json={**BODIES[dialect], "model": model, "stream": stream, **fields},
        headers={"x-request-id": fresh_id()},
        timeout=30,
        verify=TLS,
    )


@DIALECT
@STREAMING
def test_it_answers_in_every_dialect_and_is_metered(lab: Gateway, dialect: str, stream: bool) -> None:
    answer = ask(lab, dialect, "sound", stream=stream)

    assert answer.status_code == 200
    assert answer.headers["x-coderouter-provider"] == "sound"
    assert answer.headers["x-coderouter-model"] == "lab-7"
    if stream:
        assert ENDS[dialect] in answer.text
        assert frames(answer.text)
    else:
        assert "hello world" in answer.text
    told = lab.completed(answer.headers["x-request-id"])
    assert (told["input_tokens"], told["output_tokens"]) == (19, 7)


@DIALECT
@STREAMING
@pytest.mark.parametrize("way", WAYS)
def test_whatever_it_does_first_the_next_one_answers(
    lab: Gateway, dialect: str, stream: bool, way: str
) -> None:
    answer = ask(lab, dialect, f"past-{way}-first", stream=stream)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-coderouter-provider"] == "sound"
    (failed,) = only(lab.story(answer.headers["x-request-id"]), "provider-failed")
    assert failed["provider"] == f"{way}-first"


def test_an_answer_that_is_no_generator_moves_the_request_on(lab: Gateway) -> None:
    answer = ask(lab, "openai_chat", "past-dumb", stream=True)

    assert answer.headers["x-coderouter-provider"] == "sound"


@DIALECT
@STREAMING
@pytest.mark.parametrize("way", WAYS)
def test_whatever_it_does_in_the_midst_the_client_is_told(
    lab: Gateway, dialect: str, stream: bool, way: str
) -> None:
    answer = ask(lab, dialect, f"past-{way}-midst", stream=stream)

    if stream:
        assert answer.status_code == 200
        assert ERRORS[dialect] in answer.text
        assert ENDS[dialect] not in answer.text
    else:
        assert answer.status_code == 502, answer.text
    assert lab.completed(answer.headers["x-request-id"])["outcome"] == "broken-off"


@DIALECT
def test_an_answer_that_goes_on_after_its_end_is_told_in_order(lab: Gateway, dialect: str) -> None:
    answer = ask(lab, dialect, "goes-on-midst", stream=True)

    assert answer.text.count(ENDS[dialect]) + answer.text.count(ERRORS[dialect]) == 1


def test_embeddings_and_counts_are_asked_of_it(lab: Gateway) -> None:
    embedded = httpx.post(f"{lab.address}/v1/embeddings", json={"model": "sound", "input": "x"}, verify=TLS)
    counted = httpx.post(
        f"{lab.address}/v1/messages/count_tokens",
        json={**BODIES["anthropic_messages"], "model": "sound"},
        verify=TLS,
    )

    assert embedded.json()["data"][0]["embedding"] == [1]
    assert counted.json()["input_tokens"] > 0


def test_what_it_does_to_the_request_the_next_one_does_not_see(lab: Gateway) -> None:
    parameters = {"type": "object", "properties": {"planted": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "look", "parameters": parameters}}]

    answer = ask(lab, "openai_chat", "past-mutates-first", stream=False, tools=tools)

    assert answer.headers["x-coderouter-provider"] == "sound"
    assert "planted" in answer.text


def test_one_that_will_not_be_cancelled_is_left_behind_also_when_the_gateway_stops(tmp_path: Path) -> None:
    with started(folder_with_cast(tmp_path), config()) as gateway:
        gateway.wait_until_ready()
        answers = [
            ask(gateway, "openai_chat", "past-ignores-cancellation-first", stream=s) for s in (False, True)
        ]
        gateway.terminate()

        assert gateway.exit_code() == 0

    assert [answer.headers["x-coderouter-provider"] for answer in answers] == ["sound", "sound"]
