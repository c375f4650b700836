"""An adapter for a server that answers with lines of JSON; make it speak the language of yours."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx

from adapters.outbound.authoring import (
    Batch,
    FailureKind,
    Finished,
    ProviderCall,
    ProviderKit,
    ProviderSpec,
    StopReason,
    Text,
    TextDelta,
    UpstreamFailure,
    Usage,
    UsageReported,
    answer_to,
    options_as,
)


@dataclass(frozen=True)
class ModelOptions:
    """What ``options`` of the configuration may say; anything else is refused with its line."""

    path: str = "/ask"


class Model:
    """Built once, at the start of the gateway; it asks nobody until it is asked."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self._url = spec.base_url + options_as(ModelOptions, spec).path
        self._kit = kit

    def __repr__(self) -> str:
        return f"<Model at {self._url}>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """Yields the answer as it arrives; the block gives the connection back, however it is left."""
        async with answer_to(self._request(call), call, self._kit) as response:
            async for line in response.aiter_lines():
                batch = read(line)
                yield batch
                if isinstance(batch.events[-1], Finished):
                    return
        raise UpstreamFailure(FailureKind.BROKEN_OFF, "the answer stopped short of its end")

    def _request(self, call: ProviderCall) -> httpx.Request:
        told = call.conversation
        question = {
            "model": call.model,
            "turns": [
                {"who": message.role, "says": part.text}
                for message in told.messages
                for part in message.parts
                if isinstance(part, Text)
            ],
            "most": told.sampling.max_output_tokens,
        }
        headers = {"authorization": f"Bearer {self._kit.secret}"}
        return httpx.Request("POST", self._url, headers=headers, json=question)


def read(line: str) -> Batch:
    """What a line of the answer says: ``{"say": …}`` or, at last, ``{"read": …, "wrote": …}``."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    match said:
        case {"say": str(words)}:
            return Batch((TextDelta(words),))
        case {"read": int(tokens_read), "wrote": int(tokens_written)}:
            usage = Usage(input_tokens=tokens_read, output_tokens=tokens_written)
            return Batch((UsageReported(usage), Finished(StopReason.END_TURN)))
        case _:
            raise UpstreamFailure(FailureKind.GARBLED, "a line of the answer says nothing that is known")
