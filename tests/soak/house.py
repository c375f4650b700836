"""The house that is soaked: sound providers, a busy one, a dear one, and one for each way of failing."""

import random
from collections.abc import Callable
from typing import Any

from tests.e2e.fault_table import FAULTS, Refusal
from tests.e2e.stage import KINDS, provider
from tests.upstream.behaviours import Answer, Behaviour, Usage
from tests.upstream.records import ReceivedRequest

SEATS = 2
"""How many the busy provider answers at once."""

FAULTY = tuple(name for name in FAULTS if name not in ("adapter-midst", "500-bad-json"))
"""Without the one whose 500 clients may read: so every 500 is the gateway's own."""
_DICE = random.Random(11)  # noqa: S311  lengths of answers
_LONG = Answer.text("word " * 4_000)
"""More than sockets hold, so that a slow reader is felt upstream."""


def models(house: str) -> list[str]:
    return [f"{house}-{kind}" for kind in KINDS]


STEADY = models("sound")
BUSY = models("busy")
DEAR = models("dear")
LONG_WINDED = models("long")
FAILING = [f"past-{name}-{kind}" for name in FAULTY for kind in KINDS]


def plays(request: ReceivedRequest) -> Behaviour:
    """What the model does that is asked; it is called as its provider, and failing ones after their fault."""
    model = str(request.body["model"])
    name = model.removeprefix("past-")
    for kind in KINDS:
        name = name.removesuffix(f"-{kind}")
    if model.startswith("past-"):
        does = FAULTS[name].does
        assert not isinstance(does, str)
        return does.to(request.path) if isinstance(does, Refusal) else does
    return _ANSWERS[name](request)


def _ordinary(request: ReceivedRequest) -> Behaviour:
    if request.body.get("tools"):
        return Answer.tool_call("look", {"path": "a.txt"})
    usage = Usage(prompt=100, completion=20)
    return Answer.text("word " * _DICE.randint(1, 60), usage=usage, pace_s=0.002)


_ANSWERS: dict[str, Callable[[ReceivedRequest], Behaviour]] = {
    "sound": _ordinary,
    "dear": _ordinary,
    "busy": lambda _: Answer.text("one two three", pace_s=0.1),
    "long": lambda _: _LONG,
}


def config(port: int, refusing: int) -> dict[str, Any]:
    """All of it, at a scripted upstream and a port that refuses connections."""
    return {
        "providers": [*_providers(port), *(_failing(model, port, refusing) for model in FAILING)],
        "profiles": [
            {"name": "default", "providers": ["sound-openai_compat"]},
            *({"name": model, "providers": [model, _sound_one_beside(model)]} for model in FAILING),
        ],
    }


def _providers(port: int) -> list[dict[str, Any]]:
    more: dict[str, dict[str, Any]] = {
        "sound": {},
        "busy": {"max_concurrency": SEATS, "max_queue": 4, "queue_timeout_s": 1},
        "dear": {
            "cost": {
                "input_tokens_per_million": 10.0,
                "output_tokens_per_million": 1000.0,
                "monthly_budget_usd": 1_000_000.0,
            }
        },
        "long": {},
    }
    return [
        _named(f"{name}-{kind}", provider(name, kind, port, **fields))
        for name, fields in more.items()
        for kind in KINDS
    ]


def _failing(model: str, port: int, refusing: int) -> dict[str, Any]:
    kind = next(kind for kind in KINDS if model.endswith(kind))
    fault = FAULTS[model.removeprefix("past-").removesuffix(f"-{kind}")]
    if fault.does == "raises":
        return {"name": model, "adapter": "lab_cast:Nasty", "options": {"way": "key-error", "begun": False}}
    at = refusing if fault.does == "refuses" else port
    waits = {"ttft_timeout_s": 1.0, "idle_timeout_s": 1.0}
    return _named(model, provider("past", kind, at, locality="cloud", **waits))


def _named(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "name": name, "model": name}


def _sound_one_beside(model: str) -> str:
    return next(f"sound-{kind}" for kind in KINDS if model.endswith(kind))
