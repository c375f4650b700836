"""Reads systemd's unit files."""

import configparser
from pathlib import Path


def keys_of(unit: Path) -> configparser.ConfigParser:
    """Its sections and keys; of a key that is given several times, the last."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read_string(unit.read_text("utf-8"))
    return parser
