"""What real clients and servers said in this dialect, as recorded."""

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[3] / "transcripts" / "openai_responses"

NUMBERED = ["codex-call", "codex-gpt5-tool-result", "vllm-call", "vllm-text"]
"""Complete streams whose events say which item they belong to."""

UNNUMBERED = ["llama-call", "llama-text"]
"""llama.cpp's streams, whose events do not."""


def recorded(case: str, name: str) -> bytes:
    return (_ROOT / case / name).read_bytes()


def recorded_json(case: str, name: str) -> Any:
    return json.loads(recorded(case, name))


def cases(name: str) -> list[str]:
    return sorted(path.parent.name for path in _ROOT.glob(f"*/{name}"))
