"""What a dialect says that the neutral model has no word for, kept for the dialect that said it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
"""Any JSON value, read-only."""

Extensions: TypeAlias = Mapping[str, Mapping[str, Json]]
"""Dialect name -> field name -> value. The same dialect writes it back; another drops it."""

NO_EXTENSIONS: Extensions = MappingProxyType({})
