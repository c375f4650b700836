"""Members and keys of the file become who may do what."""

from pathlib import Path

import pytest

from config.load import load_text
from config.problems import ConfigError
from config.translate_access import hash_line, member_permissions, written_keys
from domain.access.keys import Key, Scope
from domain.access.permissions import EVERYTHING, Permissions
from domain.admission.limits import Limits
from domain.budget.accounts import Budget, BudgetMode
from domain.budget.money import from_usd

HOUSE = """\
providers: [{name: a, base_url: "http://localhost:1/v1", model: m}]
profiles: [{name: default, providers: [a]}]
members:
  alice: {}
  bob: {profiles: [default], providers: [a], paid: false, lan_only: true}
"""
DIGEST = "ab" * 32


def with_key(path: Path, more: str = "") -> str:
    return f'{HOUSE}auth:\n  keys:\n    - {{member: bob, hash_file: "{path}"{more}}}\n'


def test_what_is_not_said_of_a_member_is_not_forbidden() -> None:
    members = member_permissions(load_text(HOUSE))

    assert members["alice"] == EVERYTHING
    assert members["bob"] == Permissions(
        profiles=frozenset({"default"}), providers=frozenset({"a"}), paid=False, lan_only=True
    )


def test_a_key_is_read_from_its_hash_file(tmp_path: Path) -> None:
    path = tmp_path / "bob.hash"
    path.write_text(hash_line("k7f3", DIGEST), encoding="ascii")

    keys = written_keys(load_text(with_key(path, ", scopes: [metrics], paid: false")))

    assert keys == (
        Key(
            id="k7f3",
            member="bob",
            digest=DIGEST,
            scopes=frozenset({Scope.METRICS}),
            narrowing=Permissions(paid=False),
        ),
    )


def test_a_key_of_the_file_may_have_a_budget_and_limits_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "bob.hash"
    path.write_text(hash_line("k7f3", DIGEST), encoding="ascii")
    more = ", budget: {daily_usd: 0.5, mode: hard}, limits: {concurrent: 2}"

    (key,) = written_keys(load_text(with_key(path, more)))

    assert key.budget == Budget(daily=from_usd(0.5), mode=BudgetMode.HARD)
    assert key.limits == Limits(concurrent=2)


@pytest.mark.parametrize("content", [None, "", "one", "cr_k7f3_secret", "a b c", "k7f3 \xff", "k7f3 short"])
def test_what_is_no_hash_file_is_told_with_its_place(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bob.hash"
    if content is not None:
        path.write_text(content, encoding="latin-1")

    with pytest.raises(ConfigError) as caught:
        written_keys(load_text(with_key(path)))

    (problem,) = caught.value.problems
    assert problem.path == "auth.keys[0].hash_file"
    assert problem.place.origin == str(path)
    assert "--hash-file" in problem.hint
    assert "secret" not in str(problem)
