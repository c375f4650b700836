"""The kinds of traffic that are measured."""

from dataclasses import dataclass
from enum import Enum


class Dialect(Enum):
    """A wire language, named as in the profiles of `providers.yaml`."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"

    @property
    def path(self) -> str:
        return _PATHS[self]

    @property
    def end_of_stream(self) -> str:
        """What the last bytes of a complete stream contain."""
        return _ENDS[self]


_PATHS = {Dialect.OPENAI: "/v1/chat/completions", Dialect.ANTHROPIC: "/v1/messages"}
_ENDS = {Dialect.OPENAI: "[DONE]", Dialect.ANTHROPIC: "message_stop"}


class Body(Enum):
    """What is asked: a short chat of 1 KB, or a coding agent's turn of 100 KB (30 tools, 41 messages)."""

    CHAT = "chat"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """An answer in one piece; it carries one stamp."""

    model: str = "bench-t200-d0"
    stamps: int = 1
    profile_suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer of so many chunks, each with its stamp."""

    model: str
    stamps: int
    profile_suffix: str = ""


PLAIN = Plain()
BURST = Stream(model="bench-t200-d0", stamps=200)
"""As fast as it goes."""
PACED = Stream(model="bench-t100-d20000", stamps=100, profile_suffix="-paced")
"""50 tokens a second: each chunk is a read and a write of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of traffic: who speaks what to whom, how much of it at once."""

    name: str
    title: str
    client: Dialect
    upstream: Dialect
    body: Body
    answer: Plain | Stream
    connections: int
    requests: int | None = None
    """How many in all; None is as many as fit into the seconds of a turn."""

    @property
    def profile(self) -> str:
        return self.upstream.value + self.answer.profile_suffix

    @property
    def end(self) -> str:
        return self.client.end_of_stream if isinstance(self.answer, Stream) else ""


SCENARIOS = (
    Scenario(
        name="chat",
        title="1 KB chat, same dialect",
        client=Dialect.OPENAI,
        upstream=Dialect.OPENAI,
        body=Body.CHAT,
        answer=PLAIN,
        connections=64,
    ),
    Scenario(
        name="agent-same",
        title="100 KB agent request, same dialect",
        client=Dialect.ANTHROPIC,
        upstream=Dialect.ANTHROPIC,
        body=Body.AGENT,
        answer=PLAIN,
        connections=32,
    ),
    Scenario(
        name="agent-translated",
        title="100 KB agent request, Anthropic to OpenAI",
        client=Dialect.ANTHROPIC,
        upstream=Dialect.OPENAI,
        body=Body.AGENT,
        answer=PLAIN,
        connections=32,
    ),
    Scenario(
        name="burst-same",
        title="burst stream of 200 chunks, same dialect",
        client=Dialect.OPENAI,
        upstream=Dialect.OPENAI,
        body=Body.CHAT,
        answer=BURST,
        connections=64,
    ),
    Scenario(
        name="burst-translated",
        title="burst stream of 200 chunks, Anthropic to OpenAI",
        client=Dialect.ANTHROPIC,
        upstream=Dialect.OPENAI,
        body=Body.CHAT,
        answer=BURST,
        connections=64,
    ),
    Scenario(
        name="paced-same",
        title="64 paced streams, same dialect",
        client=Dialect.OPENAI,
        upstream=Dialect.OPENAI,
        body=Body.CHAT,
        answer=PACED,
        connections=64,
        requests=64,
    ),
    Scenario(
        name="paced-translated",
        title="64 paced streams, Anthropic to OpenAI",
        client=Dialect.ANTHROPIC,
        upstream=Dialect.OPENAI,
        body=Body.CHAT,
        answer=PACED,
        connections=64,
        requests=64,
    ),
)

CROWD = Scenario(
    name="crowd",
    title="1,000 paced streams at once",
    client=Dialect.OPENAI,
    upstream=Dialect.OPENAI,
    body=Body.CHAT,
    answer=PACED,
    connections=1000,
    requests=1000,
)
"""Not a matter of CPU: asked is whether a stream is lost or reordered, and what one costs in memory."""
