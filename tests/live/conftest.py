"""A real small language model on loopback, shared by all tests that want one."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.supervisor import EmbeddedModelServer
from infrastructure.model_server.weights import ModelMissing, find_embedded_model

TOOLS_TEMPLATE = Path(__file__).with_name("smol_tools.jinja")
SCRIPTED_CALL = {"name": "Bash", "arguments": {"command": "echo x"}}
"""What every first answer of `tool_llama_server` is, when the request brings tools."""


@pytest.fixture(scope="session")
def model_weights() -> Path:
    """The GGUF file of the `embedded` extra. A test run without it is broken, not shorter."""
    found = find_embedded_model()
    if isinstance(found, ModelMissing):
        pytest.fail(str(found))
    return found.weights


@pytest.fixture(scope="session")
def llama_server(model_weights: Path) -> Iterator[str]:
    """Base URL of a server with the model's own chat template, as the product runs it."""
    with served(ModelOptions(weights=str(model_weights), threads=1, sleep_after_s=-1)) as url:
        yield url


@pytest.fixture(scope="session")
def tool_llama_server(model_weights: Path) -> Iterator[str]:
    """
    Base URL of a server that calls a tool whenever it is offered tools, then answers with text.

    The call is `SCRIPTED_CALL` unless the request's `chat_template_kwargs` hold another `scripted_call`
    (a string of JSON); `{"scripted_call": false, "force_tool": true}` with `tool_choice` `required` lets
    the model write the call.
    """
    options = ModelOptions(
        weights=str(model_weights),
        threads=1,
        sleep_after_s=-1,
        chat_template=str(TOOLS_TEMPLATE),
        template_arguments={"scripted_call": json.dumps(SCRIPTED_CALL)},
    )
    with served(options) as url:
        yield url


@contextmanager
def served(options: ModelOptions) -> Iterator[str]:
    """
    Run a server in an event loop of its own, in a thread.

    The loop of a test is only there during that test, and someone must read the child's log all the time.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="live-model-server")
    thread.start()
    server = EmbeddedModelServer(options, ready_within_s=120)
    try:
        yield asyncio.run_coroutine_threadsafe(server.ensure_running(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(server.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
