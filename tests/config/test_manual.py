"""The reference of the configuration is what the schema says today."""

import json
import re
from pathlib import Path

import pytest

from config.load import load_text
from config.manual import PAGE, SCHEMA, json_schema, page
from config.outline import sections
from config.settings import read_settings

ROOT = Path(__file__).parents[2]
REMEDY = "run `python -m config.manual` and commit what it writes"


def test_the_page_is_fresh() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), REMEDY


def test_the_json_schema_is_fresh() -> None:
    assert (ROOT / SCHEMA).read_text(encoding="utf-8") == json_schema(), REMEDY


@pytest.mark.parametrize("pattern", sections())
def test_every_key_has_a_description_and_a_row(pattern: str) -> None:
    for name, field in sections()[pattern].model_fields.items():
        assert field.description
        assert f"| `{name}` | " in page()


def test_the_example_on_the_page_loads() -> None:
    examples = re.findall(r"```yaml\n(providers:.*?)```", page(), flags=re.DOTALL)
    assert examples
    for example in examples:
        load_text(example)


def test_every_variable_on_the_page_is_one_that_is_read() -> None:
    named = set(re.findall(r"`CODEROUTER_([A-Z_]+)`", page()))
    for name in named:
        value = {"LOG_LEVEL": "debug", "LOG_FORMAT": "json"}.get(name, "something")
        assert read_settings({f"CODEROUTER_{name}": value}) != read_settings({})


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    schema = json.loads(json_schema())
    objects = [schema, *schema["$defs"].values()]
    assert all(each["additionalProperties"] is False for each in objects if "properties" in each)
