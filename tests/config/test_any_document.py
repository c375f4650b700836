"""No document, however odd, makes the loader fail in another way than by saying what is wrong."""

import json

import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.load import load_text
from config.outline import sections
from config.problems import ConfigError, Problem
from config.translate import routing_table

KEYS = sorted({key for section in sections().values() for key in section.model_fields})
WORDS = [
    "a",
    "b",
    "default",
    "auto",
    "openai_compat",
    "anthropic",
    "http://a/v1",
    "${A}",
    "(",
    "",
    "strip_thinking",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
)
keys = st.sampled_from(KEYS) | st.sampled_from(WORDS)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=30,
)


def entries(section: str) -> st.SearchStrategy[object]:
    """A section with its own keys, each with a value that may or may not fit."""
    return st.dictionaries(
        st.sampled_from(sorted(sections()[section].model_fields)), documents | scalars, max_size=8
    )


near_misses = st.fixed_dictionaries(
    {
        "providers": st.lists(entries("providers[]"), max_size=3) | documents,
        "profiles": st.lists(entries("profiles[]"), max_size=3) | documents,
    },
    optional={
        "auto_router": entries("auto_router") | documents,
        "models": st.dictionaries(keys, documents, max_size=3) | documents,
        "server": entries("server") | documents,
        "default_profile": scalars,
        "mode_aliases": st.dictionaries(keys, scalars, max_size=3) | documents,
        "display_timezone": scalars,
    },
)


def loads_or_explains(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        routing_table(load_text(text, environment={}))
    except ConfigError as error:
        problems = error.problems
    assert all(problem.message and str(problem) for problem in problems)


@given(documents)
def test_any_document_loads_or_is_explained(document: object) -> None:
    loads_or_explains(yaml.safe_dump(document, allow_unicode=True))


@given(near_misses)
def test_a_document_that_is_nearly_right_loads_or_is_explained(document: object) -> None:
    loads_or_explains(yaml.safe_dump(document, allow_unicode=True))


@given(near_misses)
def test_json_is_yaml(document: object) -> None:
    loads_or_explains(json.dumps(document, allow_nan=False, default=str) if _is_finite(document) else "{}")


def _is_finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_finite(inner) for inner in value.values())
    if isinstance(value, list):
        return all(_is_finite(inner) for inner in value)
    return not isinstance(value, float) or value - value == 0


@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-&*!|>'\"%@`#?<\\ \t\nax0~.U", max_size=60))
def test_any_text_loads_or_is_explained(text: str) -> None:
    loads_or_explains(text)
