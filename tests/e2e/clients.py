"""The same question in either client dialect, over plain HTTP."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeAlias

import httpx

from tests.e2e.stage import fresh_id

ClientDialect: TypeAlias = Literal["openai_chat", "anthropic_messages"]

DIALECTS: tuple[ClientDialect, ...] = ("openai_chat", "anthropic_messages")
PATHS = {"openai_chat": "/v1/chat/completions", "anthropic_messages": "/v1/messages"}
SAME_KIND = {"openai_chat": "openai_compat", "anthropic_messages": "anthropic"}
"""The kind of provider that speaks the client's own language."""
OTHER_KIND = {"openai_chat": "anthropic", "anthropic_messages": "openai_compat"}

TLS = ssl.create_default_context()
"""Nothing here is encrypted, yet httpx would build one of these for each request."""

_PATIENCE_S = 30.0


class Served(Protocol):
    """A gateway, wherever it runs."""

    @property
    def address(self) -> str: ...


def question(model: str, **fields: Any) -> dict[str, Any]:
    """A body that both dialects understand."""
    return {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Say hello."}],
        **fields,
    }


def ask(
    gateway: Served,
    dialect: ClientDialect,
    model: str,
    *,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> httpx.Response:
    """One exchange; the answer's `x-request-id` finds its events."""
    return httpx.post(
        gateway.address + PATHS[dialect],
        json=question(model, **fields),
        headers={"x-request-id": fresh_id(), **(headers or {})},
        timeout=_PATIENCE_S,
        verify=TLS,
    )


@contextmanager
def asking(gateway: Served, dialect: ClientDialect, model: str, request_id: str) -> Iterator[httpx.Response]:
    """A streamed answer whose head is here."""
    with httpx.stream(
        "POST",
        gateway.address + PATHS[dialect],
        json=question(model, stream=True),
        headers={"x-request-id": request_id},
        timeout=_PATIENCE_S,
        verify=TLS,
    ) as response:
        yield response


def frames(text: str) -> list[dict[str, Any]]:
    """The data of each frame, but for OpenAI's terminator."""
    data = (line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: "))
    return [json.loads(each) for each in data if each != "[DONE]"]


def is_terminated(dialect: ClientDialect, text: str) -> bool:
    """Whether a stream holds the word that it is complete."""
    return "data: [DONE]" in text if dialect == "openai_chat" else "message_stop" in text


def said(dialect: ClientDialect, answer: httpx.Response) -> str:
    """The text of a whole or streamed answer."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        return "".join(_streamed_words(frame) for frame in frames(answer.text))
    body = answer.json()
    if dialect == "openai_chat":
        return str(body["choices"][0]["message"]["content"])
    return "".join(str(block["text"]) for block in body["content"])


def _streamed_words(frame: dict[str, Any]) -> str:
    if "choices" in frame:
        return "".join(choice["delta"].get("content") or "" for choice in frame["choices"])
    return str(frame.get("delta", {}).get("text", ""))


def forgive(gateway: Served, key: str = "") -> None:
    """Nothing is held against any provider any more, whatever earlier requests met."""
    url = f"{gateway.address}/admin/health/reset"
    headers = {"x-api-key": key} if key else {}
    httpx.post(url, json={}, headers=headers, timeout=_PATIENCE_S, verify=TLS).raise_for_status()
