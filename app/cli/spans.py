"""Reads spans of time as people write them."""

import re
from typing import Any

import click

_SPAN = re.compile(r"(?P<count>\d{1,6})(?P<unit>[smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class Span(click.ParamType[float]):
    """A whole number and a unit, such as ``90d``; becomes seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        match = _SPAN.fullmatch(str(value).strip().lower())
        if match is None:
            self.fail(f"{value!r} is no span of time; write such as 12h, 30d or 1w", param, ctx)
        return float(int(match["count"]) * _SECONDS[match["unit"]])
