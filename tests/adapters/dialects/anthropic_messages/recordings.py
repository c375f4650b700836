"""What real clients and servers said in this dialect, as recorded."""

from pathlib import Path

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from domain.conversation.reply import Batch, ReplyEvent

_ROOT = Path(__file__).parents[3] / "transcripts" / "anthropic_messages"


def recorded(case: str, name: str) -> bytes:
    return (_ROOT / case / name).read_bytes()


def cases(name: str) -> list[str]:
    return sorted(path.parent.name for path in _ROOT.glob(f"*/{name}"))


BROKEN = {"claude-code-cut", "llama-killed", "llama-terminated", "llama-malformed-call", "vllm-killed"}
"""Streams whose answer never became complete."""

OVERLAPPING = "llama-two-calls"
"""A stream that keeps two blocks open at once, which the dialect does not allow."""

COMPLETE = [case for case in cases("upstream.sse") if case not in BROKEN]
IN_ORDER = [case for case in COMPLETE if case != OVERLAPPING]


def read(*reads: bytes) -> list[Batch]:
    """All batches of a complete stream."""
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    batches = [batch for data in reads for batch in decoder.feed(data)]
    return batches + list(decoder.close())


def events_of(batches: list[Batch]) -> list[ReplyEvent]:
    return [event for batch in batches for event in batch.events]


def wire_of(batches: list[Batch]) -> bytes:
    return b"".join(batch.wire.data for batch in batches if batch.wire is not None)
