"""Finds the providers' keys where the configuration says they are."""

from collections.abc import Mapping
from pathlib import Path

from domain.routing.targets import SecretReference


class Secrets:
    """
    Reads keys from the environment and from files (container and systemd credentials).

    Args:
        environment: a snapshot of the process environment.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __repr__(self) -> str:
        return "<Secrets>"

    def read(self, reference: SecretReference | None) -> str | None:
        """The key, trimmed; ``None`` when it is not there, empty when none is named."""
        if reference is None:
            return ""
        if reference.file is not None:
            return _file(Path(reference.file).expanduser())
        return self._environment.get(reference.env or "", "").strip() or None


def _file(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
