"""What a dialect says that the neutral model has no word for, kept for the dialect that said it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Never, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Any JSON value, read-only."""

Extensions: TypeAlias = Mapping[str, Mapping[str, Json]]
"""Dialect name -> field name -> value. The same dialect writes it back; another drops it."""


class Nothing(Mapping[str, Never]):
    """The empty mapping; unlike a dict it can be the default of a frozen value."""

    def __getitem__(self, key: str) -> Never:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return hash(())

    def __repr__(self) -> str:
        return "{}"


NO_EXTENSIONS: Extensions = Nothing()
