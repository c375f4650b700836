"""
Values: small things that are no more than what they are made of.

Theory of operation. A frozen dataclass writes every field through ``object.__setattr__``, so that making one
takes about three times as long as making one that is not frozen, and a request makes a hundred of them. The
type checker sees to it that nobody changes a value, which is where such a mistake is noticed anyhow; while
the gateway runs, nobody is stopped. What lives as long as the configuration, and would do harm for longer, is
a frozen dataclass.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, dataclass_transform, overload

Class = TypeVar("Class", bound=type)


@overload
def value(cls: Class, /) -> Class: ...
@overload
def value(*, kw_only: bool = False) -> Callable[[Class], Class]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type | None = None, /, *, kw_only: bool = False) -> object:
    """
    Makes a class of values: compared and hashed by their fields, with slots, not to be changed once made.

    >>> @value
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1) == Point(1, 0), len({Point(1), Point(1, 0)})
    (True, 1)
    """
    if cls is None:
        return partial(value, kw_only=kw_only)
    return dataclass(slots=True, kw_only=kw_only, unsafe_hash="__hash__" not in vars(cls))(cls)
