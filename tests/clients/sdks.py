"""The vendors' SDKs, set up to ask one model; and what cases of their use have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdks:
    """Both SDKs, synchronous and not, and the model to ask."""

    openai: OpenAI
    anthropic: Anthropic
    async_openai: Callable[[], AsyncOpenAI]
    async_anthropic: Callable[[], AsyncAnthropic]
    model: str


Case: TypeAlias = Callable[[Sdks], None]
"""Uses an SDK as its manual says, and holds what that promises."""

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
HELLO: Any = [{"role": "user", "content": "Say hello."}]
WEATHER: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
COUNTING: Any = [{"role": "user", "content": "Repeat exactly: one two three four five"}]
BEYOND_THE_WINDOW: Any = [{"role": "user", "content": "word " * 9000}]
