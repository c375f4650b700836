"""Turns the words of a message, or of a piece of one, into neutral events."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.dialects.openai_chat.wire import Words
from domain.conversation.parts import Logprobs
from domain.conversation.reply import RefusalDelta, ReplyEvent, TextDelta, ThinkingDelta, WeighedText


def spoken(words: Words, choice: int, logprobs: Logprobs = ()) -> Iterator[ReplyEvent]:
    """
    Thinking, text and refusal, as a reader would see them; nothing for empty strings.

    Args:
        logprobs: of the text.
    """
    if thought := _thought(words):
        yield ThinkingDelta(thought, choice)
    if isinstance(words.content, str):
        if words.content:
            yield _text(words.content, choice, logprobs)
    elif words.content:
        yield from _parts(words.content, choice)
    if words.refusal:
        yield RefusalDelta(words.refusal, choice)


def plain_text(words: Words) -> str:
    """The text of a piece that holds nothing else, as nearly all do; else empty."""
    text = words.content
    if not isinstance(text, str) or words.tool_calls is not None or words.function_call is not None:
        return ""
    return text if words.reasoning_content is words.reasoning is words.refusal is None else ""


def arguments_text(arguments: Any) -> str:
    """A call's arguments as JSON text, also from a server that sends them as an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def made_call_id(reply_id: str, call: int) -> str:
    """An id for a call that came without one: not repeated in the conversation, as replies have own ids."""
    return f"call_{reply_id.removeprefix('chatcmpl-')}_{call}"


def _text(text: str, choice: int, logprobs: Logprobs) -> TextDelta:
    return WeighedText(text, choice, logprobs) if logprobs else TextDelta(text, choice)


def _thought(words: Words) -> str:
    """DeepSeek, llama.cpp and most others say ``reasoning_content``, OpenRouter and vLLM ``reasoning``."""
    for thought in (words.reasoning_content, words.reasoning):
        if isinstance(thought, str) and thought:
            return thought
    return ""


def _parts(parts: list[Any], choice: int) -> Iterator[ReplyEvent]:
    """Mistral's reasoning models answer in a list of parts, with thinking as a list of text parts."""
    for part in parts:
        match part:
            case {"type": "text", "text": str(text)} if text:
                yield TextDelta(text, choice)
            case {"type": "refusal", "refusal": str(text)} if text:
                yield RefusalDelta(text, choice)
            case {"type": "thinking", "thinking": str(text)} if text:
                yield ThinkingDelta(text, choice)
            case {"type": "thinking", "thinking": [*pieces]}:
                for piece in pieces:
                    match piece:
                        case {"text": str(text)} if text:
                            yield ThinkingDelta(text, choice)
                        case _:
                            pass
            case _:
                pass
