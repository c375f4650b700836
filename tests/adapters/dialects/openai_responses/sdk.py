"""The official SDK as a reader of our bytes, without a network."""

from collections.abc import Iterable
from typing import Any

import httpx2
from openai import OpenAI


def stream_events(reads: Iterable[bytes]) -> list[Any]:
    """The events that the SDK reads from a stream."""
    with _client(reads) as client, client.responses.create(model="m", input="hi", stream=True) as stream:
        return list(stream)


def final_response(reads: Iterable[bytes]) -> dict[str, Any]:
    """What the SDK's own gathering of a stream, strict about order and identity, makes of it."""
    with _client(reads) as client, client.responses.stream(model="m", input="hi") as stream:
        gathered: dict[str, Any] = stream.get_final_response().to_dict(mode="json")
        return gathered


def gathered_deltas(reads: Iterable[bytes]) -> tuple[str, dict[int, str]]:
    """Text and arguments as they grow under the SDK's eyes: the text, and the arguments by place."""
    text, arguments = "", {}
    with _client(reads) as client, client.responses.stream(model="m", input="hi") as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.function_call_arguments.delta":
                arguments[event.output_index] = event.snapshot
    return text, arguments


class _Reads(httpx2.SyncByteStream):
    def __init__(self, reads: Iterable[bytes]) -> None:
        self._reads = reads

    def __iter__(self) -> Any:
        return iter(self._reads)


def _client(reads: Iterable[bytes]) -> OpenAI:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=_Reads(reads))

    return OpenAI(
        api_key="none",
        base_url="http://gateway.test/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )
