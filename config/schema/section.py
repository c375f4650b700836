"""What every section of the file has in common."""

from typing import Any, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

Entry = TypeVar("Entry")


class Section(BaseModel):
    """
    A mapping of the file: immutable, with no unknown keys and no guessing.

    A number or a boolean may stand in quotes, as version 1 had it: `"30"` and `"yes"` say what they are. What
    could mean two things is refused: `true` is no number, and a number no text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: object, field: ValidationInfo) -> object:
        if isinstance(value, bool) and field.field_name is not None:
            taken = _types_in(cls.model_fields[field.field_name].annotation)
            if bool not in taken and taken & {int, float}:
                raise PydanticKnownError("int_type" if int in taken else "float_type")
        return value


def _types_in(annotation: Any) -> set[Any]:
    """The type itself, or those of a union, without what is annotated about them."""
    inner = get_args(annotation)
    return set().union(*map(_types_in, inner)) if inner else {annotation}


# A YAML list becomes a tuple.
Entries: TypeAlias = tuple[Entry, ...]


class Unfit(ValueError):
    """
    A value that its field cannot take.

    The message says what is expected and never repeats the value, which may be a secret.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
