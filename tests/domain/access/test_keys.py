"""Who shows a key, and what it opens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.keys import (
    Caller,
    Key,
    KeyFault,
    KeyRing,
    Refused,
    Scope,
    StoredKey,
    UnreadableKey,
    digest_of,
    token_of,
)
from domain.access.permissions import Permissions

SECRET = "s" * 43
NOW = 1_800_000_000.0
INFERENCE = frozenset({Scope.INFERENCE})


def key(key_id: str = "ab12", member: str = "alice", secret: str = SECRET) -> Key:
    return Key(id=key_id, member=member, digest=digest_of(key_id, secret), scopes=INFERENCE)


def ring(*keys: StoredKey, **members: Permissions) -> KeyRing:
    return KeyRing(keys, members)


TOKEN = token_of("ab12", SECRET)


def test_a_good_key_names_its_member() -> None:
    assert ring(key()).entry(TOKEN, Scope.INFERENCE, NOW) == Caller(
        member="alice", key_id="ab12", key_account="ab12"
    )


def test_a_key_that_took_the_place_of_another_spends_on_its_account() -> None:
    entry = ring(replace(key(), root="first")).entry(TOKEN, Scope.INFERENCE, NOW)

    assert isinstance(entry, Caller)
    assert (entry.key_id, entry.key_account) == ("ab12", "first")


@pytest.mark.parametrize(
    ("token", "fault", "key_id"),
    [
        ("", KeyFault.MISSING, ""),
        ("sk-ant-something", KeyFault.MALFORMED, ""),
        ("cr_ab12_short", KeyFault.MALFORMED, ""),
        (f"{TOKEN}\n", KeyFault.MALFORMED, ""),
        (token_of("ab12", "x" * 43), KeyFault.UNKNOWN, "ab12"),
        (token_of("zz99", SECRET), KeyFault.UNKNOWN, "zz99"),
    ],
)
def test_what_is_no_key_of_ours_opens_nothing(token: str, fault: KeyFault, key_id: str) -> None:
    assert ring(key()).entry(token, Scope.INFERENCE, NOW) == Refused(fault, key_id)


def test_a_revoked_key_opens_nothing() -> None:
    revoked = replace(key(), revoked_at=NOW - 1)

    assert ring(revoked).entry(TOKEN, Scope.INFERENCE, NOW) == Refused(KeyFault.REVOKED, "ab12")


def test_a_key_opens_until_the_moment_it_expires() -> None:
    expiring = ring(replace(key(), expires_at=NOW))

    assert isinstance(expiring.entry(TOKEN, Scope.INFERENCE, NOW - 0.001), Caller)
    assert expiring.entry(TOKEN, Scope.INFERENCE, NOW) == Refused(KeyFault.EXPIRED, "ab12")


@pytest.mark.parametrize("held", Scope)
@pytest.mark.parametrize("wanted", Scope)
def test_no_scope_includes_another(held: Scope, wanted: Scope) -> None:
    entry = ring(replace(key(), scopes=frozenset({held}))).entry(TOKEN, wanted, NOW)

    assert isinstance(entry, Caller) == (held is wanted)


def test_nothing_is_told_of_a_key_whose_secret_is_wrong() -> None:
    revoked = replace(key(), revoked_at=NOW - 1)

    wrong = ring(revoked).entry(token_of("ab12", "x" * 43), Scope.ADMIN, NOW)

    assert wrong == Refused(KeyFault.UNKNOWN, "ab12")


def test_the_digest_of_one_key_is_worth_nothing_under_the_id_of_another() -> None:
    moved = replace(key("cd34"), digest=digest_of("ab12", SECRET))

    assert ring(moved).entry(token_of("cd34", SECRET), Scope.INFERENCE, NOW) == Refused(
        KeyFault.UNKNOWN, "cd34"
    )


def test_a_member_who_is_declared_no_more_is_let_in_no_more() -> None:
    others = ring(key(), bob=Permissions())

    assert others.entry(TOKEN, Scope.INFERENCE, NOW) == Refused(KeyFault.NO_MEMBER, "ab12")


def test_whoever_only_administers_need_not_be_a_member() -> None:
    admin = ring(replace(key(), scopes=frozenset({Scope.ADMIN})), bob=Permissions())

    assert isinstance(admin.entry(TOKEN, Scope.ADMIN, NOW), Caller)


def test_a_key_narrows_what_its_member_may_do() -> None:
    narrow = replace(key(), narrowing=Permissions(profiles=frozenset({"a", "c"}), paid=False))

    entry = ring(narrow, alice=Permissions(profiles=frozenset({"a", "b"}))).entry(TOKEN, Scope.INFERENCE, NOW)

    assert isinstance(entry, Caller)
    assert entry.permissions == Permissions(profiles=frozenset({"a"}), paid=False)


@given(st.text())
def test_any_text_is_answered(token: str) -> None:
    assert isinstance(ring(key()).entry(token, Scope.INFERENCE, NOW), Refused)


def test_neither_repr_shows_a_digest() -> None:
    assert key().digest not in repr(ring(key()))


@pytest.mark.parametrize(("key_id", "secret"), [("A!", SECRET), ("ab12", "short"), ("ab12", "s s" * 20)])
def test_a_token_that_could_not_be_read_again_is_not_made(key_id: str, secret: str) -> None:
    with pytest.raises(ValueError, match="the id has"):
        token_of(key_id, secret)


def test_a_key_that_nobody_can_read_opens_nothing_and_is_still_a_key() -> None:
    shut = UnreadableKey(replace(key(), scopes=frozenset(Scope)), reason="it is garbled")
    held = ring(shut, replace(key(), id="cd34", digest=digest_of("cd34", SECRET)))

    assert len(ring(shut)) == 1
    assert held.entry(TOKEN, Scope.INFERENCE, NOW) == Refused(KeyFault.UNREADABLE, "ab12")
    assert held.entry(token_of("ab12", "x" * 43), Scope.INFERENCE, NOW) == Refused(KeyFault.UNKNOWN, "ab12")
    assert isinstance(held.entry(token_of("cd34", SECRET), Scope.INFERENCE, NOW), Caller)


def test_a_key_of_the_configuration_takes_the_place_of_one_that_nobody_can_read() -> None:
    shut = UnreadableKey(key(), reason="it is garbled")

    assert isinstance(ring(shut, key()).entry(TOKEN, Scope.INFERENCE, NOW), Caller)
    assert ring(key(), shut).entry(TOKEN, Scope.INFERENCE, NOW) == Refused(KeyFault.UNREADABLE, "ab12")
