"""What bounds the cost of a usual request is told at once, and of no other request."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.built import Built
from domain.conversation.request import MalformedRequest, Measure, Source

HI = [{"role": "user", "content": "hi"}]
MARKED = {"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": "5m"}}
FOR_AN_HOUR = {"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
USUAL: Mapping[Dialect, dict[str, Any]] = {
    OPENAI_CHAT: {"messages": HI, "max_tokens": 9},
    ANTHROPIC_MESSAGES: {"messages": HI, "max_tokens": 9, "system": [MARKED]},
    OPENAI_RESPONSES: {"input": HI, "max_output_tokens": 9},
    OPENAI_COMPLETIONS: {"prompt": "hi", "max_tokens": 9},
}


def source_of(dialect: Dialect, body: Mapping[str, Any]) -> Source:
    return dialect.decode_request(json.dumps(body).encode(), {}).source


def named(each: object) -> str:
    """What a case is called: a dialect by its name, which is the same in every process."""
    return each.name if isinstance(each, Dialect) else str(each)


@pytest.mark.parametrize(("dialect", "body"), USUAL.items(), ids=named)
def test_a_usual_request_is_measured(dialect: Dialect, body: dict[str, Any]) -> None:
    tools = [{"type": "custom", "name": "read", "parameters": {}}]

    assert source_of(dialect, body).measure == Measure(len(json.dumps(body)), 9)
    assert source_of(dialect, {**body, "tools": tools}).measure is not None


@pytest.mark.parametrize(
    "more",
    [
        {"system": [FOR_AN_HOUR]},
        {"messages": [{"role": "user", "content": [PICTURE]}]},
        {"messages": [{"role": "user", "content": [FOR_AN_HOUR]}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"name": "a", "input_schema": {}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"service_tier": "priority"},
        {"mcp_servers": [{"url": "http://127.0.0.1:9"}]},
        {"max_tokens": 0},
    ],
    ids=named,
)
def test_what_may_cost_more_is_looked_at_closely(more: dict[str, Any]) -> None:
    assert source_of(ANTHROPIC_MESSAGES, USUAL[ANTHROPIC_MESSAGES] | more).measure is None


CLEARING = {
    "edits": [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]
}
COMPACTING = {"edits": [{"type": "clear_tool_uses_20250919"}, {"type": "compact_20260112"}]}
SHOWN_UNTYPED = [{"role": "user", "content": [{"image_url": "https://127.0.0.1/a.png"}]}]
SAID_ALOUD = [{"role": "assistant", "audio": {"id": "audio_abc"}}, *HI]


@pytest.mark.parametrize(
    ("dialect", "more", "is_bounded"),
    [
        (ANTHROPIC_MESSAGES, {"context_management": CLEARING}, True),
        (ANTHROPIC_MESSAGES, {"context_management": COMPACTING}, False),
        (ANTHROPIC_MESSAGES, {"inference_geo": "global", "speed": "standard", "service_tier": "auto"}, True),
        (ANTHROPIC_MESSAGES, {"inference_geo": "us"}, False),
        (ANTHROPIC_MESSAGES, {"speed": "fast"}, False),
        (OPENAI_CHAT, {"messages": SHOWN_UNTYPED}, False),
        (OPENAI_CHAT, {"messages": SAID_ALOUD}, False),
        (OPENAI_CHAT, {"modalities": ["text"], "mcp_servers": [], "plugins": None}, True),
        (OPENAI_CHAT, {"modalities": ["text", "audio"]}, False),
        (OPENAI_CHAT, {"web_search_options": {}}, False),
        (OPENAI_CHAT, {"search_parameters": {"mode": "on"}}, False),
        (OPENAI_CHAT, {"enable_search": True}, False),
        (OPENAI_CHAT, {"provider": {"sort": "throughput"}}, False),
        (OPENAI_CHAT, {"extra_body": {"google": {"cached_content": "cachedContents/1"}}}, False),
        (OPENAI_CHAT, {"tools": [{"google_search": {}}]}, False),
        (OPENAI_CHAT, {"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        (OPENAI_CHAT, {"MAX_TOKENS": 100_000}, False),
        (OPENAI_CHAT, {"n": 4, "best_of": 4, "max_completion_tokens": 9}, True),
        (OPENAI_CHAT, {"max_output_tokens": 100_000}, False),
        (OPENAI_COMPLETIONS, {"n": 4, "best_of": 4}, True),
        (OPENAI_COMPLETIONS, {"max_completion_tokens": 100_000}, False),
        (ANTHROPIC_MESSAGES, {"n": 4}, False),
        (ANTHROPIC_MESSAGES, {"best_of": 4}, False),
        (ANTHROPIC_MESSAGES, {"n": 1, "best_of": 1, "max_completion_tokens": None}, True),
        (ANTHROPIC_MESSAGES, {"max_completion_tokens": 100_000}, False),
        (ANTHROPIC_MESSAGES, {"max_output_tokens": 100_000}, False),
        (OPENAI_RESPONSES, {"n": 4}, False),
        (OPENAI_RESPONSES, {"max_tokens": 100_000}, False),
        (OPENAI_RESPONSES, {"context_management": [{"type": "compaction"}]}, False),
    ],
    ids=named,
)
def test_only_what_is_known_to_cost_no_more_is_usual(
    dialect: Dialect, more: dict[str, Any], is_bounded: bool
) -> None:
    source = source_of(dialect, USUAL[dialect] | more)

    assert (source.measure is not None) is is_bounded
    assert (source.has_only_words and not source.is_open_ended) is is_bounded


@pytest.mark.parametrize("spelt", ['"cache_contro\\u006c"', '"\\u0063ache_control"'])
def test_no_spelling_hides_what_is_to_stay_in_a_cache_for_an_hour(spelt: str) -> None:
    marked = USUAL[ANTHROPIC_MESSAGES] | {"system": [FOR_AN_HOUR]}
    beside_a_picture = marked | {"messages": [{"role": "user", "content": [PICTURE]}]}

    for body in (marked, beside_a_picture):
        text = json.dumps(body).replace('"cache_control"', spelt)
        source = ANTHROPIC_MESSAGES.decode_request(text.encode(), {}).source
        assert source.measure is None
        assert source.may_cache_for_an_hour


def test_it_is_known_without_reading_whether_a_cache_is_marked() -> None:
    marked = source_of(ANTHROPIC_MESSAGES, USUAL[ANTHROPIC_MESSAGES])
    prose = source_of(OPENAI_CHAT, {"messages": [{"role": "user", "content": 'use "cache_control"!'}]})

    for source, marks in ((marked, True), (prose, False)):
        assert source.marks_cache is marks
        assert Built(source.conversation()).marks_cache is marks


TEXT = "words, " * 100
FILLERS = pytest.mark.parametrize("filler", ["", TEXT, TEXT * 10, TEXT * 50], ids=len)
"""Short requests are read in another way than long ones."""
WRITERS = pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": "), (",", " :\n\t ")], ids=repr)


@WRITERS
@FILLERS
@pytest.mark.parametrize(
    ("turns", "more", "is_bounded"),
    [
        (HI, {}, True),
        (HI, {"tools": None, "cache_control": {"type": "ephemeral"}, "stream": False, "n": 1}, True),
        (HI, {"tools": [{"type": "web_search"}]}, False),
        (HI, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}, False),
        (HI, {"max_tokens": 10.0}, False),
        (HI, {"max_tokens": 10**40}, False),
        ([{"role": "user", "content": [MARKED]}], {}, True),
        ([{"role": "user", "content": [FOR_AN_HOUR]}], {}, False),
        ([*HI, {"role": "user", "content": [PICTURE]}], {}, False),
        (SAID_ALOUD, {}, False),
    ],
    ids=named,
)
@pytest.mark.parametrize(
    ("dialect", "name", "limit"),
    [(OPENAI_CHAT, "messages", "max_tokens"), (OPENAI_RESPONSES, "input", "max_output_tokens")],
    ids=["chat", "responses"],
)
def test_a_request_is_usual_or_not_however_long_it_is_written_and_in_whatever_order_one_asks(
    dialect: Dialect,
    name: str,
    limit: str,
    turns: list[Any],
    more: dict[str, Any],
    is_bounded: bool,
    filler: str,
    spaces: tuple[str, str],
) -> None:
    said = [{"role": "assistant", "content": filler}, *turns]
    named = {limit if field == "max_tokens" else field: value for field, value in more.items()}
    body = json.dumps({"model": "m", limit: 9, name: said, **named}, separators=spaces).encode()
    measured_first, read_first = (dialect.decode_request(body, {}).source for _ in range(2))
    has_only_words = read_first.has_only_words

    assert (measured_first.measure is not None) is is_bounded
    assert (read_first.measure is not None) is is_bounded
    assert measured_first.has_only_words is has_only_words
    assert has_only_words or not is_bounded


@FILLERS
@pytest.mark.parametrize(
    "first",
    [
        {"messages": [{"role": "user", "content": [PICTURE]}]},
        {"messages": 0},
        {"tools": [{"type": "web_search"}]},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"max_tokens": -1},
    ],
    ids=named,
)
@pytest.mark.parametrize("is_spelt_out", [True, False])
@pytest.mark.parametrize("beside", ["", '"metadata": {"a": 1}, "stream": true, "n": 1, '], ids=len)
def test_a_key_that_stands_twice_is_refused_as_an_upstream_may_heed_the_value_that_is_hidden(
    first: dict[str, Any], filler: str, is_spelt_out: bool, beside: str
) -> None:
    last = {"tools": [], "cache_control": None, "max_tokens": 9, "messages": HI}
    hidden = json.dumps(first)[1:-1]
    if is_spelt_out:
        hidden = hidden.replace("_", "\\u005f").replace('"m', '"\\u006d')
    shown = json.dumps(last | {"user": filler}, separators=(",", ":"))[1:]

    source = OPENAI_CHAT.decode_request(f"{{{beside}{shown}".encode(), {}).source
    assert source.has_only_words
    assert source.measure is not None
    with pytest.raises(MalformedRequest) as refused:
        OPENAI_CHAT.decode_request(f"{{{beside}{hidden},{shown}".encode(), {})
    assert refused.value.path == next(iter(first))


@given(
    st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), min_size=1, max_size=6),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", " :\t")]),
    st.data(),
)
def test_whatever_the_keys_and_the_spaces_one_that_stands_twice_is_found(
    said: dict[str, Any], spaces: tuple[str, str], data: st.DataObject
) -> None:
    members = [json.dumps({key: value}, separators=spaces)[1:-1] for key, value in said.items()]
    again = data.draw(st.sampled_from(sorted(said)))
    value, is_ascii = data.draw(st.integers(0, 9)), data.draw(st.booleans())
    more = json.dumps({again: value}, separators=spaces, ensure_ascii=is_ascii)
    at = data.draw(st.integers(0, len(members)))
    twice = [*members[:at], more[1:-1], *members[at:]]

    JsonMembers(f"{{{spaces[0].join(members)}}}".encode()).refuse_repeated()
    with pytest.raises(MalformedRequest) as refused:
        JsonMembers(f"{{{spaces[0].join(twice)}}}".encode()).refuse_repeated()
    assert refused.value.path == again


@FILLERS
def test_words_that_stay_in_a_cache_are_still_only_words(filler: str) -> None:
    marked = {"role": "user", "content": [FOR_AN_HOUR, {"type": "text", "text": filler}]}
    words = source_of(OPENAI_CHAT, {"messages": [marked]})
    shown = source_of(OPENAI_CHAT, {"messages": [marked, {"role": "user", "content": [PICTURE]}]})

    assert words.has_only_words
    assert not shown.has_only_words
    assert words.measure is shown.measure is None


@FILLERS
def test_a_limit_counts_however_its_name_is_spelt(filler: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": filler}], "max_tokens": 700})
    spelt = body.replace("max_tokens", "max_t\\u006fkens").encode()

    assert OPENAI_CHAT.decode_request(spelt, {}).source.measure == Measure(len(spelt), 700)


@FILLERS
@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (OPENAI_CHAT, b'{"messages":[{"role":"user","content":"%b"}]}'),
        (OPENAI_RESPONSES, b'{"input":[{"role":"user","content":"%b"}]}'),
        (OPENAI_RESPONSES, b'{"input":"%b"}'),
    ],
    ids=named,
)
def test_what_is_no_text_is_not_taken_for_words(dialect: Dialect, body: bytes, filler: str) -> None:
    said = filler.encode() or b"hi"

    assert dialect.decode_request(body % said, {}).source.measure is not None
    for bad in (b"\xff", b"\xed\xa0\x80"):
        source = dialect.decode_request(body % (said + bad), {}).source
        assert source.measure is None
        assert not source.has_only_words


PARTS = st.sampled_from(
    [
        {"type": "text", "text": "x"},
        {"type": "input_text", "text": "x"},
        MARKED,
        FOR_AN_HOUR,
        PICTURE,
        {"type": "tool_result", "tool_use_id": "a", "content": [PICTURE]},
        {"type": "tool_result", "tool_use_id": "a", "content": [FOR_AN_HOUR]},
        {"type": "input_image", "image_url": "http://127.0.0.1/a.png"},
        {"type": "novelty"},
    ]
)
CONTENTS = st.just("hi") | st.lists(PARTS, max_size=3)
LIMITS = st.sampled_from([None, -1, 0, 1, 700, 10**9, 10**30])
TOOLS = st.sampled_from(
    [
        {"type": "function", "function": {"name": "f"}, "name": "f"},
        {"name": "f", "input_schema": {}},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "web_search_preview"},
        {"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral"}},
    ]
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.lists(TOOLS, max_size=2) | st.none(),
        "service_tier": st.sampled_from(["auto", "flex", "priority", None]),
        "cache_control": st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, None]),
        "prediction": st.just({}),
        "max_completion_tokens": LIMITS,
    },
)


@given(
    dialect=st.sampled_from([OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES]),
    contents=st.lists(CONTENTS, min_size=1, max_size=3),
    limit=LIMITS,
    more=MORE,
)
def test_a_measure_says_no_less_than_a_close_look(
    dialect: Dialect, contents: list[Any], limit: int | None, more: dict[str, Any]
) -> None:
    said = [{"type": "message", "role": "user", "content": content} for content in contents]
    turns = "input" if dialect is OPENAI_RESPONSES else "messages"
    limit_name = "max_output_tokens" if dialect is OPENAI_RESPONSES else "max_tokens"
    try:
        source = source_of(dialect, {turns: said, limit_name: limit, **more})
    except MalformedRequest:
        reject()

    if source.measure is not None:
        assert source.has_only_words
        assert not source.is_open_ended
        assert not source.may_cache_for_an_hour
        assert source.measure == Measure(source.most_bytes or 0, source.output_limit)
