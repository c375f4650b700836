"""Keys are made, replaced and revoked; their secrets are shown once."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

import pytest

from app.use_cases.key_terms import UnclearTerms
from app.use_cases.manage_keys import ManageKeys, UnknownKey, UnknownMember, UnknownPlace, Wanted
from domain.access.keys import Caller, Key, KeyFault, KeyRing, Refused, Scope, UnreadableKey
from domain.access.permissions import EVERYTHING, Permissions
from domain.admission.limits import Limits
from domain.budget.accounts import Budget, BudgetMode
from domain.budget.money import NanoUsd, from_usd
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.key_stores import HeldKeys
from tests.key_secrets import secret_of


class Office:
    """Somebody who manages keys, and a look at what they open."""

    def __init__(self, members: Mapping[str, Permissions] | None = None) -> None:
        self.clock, self.store = FixedClock(), HeldKeys()
        numbers = count(1)
        self.manage = ManageKeys(
            self.store,
            self.clock,
            members or {},
            profiles=("coding",),
            providers=("cloud",),
            fresh_id=lambda: f"key{next(numbers)}",
            fresh_secret=lambda: f"{next(numbers)}".rjust(43, "s"),
        )

    async def opens(self, token: str) -> Caller | KeyFault:
        entry = KeyRing(await self.store.keys(), {}).entry(token, Scope.INFERENCE, self.clock.time())
        return entry.fault if isinstance(entry, Refused) else entry


async def test_a_new_key_opens_what_was_wanted_and_its_secret_is_not_kept() -> None:
    office = Office()
    narrowing = Permissions(profiles=frozenset({"coding"}), paid=False)

    made = await office.manage.create(Wanted(member="alice", narrowing=narrowing))

    caller = await office.opens(made.token)
    assert caller == Caller(
        member="alice", key_id=made.key.id, key_account=made.key.id, permissions=narrowing
    )
    assert secret_of(made.token) not in repr(await office.store.keys())


async def test_a_key_ends_when_its_time_is_over() -> None:
    office = Office()
    made = await office.manage.create(Wanted(member="alice", lasts_s=60))

    office.clock.advance(59)
    assert isinstance(await office.opens(made.token), Caller)
    office.clock.advance(1)
    assert await office.opens(made.token) is KeyFault.EXPIRED


async def test_a_revoked_key_opens_nothing_and_revoking_twice_changes_nothing() -> None:
    office = Office()
    made = await office.manage.create(Wanted(member="alice"))

    first = await office.manage.revoke(made.key.id)
    office.clock.advance(10)

    assert await office.opens(made.token) is KeyFault.REVOKED
    assert await office.manage.revoke(made.key.id) == first


async def test_a_key_that_is_replaced_ends_at_once_or_after_a_while() -> None:
    office = Office()
    one = await office.manage.create(Wanted(member="alice"))

    two = await office.manage.rotate(one.key.id)
    three = await office.manage.rotate(two.key.id, grace_s=3600)

    assert await office.opens(one.token) is KeyFault.REVOKED
    assert isinstance(await office.opens(two.token), Caller)
    assert isinstance(await office.opens(three.token), Caller)
    office.clock.advance(3600)
    assert await office.opens(two.token) is KeyFault.EXPIRED
    assert isinstance(await office.opens(three.token), Caller)


async def test_a_replacement_may_do_what_its_predecessor_might_for_as_long() -> None:
    office = Office()
    wanted = Wanted(
        member="alice",
        scopes=frozenset({Scope.METRICS, Scope.INFERENCE}),
        narrowing=Permissions(lan_only=True),
        lasts_s=100,
    )
    one = await office.manage.create(wanted)
    office.clock.advance(40)

    two = await office.manage.rotate(one.key.id)

    assert (two.key.member, two.key.scopes, two.key.narrowing) == (
        one.key.member,
        one.key.scopes,
        one.key.narrowing,
    )
    assert two.key.expires_at == one.key.expires_at


async def test_a_replacement_has_no_more_to_spend_than_its_predecessors_had_left() -> None:
    office = Office()
    budget, limits = Budget(monthly=NanoUsd(5), mode=BudgetMode.HARD), Limits(concurrent=2)
    one = await office.manage.create(Wanted(member="alice", budget=budget, limits=limits))

    two = await office.manage.rotate(one.key.id)
    three = await office.manage.rotate(two.key.id)

    assert (three.key.budget, three.key.limits, three.key.account) == (budget, limits, one.key.id)


@pytest.mark.parametrize(
    ("narrowing", "words"),
    [
        (Permissions(profiles=frozenset({"codign"})), "no profile is called 'codign'; there are: coding"),
        (Permissions(providers=frozenset({"clod"})), "no provider is called 'clod'; there are: cloud"),
    ],
)
async def test_a_key_for_what_is_not_there_is_not_made(narrowing: Permissions, words: str) -> None:
    office = Office()

    with pytest.raises(UnknownPlace, match=words):
        await office.manage.create(Wanted(member="alice", narrowing=narrowing))

    assert await office.store.keys() == ()


async def test_a_key_is_replaced_whatever_was_taken_out_of_the_configuration() -> None:
    office = Office({"alice": EVERYTHING})
    narrowed = Permissions(profiles=frozenset({"gone"}))
    await office.store.put(
        Key(id="old1", member="left", digest="", scopes=frozenset({Scope.INFERENCE}), narrowing=narrowed)
    )

    made = await office.manage.rotate("old1")

    assert (made.key.member, made.key.narrowing, made.key.account) == ("left", narrowed, "old1")


async def test_a_key_that_has_ended_is_not_brought_back() -> None:
    office = Office()
    made = await office.manage.create(Wanted(member="alice", lasts_s=1))
    office.clock.advance(1)

    with pytest.raises(UnknownKey, match="has ended"):
        await office.manage.rotate(made.key.id)


async def test_only_the_newest_of_a_line_of_keys_is_replaced() -> None:
    office = Office()
    old = await office.manage.create(Wanted(member="alice"))
    office.clock.advance(1)
    new = await office.manage.rotate(old.key.id, grace_s=60)

    with pytest.raises(UnknownKey, match=f"replaced by '{new.key.id}'"):
        await office.manage.rotate(old.key.id)
    office.clock.advance(1)
    newer = await office.manage.rotate(new.key.id)

    assert newer.key.expires_at is None
    assert isinstance(await office.opens(newer.token), Caller)


async def test_a_whole_key_stands_for_its_id_and_is_never_repeated() -> None:
    office = Office()
    made = await office.manage.create(Wanted(member="alice"))
    secret = secret_of(made.token)

    with pytest.raises(UnknownKey) as unknown:
        await office.manage.revoke(f"cr_other_{secret}")
    revoked = await office.manage.revoke(made.token)

    assert secret not in str(unknown.value)
    assert "'other'" in str(unknown.value)
    assert revoked.id == made.key.id


async def test_a_key_that_spends_nothing_gets_no_budget() -> None:
    office = Office()
    admin = frozenset({Scope.ADMIN})

    with pytest.raises(UnclearTerms, match="spends nothing"):
        await office.manage.create(Wanted(member="me", scopes=admin, budget=Budget(monthly=from_usd(3.0))))
    with pytest.raises(UnclearTerms):
        await office.manage.create(Wanted(member="me", scopes=admin, limits=Limits(concurrent=1)))


async def test_an_unknown_key_is_told_with_those_there_are_and_whose_they_are() -> None:
    office = Office()
    made = await office.manage.create(Wanted(member="alice"))

    with pytest.raises(UnknownKey, match=f"there are: {made.key.id} of alice$"):
        await office.manage.revoke("alice")


async def test_where_members_are_declared_nobody_else_gets_a_key() -> None:
    office = Office({"alice": EVERYTHING})

    with pytest.raises(UnknownMember, match="declared are: alice"):
        await office.manage.create(Wanted(member="alise"))
    assert await office.store.keys() == ()
    await office.manage.create(Wanted(member="root", scopes=frozenset({Scope.ADMIN})))


async def test_a_key_that_cannot_be_read_can_be_revoked_and_not_replaced() -> None:
    office = Office()
    made = await office.manage.create(Wanted(member="alice"))
    await office.store.put(UnreadableKey(replace(made.key, scopes=frozenset()), reason="it is garbled"))

    with pytest.raises(UnknownKey, match="cannot be understood: it is garbled"):
        await office.manage.rotate(made.key.id)
    revoked = await office.manage.revoke(made.key.id)

    assert revoked.member == "alice"
    assert await office.opens(made.token) is KeyFault.REVOKED


async def test_a_key_that_cannot_be_read_keeps_no_other_from_being_replaced() -> None:
    office = Office()
    one = await office.manage.create(Wanted(member="alice"))
    other = await office.manage.create(Wanted(member="bob"))
    await office.store.put(UnreadableKey(other.key, reason="it is garbled"))

    two = await office.manage.rotate(one.key.id)

    assert isinstance(await office.opens(two.token), Caller)
    assert [key.id for key in await office.manage.keys()] == [one.key.id, other.key.id, two.key.id]
