"""What every section of the file has in common."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Strict

Entry = TypeVar("Entry")


class Section(BaseModel):
    """
    A mapping of the file: immutable, with no unknown keys and no guessing.

    Types are strict: `1` is fine for a number with a fraction, `"1"` and `"yes"` are not numbers or booleans.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


# A YAML list becomes a tuple; its entries stay strict.
Entries = Annotated[tuple[Entry, ...], Strict(strict=False)]


class Unfit(ValueError):
    """
    A value that its field cannot take.

    The message says what is expected and never repeats the value, which may be a secret.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
