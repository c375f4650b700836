"""`.env` files mean the same to us as to the person who wrote them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.discoverable import CLOUDS
from config.env_file import apply, parse
from config.problems import ConfigError, Problem
from config.settings import read_settings


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("A =b", "b"),
        ("A= b ", "b"),
        ("  A=b", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("A=b=c", "b=c"),
        ("A=b c", "b c"),
        ("A=b #c", "b"),
        ("A=b\t# c", "b"),
        ("A=b#c", "b#c"),
        ("A= # nothing", ""),
        ("A=#b", "#b"),
        ("A=$HOME", "$HOME"),
        (r"A=a\nb", r"a\nb"),
        ('A="b"', "b"),
        ('A="b # c" # d', "b # c"),
        ('A=""', ""),
        (r'A="a\nb\tc\rd"', "a\nb\tc\rd"),
        (r'A="\"\\\$\`"', '"\\$`'),
        (r'A="\q\x"', r"\q\x"),
        ('A="it\'s"', "it's"),
        ("A='b'", "b"),
        (r"A='a\n\"$x'", r"a\n\"$x"),
        ("A='b' # c", "b"),
        ("A=b\r", "b"),
    ],
)
def test_a_line_gives_its_value(line: str, value: str) -> None:
    assert parse(line, ".env") == {"A": value}


def test_blank_and_comment_lines_say_nothing_and_the_last_assignment_counts() -> None:
    assert parse("\n# A=0\n   \nA=1\n  # x\nA=2\n", ".env") == {"A": "2"}


def test_a_variable_may_be_called_export() -> None:
    assert parse("export=1", ".env") == {"export": "1"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A", "found no ="),
        ("1A=x", "the name before ="),
        ("A-B=x", "the name before ="),
        ("=x", "the name before ="),
        ("export =x", "the name before ="),
        ('A="x', "double quote is not closed"),
        ('A="x\\"', "double quote is not closed"),
        ("A='x", "single quote is not closed"),
        ('A="x" y', "after the closing quote|follow the closing quote"),
        ("A='x'y", "follow the closing quote"),
        ("A=a\0b", "NUL"),
    ],
)
def test_a_faulty_line_is_told_with_path_and_line_and_without_its_value(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"# first\nOK=1\n{line}\n", "conf/.env")
    (problem,) = caught.value.problems
    assert str(problem.place) == "conf/.env:3"
    assert re.search(said, problem.message)


def test_all_faulty_lines_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("A\nB=1\n2=3\n", ".env")
    assert [problem.place.line for problem in caught.value.problems] == [1, 3]


def test_the_earliest_file_wins_and_what_is_set_stays(tmp_path: Path) -> None:
    first, second = tmp_path / "a.env", tmp_path / "b.env"
    first.write_text("A=1\nB=1\n", encoding="utf-8")
    second.write_text("B=2\nC=2\n", encoding="utf-8")
    environment = {"A": "0"}
    applied = apply([first, second], environment)
    assert environment == {"A": "0", "B": "1", "C": "2"}
    assert [one.names for one in applied] == [("B",), ("C",)]


def test_files_that_replace_let_the_latest_win(tmp_path: Path) -> None:
    first, second = tmp_path / "a.env", tmp_path / "b.env"
    first.write_text("A=1\nB=1\n", encoding="utf-8")
    second.write_text("B=2\n", encoding="utf-8")
    environment = {"A": "0"}
    apply([first, second], environment, replaces=True)
    assert environment == {"A": "1", "B": "2"}


def test_the_report_has_names_and_never_values(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("KEY_B=sk-canary\nKEY_A=sk-canary\n", encoding="utf-8")
    (applied,) = apply([path], {})
    assert str(applied) == f"{path}: 2 variables applied: KEY_A, KEY_B"
    (again,) = apply([path], {"KEY_A": "", "KEY_B": ""})
    assert str(again) == f"{path}: 0 variables applied"


def test_a_fault_in_any_file_changes_nothing_and_all_faults_are_told(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.env", tmp_path / "bad.env"
    good.write_text("A=1\n", encoding="utf-8")
    bad.write_text("nonsense\n", encoding="utf-8")
    environment: dict[str, str] = {}
    with pytest.raises(ConfigError) as caught:
        apply([good, bad, tmp_path / "missing.env"], environment)
    assert environment == {}
    assert [problem.place.origin for problem in caught.value.problems] == [
        str(bad),
        str(tmp_path / "missing.env"),
    ]


def double_quoted(value: str) -> str:
    escapes = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\", "$": r"\$", "`": r"\`"}
    return '"' + "".join(escapes.get(character, character) for character in value) + '"'


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(names, values))
def test_any_value_survives_in_double_quotes(variables: dict[str, str]) -> None:
    text = "".join(f"export {name}={double_quoted(value)} # note\n" for name, value in variables.items())
    assert parse(text, ".env") == variables


@given(st.text())
def test_any_text_is_read_or_refused_with_lines(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        parse(text, ".env")
    except ConfigError as error:
        problems = error.problems
    assert all(problem.place.line for problem in problems)


def test_the_example_is_of_the_grammar_and_names_what_exists() -> None:
    text = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    variables = parse(text, ".env.example")
    known = {name for cloud in CLOUDS for name in cloud.key_names}
    assert set(variables) - {"ALLOW_PAID"} <= known
    commented = parse(re.sub(r"^# (?=[A-Z_]+=)", "", text, flags=re.MULTILINE), ".env.example")
    settings = read_settings(commented)
    assert settings.config_path is not None
    assert {override.path for override in settings.overrides} == {
        ("server", "host"),
        ("server", "port"),
        ("default_profile",),
    }
