"""Who may be tried at all: decisions without side effects, one after the other."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.routing.targets import RoutingTable, Target


class BarReason(StrEnum):
    """Why a target may not be tried for this request."""

    PAID = "paid"
    MISSING_CREDENTIAL = "missing-credential"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The target may be tried."""

    target: Target


@dataclass(frozen=True, slots=True)
class Barred:
    """The target may not be tried; the first gate that refuses says why."""

    target: Target
    reason: BarReason


Admission: TypeAlias = Admitted | Barred


def admit(table: RoutingTable, target: Target, *, without_credential: Collection[str]) -> Admission:
    """
    Whether the target may be tried.

    Args:
        table: the configuration.
        target: who is asked about.
        without_credential: providers whose configuration names a key that is not there.
    """
    if table.providers[target.provider].paid and not table.allow_paid:
        return Barred(target, BarReason.PAID)
    if target.provider in without_credential:
        return Barred(target, BarReason.MISSING_CREDENTIAL)
    return Admitted(target)
