"""Whatever a model writes: nothing is lost, nothing raises, the work grows with the text and no faster."""

import time
from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.repair.cases import CORPUS, Case, calls, expected, prose, told

MEGABYTE = 1_000_000
LONGEST_S = 15.0
"""For a megabyte that takes about a second, and three where it is 25,000 calls, on an idle machine."""

CASES = [case for case in (*calls(), *prose()) if not case.missed]

SHARDS = st.sampled_from(
    [
        *(
            "<tool_call>",
            "</tool_call>",
            "<function=",
            "get_weather",
            ">",
            "</function>",
            "<parameter=",
            "city",
        ),
        *("</parameter>", "<invoke name=", '"', "'", "</invoke>", "<arg_key>", "</arg_key>", "<arg_value>"),
        *("</arg_value>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "{", "}", "[", "]", ":", ",", "\\"),
        *('"name"', '"arguments"', '{"name": "now", "arguments": {}}', "```", "```json\n", "`", "~~~", "\n"),
        *(
            "\r\n",
            " ",
            "    ",
            "For example:\n",
            "I will check.\n",
            "<name>",
            "</name>",
            "true",
            "1",
            "é",
            "工具",
        ),
        *("<|tool_calls_section_begin|>", "<|tool_call_begin|>", "functions.now:0", "<｜tool▁call▁begin｜>"),
    ]
)
ODD_TEXT = st.lists(SHARDS | st.text(max_size=5), max_size=30).map("".join)


def case_of(text: str) -> Case:
    return Case("any", text, (), text)


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@given(ODD_TEXT)
def test_an_answer_in_which_no_call_was_found_is_what_the_model_wrote(text: str) -> None:
    result = told(case_of(text), [text])

    if not result.calls:
        assert result == expected(case_of(text))


@given(ODD_TEXT)
def test_only_offered_tools_are_called_and_always_with_an_object(text: str) -> None:
    result = told(case_of(text), [text])

    assert {name for name, _ in result.calls} <= {"now", "get_weather"}
    assert all(isinstance(arguments, dict) for _, arguments in result.calls)


@given(ODD_TEXT, st.lists(st.integers(min_value=0), max_size=8))
def test_odd_text_comes_out_the_same_in_whatever_pieces_it_comes(text: str, cuts: list[int]) -> None:
    assert told(case_of(text), pieces_of(text, cuts)) == told(case_of(text), [text])


@given(st.sampled_from(CASES), st.lists(st.integers(min_value=0), max_size=12))
def test_every_case_of_the_corpus_comes_out_right_in_whatever_pieces_it_comes(
    case: Case, cuts: list[int]
) -> None:
    assert told(case, pieces_of(case.text, cuts)) == expected(case)


@given(st.sampled_from(CASES), st.integers(min_value=0))
def test_an_answer_cut_off_anywhere_loses_no_words(case: Case, cut: int) -> None:
    text = case.text[: cut % (len(case.text) + 1)]
    result = told(Case("cut", text, (), text, case.json_wanted), [text])

    if not result.calls:
        assert result.text == text


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        *(
            "{",
            "[",
            '{"',
            '{"name": ',
            "[{",
            "<",
            "<tool_call>",
            "<tool_call>\n",
            "\n<tool_call>",
            "`",
            "```\n",
        ),
        *(
            "\n```json\n{",
            '\n```json\n{"name": "now", ',
            "\n`",
            "~",
            "\n~~~\n",
            "<function=now>",
            "\n<function=now>",
        ),
        *(
            "\n<function=now>\n<parameter=a>\n",
            "</parameter>",
            '<tool_call>{"name": "now", "arguments": {"a": "',
        ),
        *(
            '\n<tool_call>{"name": "now", "arguments": {"a": "',
            "\n[TOOL_CALLS]",
            "\n[TOOL_CALLS][{",
            " ",
            "\n",
        ),
        *("\n<tool_call>now<arg_key>", "now", "\n<|python_tag|>{", '\\"', "'", "example ", "\n# <tool_call>"),
        *(
            '\n<tool_call>{"name": "now"}</tool_call> x',
            '<tool_call>{"name": "now"}</tool_call>\n',
            "a\n\n",
            "。",
        ),
    ],
)
@pytest.mark.parametrize("size", [64, MEGABYTE], ids=["in pieces", "at once"])
def test_a_megabyte_of_beginnings_takes_no_time_to_speak_of(unit: str, size: int) -> None:
    text = unit * (MEGABYTE // len(unit))
    began = time.process_time()

    result = told(case_of(text), [text[start : start + size] for start in range(0, len(text), size)])

    assert time.process_time() - began < LONGEST_S
    assert result.calls or result.text == text


def test_a_long_call_that_never_ends_is_let_go_in_time() -> None:
    text = '<tool_call>\n{"name": "write_file", "arguments": {"path": "a", "content": "' + "x" * 300_000
    case = case_of(text)

    assert told(case, pieces_of(text, list(range(0, len(text), 1000)))).text == text


def test_a_long_file_is_written_by_one_call() -> None:
    content = "line\\n" * 30_000
    arguments = f'{{"path": "a", "content": "{content}"}}'
    text = f'<tool_call>\n{{"name": "write_file", "arguments": {arguments}}}\n</tool_call>'
    pieces = pieces_of(text, list(range(0, len(text), 100)))

    assert told(case_of(text), pieces).calls == (("write_file", {"path": "a", "content": "line\n" * 30_000}),)


def test_every_excerpt_names_its_source() -> None:
    entries = yaml.safe_load((CORPUS / "quoted" / "documentation.yaml").read_text("utf-8"))

    assert all(entry["source"] for entry in entries)
