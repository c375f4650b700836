"""Tells how an adapter kept its promises, one line after the other."""

from collections.abc import Iterable
from dataclasses import dataclass

import click

from adapters.outbound.contract.promises import PROMISES, judge
from adapters.outbound.contract.verdicts import Broken, Kept, Promise, Unasked, Verdict
from app.cli.adapter_trials import Cast


@dataclass(slots=True)
class Tally:
    """How many promises came to what."""

    kept: int = 0
    broken: int = 0
    unasked: int = 0

    def __str__(self) -> str:
        return f"{self.kept} kept, {self.broken} broken, {self.unasked} not asked"

    def add(self, verdict: Verdict) -> None:
        match verdict:
            case Kept():
                self.kept += 1
            case Broken():
                self.broken += 1
            case Unasked():
                self.unasked += 1


async def told(promises: Iterable[Promise], cast: Cast, patience_s: float) -> Tally:
    """
    Judges each and tells of it at once; without what is secret, which the adapter's words may hold.

    Nothing more is asked of an adapter that does not even stand.
    """
    tally, redaction = Tally(), cast.redaction()
    for promise in promises:
        verdict = await judge(promise, cast.trial(patience_s))
        tally.add(verdict)
        click.echo(redaction.text(_line(promise, verdict)))
        if promise is PROMISES[0] and isinstance(verdict, Broken):
            break
    return tally


def _line(promise: Promise, verdict: Verdict) -> str:
    match verdict:
        case Kept():
            return f"  kept       {promise.name}"
        case Broken(seen):
            return f"  BROKEN     {promise.name}\n    promised: {promise.words}\n    seen: {seen}"
        case Unasked(reason):
            return f"  not asked  {promise.name}: {reason}"
