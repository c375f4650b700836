"""Request bodies of the size and shape that people and coding agents send."""

import json
import random
from typing import Any

from bench.scenarios import Body, Dialect, Scenario, Stream

_PROSE = """
the of and to in is that for it as with be by on not this have from or one all there when more if out so
what into only other new some these first then any now such our even most after also many before must
through because each how too good very make still work between both being under same while last return
function import class async await config error path file line test module value string array object
request response stream token model provider route
"""
_VOCABULARY = _PROSE.split()
_SEED = 7
_TOOLS = 30
_TOOL_ROUNDS = 20


def request_body(scenario: Scenario) -> bytes:
    """The body that every target gets in this scenario, the same in every run."""
    words = _Words(random.Random(_SEED))
    body = _agent(words) if scenario.body is Body.AGENT else _chat(words, scenario.client)
    body["model"] = scenario.answer.model
    if isinstance(scenario.answer, Stream):
        body["stream"] = True
        if scenario.client is Dialect.OPENAI:
            body["stream_options"] = {"include_usage": True}
    return json.dumps(body, separators=(",", ":")).encode()


class _Words:
    """Prose that is the same for the same seed."""

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source

    def prose(self, characters: int) -> str:
        words: list[str] = []
        while sum(map(len, words)) + len(words) < characters:
            words.append(self._random.choice(_VOCABULARY))
        return " ".join(words)


def _chat(words: _Words, dialect: Dialect) -> dict[str, Any]:
    system, question = words.prose(350), words.prose(480)
    body: dict[str, Any] = {"model": "", "max_tokens": 256, "temperature": 0.7}
    if dialect is Dialect.ANTHROPIC:
        return {**body, "system": system, "messages": [{"role": "user", "content": question}]}
    roles = (("system", system), ("user", question))
    return {**body, "messages": [{"role": role, "content": text} for role, text in roles]}


def _agent(words: _Words) -> dict[str, Any]:
    """A turn as Claude Code sends it: cached system blocks, tools with schemas, a history of tool use."""
    cached = {"type": "ephemeral"}
    system = [
        {"type": "text", "text": "You are a coding agent.", "cache_control": cached},
        {"type": "text", "text": words.prose(14_000), "cache_control": cached},
    ]
    opening = {"role": "user", "content": [{"type": "text", "text": words.prose(4_000)}]}
    rounds = [message for number in range(_TOOL_ROUNDS) for message in _tool_round(words, number)]
    return {
        "model": "",
        "max_tokens": 32_000,
        "system": system,
        "messages": [opening, *rounds],
        "tools": [_tool(words, number) for number in range(_TOOLS)],
        "temperature": 1,
        "metadata": {"user_id": "user_bench_session_1"},
    }


def _tool(words: _Words, number: int) -> dict[str, Any]:
    arguments = {f"arg{place}": {"type": "string", "description": words.prose(60)} for place in range(4)}
    schema = {
        "type": "object",
        "properties": arguments,
        "required": ["arg0", "arg1"],
        "additionalProperties": False,
        "$schema": "http://json-schema.org/draft-07/schema#",
    }
    return {"name": f"Tool{number}", "description": words.prose(450), "input_schema": schema}


def _tool_round(words: _Words, number: int) -> list[dict[str, Any]]:
    call_id = f"toolu_{number:024d}"
    call = {
        "type": "tool_use",
        "id": call_id,
        "name": f"Tool{number}",
        "input": {"arg0": words.prose(80), "arg1": words.prose(60)},
    }
    result = {"type": "tool_result", "tool_use_id": call_id, "content": words.prose(1_900)}
    return [
        {"role": "assistant", "content": [{"type": "text", "text": words.prose(250)}, call]},
        {"role": "user", "content": [result]},
    ]
