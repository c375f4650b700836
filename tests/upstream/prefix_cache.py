"""
A model server that caches prompts by their beginning, byte for byte.

On the messages route it does as Anthropic's does: tools come before instructions, these before turns, the
prompt is kept up to each breakpoint and found again wherever it was kept, and more than four breakpoints are
refused. A chat server has none and keeps the prompt up to every tool and message.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.upstream.behaviours import Answer, Behaviour, Status, Usage
from tests.upstream.records import ReceivedRequest

_MARK = re.compile(rb',?\s*"cache_control"\s*:\s*\{[^{}]*\}')
_MOST_MARKS = 4
_BYTES_PER_TOKEN = 4

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class PrefixCache:
    """A script for `ScriptedUpstream`; it remembers every beginning that it was told to keep."""

    def __init__(self) -> None:
        self._kept: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<PrefixCache of {len(self._kept)} beginnings>"

    def __call__(self, request: ReceivedRequest) -> Behaviour:
        has_marks = request.path == "/v1/messages"
        if has_marks and request.raw_body.count(b'"cache_control"') > _MOST_MARKS:
            return Status(400)
        digest, size, cached = hashlib.sha256(), 0, 0
        kept: set[bytes] = set()
        for piece in _pieces(_members.decode(request.raw_body)):
            plain = _MARK.sub(b"", piece)
            digest.update(plain)
            size += len(plain)
            cached = size if digest.digest() in self._kept else cached
            if not has_marks or b'"cache_control"' in piece:
                kept.add(digest.digest())
        self._kept |= kept
        usage = Usage(prompt=size // _BYTES_PER_TOKEN, cached=cached // _BYTES_PER_TOKEN)
        return Answer.text("Done.", usage=usage)


def _pieces(members: dict[str, msgspec.Raw]) -> Iterator[bytes]:
    """Tools, blocks of instructions, and blocks of turns with who speaks, in the order of the prompt."""
    yield from _listed(members.get("tools"))
    yield from _listed(members.get("system"))
    for message in _listed(members.get("messages")):
        turn = _members.decode(message)
        yield bytes(turn["role"])
        blocks = list(_listed(turn.get("content")))
        rest: Any = {key: value for key, value in turn.items() if key not in ("role", "content")}
        yield from blocks
        if rest:
            yield msgspec.json.encode(rest)


def _listed(raw: msgspec.Raw | bytes | None) -> list[bytes]:
    """The elements of a list; whatever else is one piece."""
    if raw is None:
        return []
    if not bytes(raw).startswith(b"["):
        return [bytes(raw)]
    return [bytes(each) for each in msgspec.json.decode(raw, type=list[msgspec.Raw])]
