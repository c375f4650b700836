"""What servers were recorded to say in this dialect, and what they were asked."""

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[3] / "transcripts" / "openai_completions"


def recorded(pattern: str) -> pytest.MarkDecorator:
    paths = sorted(RECORDINGS.glob(pattern))
    return pytest.mark.parametrize(
        "data", [path.read_bytes() for path in paths], ids=[path.parent.name for path in paths]
    )
