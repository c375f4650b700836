"""YAML is read with the places of its values, and its faults are told where they are."""

import pytest

from config.problems import ConfigError, Place
from config.source import MAX_VALUES, parse


def faults(text: str) -> list[str]:
    return [str(problem).splitlines()[0] for problem in parse(text, "f.yaml").problems]


def failure(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f.yaml")
    return str(caught.value.problems[0])


def test_a_key_and_an_entry_have_their_places() -> None:
    document = parse("a:\n  - b: 1\n    c: [x, y]\n", "f.yaml")
    assert document.place_of(("a",)) == Place(origin="f.yaml", line=1, column=1)
    assert document.place_of(("a", 0, "c")) == Place(origin="f.yaml", line=3, column=5)
    assert document.place_of(("a", 0, "c", 1)) == Place(origin="f.yaml", line=3, column=12)


def test_what_was_not_written_has_the_place_of_what_is_around_it() -> None:
    document = parse("x: 1\na:\n  b: 1\n", "f.yaml")
    assert document.place_of(("a", "missing")) == Place(origin="f.yaml", line=2, column=1)


def test_scalars_mean_what_yaml_says_and_dates_stay_text() -> None:
    text = "{a: yes, b: 'yes', c: 010, d: 1.5, e: ~, f: 2026-11-23, g: !!str 5, h: .inf}"
    data = parse(text, "f.yaml").data
    assert data == {
        "a": True,
        "b": "yes",
        "c": 8,
        "d": 1.5,
        "e": None,
        "f": "2026-11-23",
        "g": "5",
        "h": float("inf"),
    }


def test_the_earlier_of_two_merged_mappings_wins_and_own_keys_beat_both() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n"
    document = parse(text, "f.yaml")
    assert document.data == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"x": 3, "y": 1, "z": 2},
    }
    assert document.place_of(("c", "z")) == Place(origin="f.yaml", line=2, column=14)


@pytest.mark.parametrize("decimals", ["25", "08", "5"])
def test_a_decimal_comma_is_told_as_such(decimals: str) -> None:
    (problem,) = parse(f"budget: {{daily_usd: 0,{decimals}, mode: hard}}", "f.yaml").problems

    assert problem.hint == "the decimals of a number take a point, not a comma"
    assert str(problem.place) == "f.yaml:1:23"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: a: duplicate key; it is already on line 1"),
        (
            "a: !!python/name:os.system x\n",
            "f.yaml:1:4: a: the YAML tag !!python/name:os.system means nothing here",
        ),
        ("a: !secret x\n", "f.yaml:1:4: a: the YAML tag !secret means nothing here"),
        ("a: !!set {x: }\n", "f.yaml:1:4: a: the YAML tag !!set means nothing here"),
        ("a: !!int abc\n", "f.yaml:1:4: a: not of the YAML type int"),
        ("1: x\n", "f.yaml:1:1: the key 1 is not text"),
        ("on: x\n", "f.yaml:1:1: the key on is not text"),
        ("? [a]\n: x\n", "f.yaml:1:3: the key is not text"),
        ("a: &a [*a]\n", "f.yaml:1:4: a[0]: an alias that contains itself"),
        ("a: &a\n  <<: *a\n", "f.yaml:1:4: a: an alias that contains itself"),
        ("<<: 3\n", "f.yaml:1:5: only mappings can be merged with <<"),
    ],
)
def test_a_fault_leaves_the_rest_readable(text: str, said: str) -> None:
    assert faults(text) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\n", "f.yaml:2:1: not valid YAML"),
        ("a: b: c\n", "f.yaml:1:5: not valid YAML"),
        ("a: *nowhere\n", "f.yaml:1:4: not valid YAML"),
        ("\ta: 1\n", "f.yaml:1:1: not valid YAML"),
        ("a: 1\nb: \x00\n", "f.yaml:2: a control character"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: not valid YAML"),
        ('a: "\\UFFFFFFFF"\n', "f.yaml: not valid YAML"),
        ("[" * 600, "f.yaml: nested too deeply"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place(text: str, said: str) -> None:
    assert failure(text).startswith(said)


def test_aliases_of_aliases_cannot_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert f"more than {MAX_VALUES} values" in failure("\n".join(lines))


def test_merges_of_merges_cannot_take_for_ever() -> None:
    lines = ["a0: &a0 {}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12))]
    assert f"more than {MAX_VALUES} values" in failure("\n".join(lines))


def test_aliases_of_aliases_cannot_nest_without_end() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 1000))]
    assert "nested too deeply" in failure("\n".join(lines))


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert parse("", "f.yaml").data == {}
    assert parse("# only a comment\n", "f.yaml").data == {}
