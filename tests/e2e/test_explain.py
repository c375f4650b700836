"""A past request can be explained, and a future one rehearsed, by the running gateway."""

import json
from datetime import datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner

from app.cli.main import main
from tests.e2e.gateway import Gateway, running, written
from tests.e2e.stage import Stage
from tests.e2e.test_budgets import serving
from tests.e2e.test_keys import made
from tests.upstream.behaviours import Answer, Status

QUESTION = {"model": "chain-openai_compat", "messages": [{"role": "user", "content": "a secret plan"}]}


def ask(gateway: Gateway, request_id: str) -> httpx.Response:
    return httpx.post(
        f"{gateway.openai_base_url}/chat/completions",
        json=QUESTION,
        headers={"x-request-id": request_id},
        timeout=30,
        trust_env=False,
    )


@pytest.fixture
def asked(gateway: Gateway, stage: Stage) -> str:
    stage.plays(first=Status(500), second=Answer.text("hello"))
    request_id = f"explain-{uuid4().hex[:8]}"
    assert ask(gateway, request_id).status_code == 200
    gateway.completed(request_id)
    return request_id


def test_a_past_request_tells_its_attempts_and_its_end_without_its_words(
    gateway: Gateway, asked: str
) -> None:
    answer = httpx.get(f"{gateway.address}/admin/requests/{asked}", trust_env=False)

    story = answer.json()
    told = [happening["event"] for happening in story["events"]]
    assert told.count("try-provider") == 3
    assert told.count("provider-failed") == 2
    assert story["summary"]["outcome"] == "answered"
    assert story["summary"]["provider"] == "second-openai_compat"
    assert "secret plan" not in answer.text


def test_the_command_tells_the_same_story(gateway: Gateway, asked: str) -> None:
    result = CliRunner().invoke(main, ["explain", asked, "--url", gateway.address])

    assert result.exit_code == 0, result.output
    assert "provider-failed" in result.output
    assert "failure=unreachable" in result.output
    assert "request-completed" in result.output


def test_people_read_when_it_happened_by_the_clocks_that_they_want(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Answer.text("hello"))
    with running(tmp_path, stage.config(display_timezone="Asia/Kolkata")) as gateway:
        assert ask(gateway, "when").status_code == 200
        gateway.completed("when")
        told = CliRunner().invoke(main, ["explain", "when", "--url", gateway.address]).output
        story = httpx.get(f"{gateway.address}/admin/requests/when", trust_env=False).json()

    first = story["events"][0]["ts"]
    local = datetime.fromisoformat(first).astimezone(ZoneInfo("Asia/Kolkata"))
    assert first.endswith("Z")
    assert told.startswith(f"{local:%H:%M:%S}.{first[20:23]}+05:30  ")


def test_an_unknown_request_and_an_absent_gateway_have_exit_codes_of_their_own(gateway: Gateway) -> None:
    unknown = CliRunner().invoke(main, ["explain", "never-asked", "--url", gateway.address])
    absent = CliRunner().invoke(main, ["explain", "x", "--url", "http://127.0.0.1:9"])

    assert (unknown.exit_code, absent.exit_code) == (6, 5)
    assert "never-asked" in unknown.output


def test_the_gateway_is_asked_where_its_configuration_says_that_it_listens(
    gateway: Gateway, asked: str, tmp_path: Path
) -> None:
    server = {"host": "0.0.0.0", "port": int(gateway.address.rpartition(":")[2])}  # noqa: S104
    config = str(written(tmp_path, {"server": server}))
    elsewhere = str(written(tmp_path / "elsewhere", {"server": {"port": 9}}))
    anywhere = str(written(tmp_path / "anywhere", {"server": {"port": 0}}))

    found = CliRunner().invoke(main, ["explain", asked, "--config", config])
    lost = CliRunner().invoke(main, ["explain", asked, "--config", elsewhere])
    told = CliRunner().invoke(main, ["explain", asked, "--config", elsewhere, "--url", gateway.address])
    open_port = CliRunner().invoke(main, ["explain", asked, "--config", anywhere])

    assert [each.exit_code for each in (found, lost, told, open_port)] == [0, 5, 0, 2]
    assert "http://127.0.0.1:9/" in lost.output
    assert "--url" in open_port.output


def test_commands_that_are_not_let_in_say_which_key_they_need(stage: Stage, tmp_path: Path) -> None:
    written(tmp_path, stage.config())
    made(tmp_path, "alice")
    watcher = made(tmp_path, "prometheus", "--scope", "metrics")
    with running(tmp_path, stage.config()) as gateway:
        nobody = CliRunner().invoke(main, ["explain", "x", "--url", gateway.address])
        wrong = CliRunner().invoke(main, ["explain", "x", "--url", gateway.address, "--key", watcher["key"]])
        stats = ["stats", "--once", "--url", gateway.address, "--key"]
        counted = CliRunner().invoke(main, [*stats, watcher["key"]])
        uncounted = CliRunner().invoke(main, [*stats, "cr_wrong_" + "x" * 43])

    assert [each.exit_code for each in (nobody, wrong, counted, uncounted)] == [7, 7, 0, 7]
    for each, scope in ((nobody, "admin"), (wrong, "admin"), (uncounted, "metrics")):
        assert "--key, or CODEROUTER_KEY" in each.output
        assert f"--scope {scope}" in each.output


def test_the_latest_requests_are_listed_newest_first(gateway: Gateway, asked: str) -> None:
    listed = httpx.get(f"{gateway.address}/admin/requests?limit=5", trust_env=False).json()["requests"]

    assert listed[0]["request_id"] == asked
    assert len(listed) <= 5


def test_a_request_is_rehearsed_without_being_sent(gateway: Gateway, stage: Stage) -> None:
    plan = httpx.post(f"{gateway.address}/admin/plan", json=QUESTION, trust_env=False)

    assert plan.status_code == 200
    assert plan.json()["profile"] == "chain-openai_compat"
    assert plan.json()["rule"] == "model-profile"
    assert [place["position"] for place in plan.json()["chain"]] == [1, 2, 3, 4, 5]
    assert all(not upstream.chats for upstream in stage.upstreams.values())


@pytest.mark.parametrize("body", [b"{", json.dumps({**QUESTION, "profile": "nope"}).encode()])
def test_a_rehearsal_of_a_bad_request_is_a_400_in_words(gateway: Gateway, body: bytes) -> None:
    answer = httpx.post(f"{gateway.address}/admin/plan", content=body, trust_env=False)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_worker_tells_of_what_another_one_answered(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Answer.text("hello"))
    ids = [f"shared-{number}" for number in range(12)]
    with serving(tmp_path, stage.config(server={"workers": 2})) as gateway:
        assert [ask(gateway, request_id).status_code for request_id in ids] == [200] * len(ids)
        stories = [
            httpx.get(f"{gateway.address}/admin/requests/{request_id}", trust_env=False, timeout=30).json()
            for request_id in ids
        ]
        listed = httpx.get(f"{gateway.address}/admin/requests", trust_env=False, timeout=30).json()

    assert [story["summary"]["request_id"] for story in stories] == ids
    assert {"try-provider", "provider-ok"} <= {each["event"] for each in stories[0]["events"]}
    assert {request["request_id"] for request in listed["requests"]} == set(ids)
