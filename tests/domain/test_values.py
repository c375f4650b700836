"""Values are compared, hashed and read like frozen dataclasses, and cost less."""

from dataclasses import dataclass, replace
from timeit import repeat

import pytest

from domain.values import value


@value(kw_only=True)
class Event:
    """As events are."""

    request_id: str
    provider: str
    model: str
    tokens: int = 0
    stream: bool = False


@value
class Delta:
    """As pieces of an answer are."""

    text: str
    choice: int = 0


@value
class WeighedDelta(Delta):
    """As a piece that knows more."""

    weight: float = 1.0


@value
class Named:
    """A value that counts as another of its name."""

    name: str
    note: str = ""

    def __hash__(self) -> int:
        return hash(self.name)


def test_values_are_equal_and_hash_alike_when_their_fields_are() -> None:
    assert Delta("a") == Delta("a", 0)
    assert {Delta("a"), Delta("a"), Delta("b")} == {Delta("a"), Delta("b")}
    assert Delta("a") != WeighedDelta("a")


def test_a_copy_with_other_fields_leaves_the_value_as_it_was() -> None:
    delta = Delta("a")

    assert replace(delta, text="b") == Delta("b")
    assert delta == Delta("a")


def test_a_value_has_no_room_for_what_is_no_field() -> None:
    with pytest.raises(AttributeError):
        Delta("a").__setattr__("color", "red")


def test_a_hash_of_its_own_is_kept() -> None:
    assert hash(Named("a", "one")) == hash(Named("a", "other"))


def test_a_value_is_made_faster_than_a_frozen_dataclass() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        request_id: str
        provider: str
        model: str
        tokens: int
        stream: bool

    made = {"request_id": "r", "provider": "p", "model": "m", "tokens": 1, "stream": True}

    quick = min(repeat(lambda: Event(**made), number=5_000, repeat=5))  # type: ignore[arg-type]
    slow = min(repeat(lambda: Frozen(**made), number=5_000, repeat=5))  # type: ignore[arg-type]

    assert quick < slow
