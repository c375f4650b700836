"""All that real clients and servers said, whatever the dialect."""

from dataclasses import dataclass
from pathlib import Path

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
DIALECTS = (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of one exchange."""

    dialect: Dialect
    case: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.dialect.name}/{self.case}"


def recordings(file: str) -> list[Recording]:
    return [
        Recording(dialect, path.parent.name, path.read_bytes())
        for dialect in DIALECTS
        for path in sorted((TRANSCRIPTS / dialect.name).glob(f"*/{file}"))
    ]
