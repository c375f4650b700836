"""The example of an adapter, installed beside the wheel: named in a configuration, routed to, tried."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.architecture.tree import ROOT
from tests.e2e.clients import PATHS, TLS, frames
from tests.e2e.gateway import Gateway, bare_environment, only, started
from tests.e2e.stage import fresh_id
from tests.upstream.behaviours import Answer
from tests.upstream.scripted_upstream import ScriptedUpstream, held_port, served_in_thread, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HEARD = "The green room heard: Say hello."
DIALECT = pytest.mark.parametrize("dialect", PATHS)
STREAMING = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
ENDS = {"openai_chat": "data: [DONE]", "anthropic_messages": "event: message_stop"}


@contextmanager
def toy(programs: Path, folder: Path) -> Iterator[str]:
    """The example's server; its address."""
    with held_port() as port:
        command = [str(programs / "python"), "-m", "acme_lab.toy", str(port)]
        with subprocess.Popen(command, cwd=folder, env=bare_environment(folder)) as process:
            try:
                wait_until(lambda: answers(port), within_s=30)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.kill()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def config(lab: str, backup: str) -> dict[str, Any]:
    options = {"options": {"room": "green"}, "model": "lab-7"}
    return {
        "providers": [
            {"name": "lab", "adapter": "acme-lab", "base_url": lab, **options},
            {"name": "by-path", "adapter": "acme_lab.model:LabModel", "base_url": lab, **options},
            {"name": "gone", "adapter": "acme-lab", "base_url": "http://127.0.0.1:9", **options},
            {"name": "backup", "base_url": backup, "model": "m"},
        ],
        "profiles": [
            {"name": "default", "providers": ["lab", "backup"]},
            {"name": "failing", "providers": ["gone", "backup"]},
        ],
    }


@pytest.fixture(scope="module")
def gateway(with_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("lab")
    backup = ScriptedUpstream(Answer.text("the backup"))
    command = (str(with_example / "coderouter"),)
    with (
        served_in_thread(backup),
        toy(with_example, folder) as lab,
        started(folder, config(lab, backup.openai_base_url), command=command) as running,
    ):
        running.wait_until_ready()
        yield running
        running.stop()


def ask(gateway: Gateway, dialect: str, model: str, *, stream: bool, **fields: Any) -> httpx.Response:
    body = {"max_tokens": 50, "messages": [{"role": "user", "content": "Say hello."}], "stream": stream}
    return httpx.post(
        gateway.address + PATHS[dialect],
        json={"model": model, **body, **fields},
        headers={"x-request-id": fresh_id()},
        timeout=30,
        verify=TLS,
    )


@DIALECT
@STREAMING
@pytest.mark.parametrize("model", ["lab", "by-path"])
def test_it_answers_clients_of_both_languages_and_is_metered(
    gateway: Gateway, dialect: str, stream: bool, model: str
) -> None:
    answer = ask(gateway, dialect, model, stream=stream)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-coderouter-provider"] == model
    if stream:
        assert ENDS[dialect] in answer.text
        assert len(frames(answer.text)) > 7
    else:
        assert HEARD in answer.text
    told = gateway.completed(answer.headers["x-request-id"])
    assert (told["input_tokens"], told["output_tokens"]) == (2, 6)


@DIALECT
def test_its_calls_of_tools_reach_the_client(gateway: Gateway, dialect: str) -> None:
    schema = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
    tools: dict[str, list[Any]] = {
        "openai_chat": [{"type": "function", "function": {"name": "look_up", "parameters": schema}}],
        "anthropic_messages": [{"name": "look_up", "input_schema": schema}],
    }

    answer = ask(gateway, dialect, "lab", stream=False, tools=tools[dialect]).json()

    if dialect == "openai_chat":
        (call,) = answer["choices"][0]["message"]["tool_calls"]
        assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (
            "look_up",
            {"place": "Rome"},
        )
    else:
        (block,) = [block for block in answer["content"] if block["type"] == "tool_use"]
        assert (block["name"], block["input"], answer["stop_reason"]) == (
            "look_up",
            {"place": "Rome"},
            "tool_use",
        )


@DIALECT
@STREAMING
def test_when_it_fails_the_next_one_answers(gateway: Gateway, dialect: str, stream: bool) -> None:
    answer = ask(gateway, dialect, "failing", stream=stream)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-coderouter-provider"] == "backup"
    (failed,) = only(gateway.story(answer.headers["x-request-id"]), "provider-failed")
    assert failed["provider"] == "gone"


def test_a_picture_goes_to_somebody_who_sees(gateway: Gateway) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    message = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}

    answer = ask(gateway, "openai_chat", "default", stream=False, messages=[message])

    assert answer.headers["x-coderouter-provider"] == "backup"


def test_a_slip_in_its_options_is_told_with_its_line(with_example: Path, tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    text = (ROOT / "examples/custom_adapter/providers.yaml").read_text("utf-8")
    file.write_text(text.replace("room: green", "roon: green"), "utf-8")

    ended = run_in(tmp_path, str(with_example / "coderouter"), "check", "--config", str(file))

    assert ended.returncode == 2
    assert f"{file}:7" in ended.stderr
    assert 'did you mean "room"?' in ended.stderr


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A project of the author's with packages that have the names of ours."""
    for name in ("config", "app"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is another project')\n")
    return tmp_path


def test_the_command_tries_it_in_a_project_with_packages_of_our_names(
    with_example: Path, hostile: Path
) -> None:
    command = (str(with_example / "coderouter"), "adapter", "test", "acme-lab")

    ended = run_in(hostile, *command, "--stage", "acme_lab.stage:stage")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "22 kept, 0 broken, 3 not asked" in ended.stdout


def test_its_own_tests_pass_in_a_project_with_packages_of_our_names(
    with_example: Path, hostile: Path
) -> None:
    shutil.copytree(
        ROOT / "examples/custom_adapter/tests", hostile / "tests", ignore=shutil.ignore_patterns("__*")
    )

    ended = run_in(hostile, str(with_example / "python"), "-m", "pytest", "-q", "-W", "error")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "passed" in ended.stdout


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=bare_environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
