"""
What adapters of others are written against stays: names, fields and parameters may be added, none may go.

An adapter that was written for this release works with the next. Whoever has to break that raises the major
version and tells it in the changelog; then, and only then, this table changes.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from adapters.outbound import authoring
from adapters.outbound.contract import stage, suite
from adapters.outbound.contract.promises import PROMISES
from tests.architecture.tree import ROOT
from tests.guide_blocks import blocks

FIELDS = {
    "ProviderSpec": "name adapter base_url model paid secret timeouts locality context_window capabilities"
    " append_system_prompt output_filters extra_body headers options",
    "ProviderKit": "transport clock secret model_server user_agent",
    "ProviderCall": "request request_id model stream system_suffix connect_timeout_s shaping",
    "EmbeddingCall": "body request_id model connect_timeout_s",
    "Embeddings": "body model usage",
    "Probed": "windows",
    "ChatRequest": "dialect model source stream profile declares_tools choices wants_usage headers",
    "Conversation": "messages tools tool_choice sampling extensions",
    "Message": "role parts name extensions",
    "Text": "text cache_control extensions",
    "Image": "source cache_control extensions",
    "Document": "source title cache_control extensions",
    "InlineData": "media_type base64",
    "Link": "url",
    "FileReference": "file_id",
    "Thinking": "text signature redacted extensions",
    "ToolCall": "id name arguments cache_control extensions",
    "ToolResult": "call_id content is_error cache_control extensions",
    "Refusal": "text extensions",
    "ForeignPart": "dialect payload",
    "Tool": "name description parameters cache_control extensions",
    "ForeignTool": "dialect payload",
    "ToolChoice": "use name parallel extensions",
    "Sampling": "max_output_tokens temperature top_p top_k stop seed reasoning_effort answer_schema",
    "AnswerSchema": "schema name description strict",
    "Batch": "events wire",
    "ReplyStarted": "id model created extensions",
    "TextDelta": "text choice",
    "ThinkingDelta": "text choice",
    "ThinkingSigned": "signature choice",
    "RedactedThinking": "data choice",
    "RefusalDelta": "text choice",
    "ToolCallStarted": "call id name choice",
    "ToolCallDelta": "call arguments choice",
    "PartEnded": "call choice",
    "UsageReported": "usage",
    "Usage": "input_tokens output_tokens cache_read_tokens cache_creation_tokens reasoning_tokens",
    "Finished": "reason stop_sequence choice extensions",
    "Quirks": "max_tokens_field default_max_tokens usage_in_streams developer_role cache_control",
    "OPENAI_CHAT": "name",
    "ANTHROPIC_MESSAGES": "name",
    "OLLAMA_CHAT": "name",
    "Setting": "spec transport secret repeatable",
}
"""The fields of each value, in their order."""

MEMBERS = {
    "Role": "SYSTEM DEVELOPER USER ASSISTANT TOOL",
    "Scene": "ANSWERS CALLS_TOOL REFUSES BREAKS_OFF FALLS_SILENT",
    "ToolUse": "AUTO REQUIRED NONE NAMED",
    "StopReason": "END_TURN STOP_SEQUENCE MAX_TOKENS TOOL_CALLS REFUSAL CONTENT_FILTER PAUSE",
    "FailureKind": "UNREACHABLE SLOW OVERLOADED RATE_LIMITED QUOTA CREDENTIALS MODEL_MISSING BUSY"
    " OUT_OF_MEMORY CONTEXT_OVERFLOW REQUEST_FAULT ADAPTER_FAULT GARBLED BROKEN_OFF CLIENT_LEFT",
}
"""The members of each enumeration."""

PARAMETERS = {
    "options_as": "description spec",
    "answer_to": "request call kit",
    "http_provider": "spec kit dialect url headers quirks passes_headers",
    "openai_compatible": "spec kit",
    "anthropic": "spec kit",
    "ollama": "spec kit",
    "UpstreamFailure": "kind message status retry_after_s answer",
    "MalformedRequest": "path message",
    "ChatProvider.converse": "self call",
    "EmbeddingProvider.embed": "self call",
    "TokenCountProvider.count_tokens": "self call",
    "ProbeProvider.probe": "self",
    "ProviderCall.conversation": "self",
    "ProviderContract.build": "self spec kit",
    "ProviderContract.stage": "self scene",
}
"""The parameters of what is called, or implemented, in their order."""

ALIASES = {"ProviderFactory", "Part", "ReplyEvent", "Json", "Stage"}
"""Names for types."""
WITHOUT_MORE = {"OptionsRefused"}
"""Nothing is read of it: it is left alone."""

FOR_TESTS = {"Scene": stage, "Setting": stage, "Stage": stage, "ProviderContract": suite}
"""Names that the tests of an adapter need, and the modules that they are imported from."""

EXCUSABLE = (
    "builds-without-asking refuses-unknown-options keeps-its-key streams-in-order answers-whole tells-usage"
    " tells-the-same-whole calls-tools answers-every-client reads-long-histories leaves-requests-alone"
    " reads-any-pieces keeps-conversations-apart fails-when-nobody-is-there fails-when-refused asks-once"
    " takes-nonsense-for-failure breaks-off-as-failure ends-when-closed ends-when-cancelled"
    " ends-before-its-answer leaves-nothing-running embeds counts-tokens can-be-probed"
)
"""Promises that an author may have excused an adapter from, by their names."""


def named(path: str) -> Any:
    first = path.partition(".")[0]
    found: Any = FOR_TESTS.get(first, authoring)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    return found.fget if isinstance(found, property) else found


def test_every_name_has_its_line_in_a_table() -> None:
    tabled = {path.partition(".")[0] for path in (*FIELDS, *MEMBERS, *PARAMETERS, *ALIASES, *WITHOUT_MORE)}

    assert tabled == {*authoring.__all__, *FOR_TESTS}


def test_no_promise_loses_its_name() -> None:
    assert set(EXCUSABLE.split()) <= {promise.name for promise in PROMISES}
    assert {"excused", "patience_s"} <= set(vars(suite.ProviderContract))


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_goes_and_none_comes_that_must_be_given(name: str) -> None:
    value = named(name)
    assert is_dataclass(value)
    there = {field.name: field for field in fields(value)}

    assert set(FIELDS[name].split()) <= set(there)
    if isinstance(value, type):
        assert positional(value)[: len(FIELDS[name].split())] in (FIELDS[name].split(), [])
        assert demanded(value) <= set(FIELDS[name].split())


@pytest.mark.parametrize("name", MEMBERS)
def test_no_member_goes(name: str) -> None:
    enumeration: type[Enum] = named(name)

    assert set(MEMBERS[name].split()) <= set(enumeration.__members__)


@pytest.mark.parametrize("path", PARAMETERS)
def test_no_parameter_goes_and_none_comes_that_must_be_given(path: str) -> None:
    called = named(path)
    there = [name for name in inspect.signature(called).parameters if name != "self"]
    promised = [name for name in PARAMETERS[path].split() if name != "self"]
    in_order = [name for name in positional(called) if name != "self"]

    assert in_order[: len(promised)] == promised[: len(in_order)]
    assert set(promised) <= set(there)
    assert demanded(called) - {"self"} <= set(promised)


def test_the_types_of_all_this_reach_the_authors_type_checker() -> None:
    assert (ROOT / "adapters/py.typed").is_file()
    assert (ROOT / "domain/py.typed").is_file()


def test_the_guide_the_example_and_the_template_import_nothing_else_of_ours() -> None:
    imported = {name for source in sources() for name in modules_imported(source)}

    assert {name for name in imported if name.split(".")[0] in {"adapters", "domain", "app", "config"}} <= {
        "adapters.outbound.authoring",
        "adapters.outbound.contract.stage",
        "adapters.outbound.contract.suite",
    }


def sources() -> Iterator[str]:
    yield from (path.read_text("utf-8") for path in Path(ROOT / "examples").rglob("*.py"))
    template = Path(ROOT / "app/cli/template").glob("*.py")
    yield from (path.read_text("utf-8").replace("app.cli.template.", "") for path in template)
    guide = list(blocks(ROOT / "docs" / "write-an-adapter.md"))
    yield from (block.text for block in guide if block.language == "python")


def modules_imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module)):
                yield module
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case _:
                pass


def demanded(called: Callable[..., object]) -> set[str]:
    """The parameters without a default."""
    parameters = inspect.signature(called).parameters.values()
    return {each.name for each in parameters if each.default is each.empty}


def positional(called: Callable[..., object]) -> list[str]:
    parameters = inspect.signature(called).parameters.values()
    return [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
