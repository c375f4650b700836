"""The embedded model really answers, in both dialects, and goes when it should."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.child_process import ModelServerUnavailable
from infrastructure.model_server.supervisor import EmbeddedModelServer
from tests.infrastructure.model_server.processes import is_running, until

pytestmark = pytest.mark.timeout(300)  # a busy Raspberry Pi reads ten tokens a second

HELLO = [{"role": "user", "content": "Say hello."}]
PARAMETERS = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
OPENAI_TOOLS = [{"type": "function", "function": {"name": "Bash", "parameters": PARAMETERS}}]
ANTHROPIC_TOOLS = [{"name": "Bash", "input_schema": PARAMETERS}]
BRIEF = {"max_tokens": 12, "temperature": 0}


def chat(url: str, **fields: Any) -> Any:
    answer = httpx.post(
        f"{url}/v1/chat/completions", json={"messages": HELLO, **BRIEF, **fields}, timeout=240
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages(url: str, **fields: Any) -> Any:
    answer = httpx.post(f"{url}/v1/messages", json={"messages": HELLO, **BRIEF, **fields}, timeout=240)
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(url: str, path: str, **fields: Any) -> list[str]:
    """The data lines of a stream."""
    body = {"messages": HELLO, **BRIEF, "stream": True, **fields}
    with httpx.stream("POST", f"{url}{path}", json=body, timeout=240) as answer:
        assert answer.status_code == 200
        return [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]


def test_a_chat_completion_has_text_and_usage(llama_server: str) -> None:
    completion = chat(llama_server)

    assert completion["model"] == "smollm2-135m"
    assert completion["choices"][0]["message"]["content"]
    assert completion["usage"]["prompt_tokens"] > 0
    assert 0 < completion["usage"]["completion_tokens"] <= 12


def test_a_streamed_chat_completion_ends_with_its_usage(llama_server: str) -> None:
    *chunks, usage, done = events(
        llama_server, "/v1/chat/completions", stream_options={"include_usage": True}
    )

    # The first delta holds the role and `"content": null`; the chunk with the usage has no choices.
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas)
    assert json.loads(usage)["choices"] == []
    assert json.loads(usage)["usage"]["completion_tokens"] > 0
    assert done == "[DONE]"


def test_it_speaks_anthropic_messages_natively(llama_server: str) -> None:
    message = messages(llama_server)

    assert message["content"][0]["text"]
    # Tokens found in the prefix cache are not part of `input_tokens`.
    assert message["usage"]["input_tokens"] + message["usage"]["cache_read_input_tokens"] > 0
    assert message["usage"]["output_tokens"] > 0


def test_a_streamed_message_runs_from_start_to_stop(llama_server: str) -> None:
    kinds = [json.loads(event)["type"] for event in events(llama_server, "/v1/messages")]

    assert kinds[0] == "message_start"
    assert "content_block_delta" in kinds
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_the_models_own_template_drops_tools_in_silence(llama_server: str) -> None:
    with_tools, without = chat(llama_server, tools=OPENAI_TOOLS), chat(llama_server)

    assert with_tools["usage"]["prompt_tokens"] == without["usage"]["prompt_tokens"]


def test_a_prompt_beyond_the_window_is_refused_with_its_size(llama_server: str) -> None:
    prompt = [{"role": "user", "content": "word " * 9000}]
    answer = httpx.post(f"{llama_server}/v1/chat/completions", json={"messages": prompt}, timeout=240)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "exceed_context_size_error"
    assert answer.json()["error"]["n_ctx"] == 8192


def test_nothing_but_the_api_is_served(llama_server: str) -> None:
    assert httpx.get(f"{llama_server}/").status_code == 404
    assert httpx.get(f"{llama_server}/slots").status_code != 200


def test_offered_tools_it_makes_the_scripted_call(tool_llama_server: str) -> None:
    choice = chat(tool_llama_server, tools=OPENAI_TOOLS)["choices"][0]

    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == "Bash"
    assert json.loads(call["function"]["arguments"]) == {"command": "echo x"}


def test_a_request_may_bring_its_own_script(tool_llama_server: str) -> None:
    script = {"name": "Bash", "arguments": {"command": "ls"}}
    # Honoured in `chat_template_kwargs` only: a top-level `scripted_call` is ignored.
    message = messages(
        tool_llama_server,
        tools=ANTHROPIC_TOOLS,
        chat_template_kwargs={"scripted_call": json.dumps(script)},
    )

    assert message["stop_reason"] == "tool_use"
    (block,) = message["content"]
    assert (block["name"], block["input"]) == ("Bash", {"command": "ls"})


def test_after_a_tools_result_it_answers_with_text(tool_llama_server: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "Bash", "arguments": '{"command": "echo x"}'}}
    turns = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ]
    choice = chat(tool_llama_server, messages=turns, tools=OPENAI_TOOLS)["choices"][0]

    assert choice["message"]["content"].startswith("The tool returned:")
    assert "tool_calls" not in choice["message"]


def test_without_tools_the_script_has_no_effect(tool_llama_server: str) -> None:
    assert chat(tool_llama_server)["choices"][0]["message"]["content"]


def test_the_model_itself_can_be_made_to_write_a_call(tool_llama_server: str) -> None:
    # The grammar binds only once a call has begun: `tool_choice` alone leaves this model chatting, and
    # `force_tool` with `tool_choice: auto` ends in 500 "does not match the expected peg-native format".
    choice = chat(
        tool_llama_server,
        tools=OPENAI_TOOLS,
        tool_choice="required",
        max_tokens=64,
        chat_template_kwargs={"scripted_call": False, "force_tool": True},
    )["choices"][0]

    function = choice["message"]["tool_calls"][0]["function"]
    assert function["name"] == "Bash"
    assert "command" in function["arguments"]


@pytest.fixture
async def own_server(model_weights: Path) -> AsyncIterator[EmbeddedModelServer]:
    """A server of the test's own, which sleeps as soon as it may."""
    server = EmbeddedModelServer(ModelOptions(weights=str(model_weights), threads=1, sleep_after_s=1))
    yield server
    await server.aclose()


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_an_idle_model_gives_its_memory_back_and_wakes_up(own_server: EmbeddedModelServer) -> None:
    url = await own_server.ensure_running()
    pid = own_server.pid
    assert pid is not None
    await asyncio.to_thread(chat, url)
    awake_mib = resident_mib(pid)
    assert awake_mib < 450

    await until(lambda: resident_mib(pid) < awake_mib / 2, within_s=60)

    # Asking after its health, which every start does, must not wake it.
    assert (await asyncio.to_thread(httpx.get, f"{url}/health")).status_code == 200
    assert resident_mib(pid) < awake_mib / 2
    assert await asyncio.to_thread(chat, url)


async def test_closing_stops_the_server(own_server: EmbeddedModelServer) -> None:
    url = await own_server.ensure_running()
    pid = own_server.pid
    assert pid is not None

    await own_server.aclose()

    assert not is_running(pid)
    with pytest.raises(httpx.ConnectError):
        await asyncio.to_thread(httpx.get, f"{url}/health")


async def test_a_killed_server_comes_back(own_server: EmbeddedModelServer) -> None:
    await own_server.ensure_running()
    pid = own_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: own_server.pid is None)

    assert await asyncio.to_thread(chat, await own_server.ensure_running())


async def test_a_file_that_is_no_model_is_reported_with_the_librarys_words(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"not a model")
    server = EmbeddedModelServer(ModelOptions(weights=str(tmp_path / "broken.gguf")))

    with pytest.raises(ModelServerUnavailable, match=r"before it was ready(.|\n)*broken\.gguf"):
        await server.ensure_running()
    await server.aclose()


GATEWAY = """
import asyncio, sys
from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.supervisor import EmbeddedModelServer
async def main():
    server = EmbeddedModelServer(ModelOptions(weights=sys.argv[1]), ready_within_s=120)
    await server.ensure_running()
    print(server.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_killed_gateway_leaves_no_model_behind(model_weights: Path) -> None:
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-c", GATEWAY, str(model_weights), stdout=asyncio.subprocess.PIPE
    )
    assert gateway.stdout is not None
    pid = int(await gateway.stdout.readline())
    assert is_running(pid)

    gateway.kill()
    await gateway.wait()

    await until(lambda: not is_running(pid))
