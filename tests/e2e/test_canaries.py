"""Secrets planted wherever one can stand are found nowhere where somebody might read them."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.e2e.clients import DIALECTS, PATHS, forgive, question
from tests.e2e.gateway import COMMAND, Gateway, bare_environment, running, written
from tests.e2e.stage import KINDS, Stage, provider
from tests.e2e.test_keys import made
from tests.key_secrets import secret_of
from tests.upstream.behaviours import Answer, Behaviour, CutAfter, Garbage, InBandError, Status

CANARIES = {
    "the provider's key in the environment": "canary-key-in-environment-5f1a",
    "the provider's key in a file": "canary-key-in-a-file-8c3b",
    "a header of the configuration": "canary-configured-header-77de",
    "a bearer among the headers of the configuration": "canary-configured-bearer-41ac",
    "the client's own credential": "canary-of-the-client-90be",
    "a prompt": "canary-in-a-prompt-2d6f",
    "an answer": "canary-in-an-answer-6b07",
}
KEY, FILE_KEY, HEADER, BEARER, CLIENTS, PROMPT, ANSWER = CANARIES.values()
SECRETS = (KEY, FILE_KEY, HEADER, BEARER, CLIENTS)


def leaks(*secrets: str) -> tuple[Behaviour, ...]:
    """What upstreams do that repeat what they were sent."""
    said = " and ".join(secrets)
    return (
        Status(401, json.dumps({"error": {"message": f"bad key {said}"}}).encode()),
        Status(400, f'{{"error":{{"message":"header {said}","code":"{secrets[0]}"}}}}'.encode()),
        Status(429, f"slow down, {quote(said)} {said}".encode(), {"retry-after": "1", "x-echo": said}),
        Status(500, f"stack trace: token={said}\n  Authorization: Bearer {said}".encode()),
        Status(302, b"", {"location": f"http://127.0.0.1:9/?key={secrets[0]}"}),
        Garbage(body=f"<html>{said}</html>".encode()),
        InBandError(after_events=0, message=f"no entry for {said}"),
        InBandError(after_events=2, message=f"no entry for {said}"),
        CutAfter(events=2, answer=Answer.text(ANSWER)),
        Answer.text(ANSWER),
    )


SENT = {"first": (KEY,), "second": (FILE_KEY,), "third": (HEADER, BEARER)}
"""What each upstream is sent, and may repeat."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that somebody might read, by where it stands."""

    texts: dict[str, str]

    def places_of(self, canary: str) -> list[str]:
        return [place for place, text in self.texts.items() if canary in text]


@pytest.fixture(scope="module")
def told(whole_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a gateway wrote, answered and showed that has met every leak in every language."""
    home = tmp_path_factory.mktemp("canaries")
    config = planted(whole_stage, home)
    written(home, config)
    texts: dict[str, str] = {}
    environment = {
        "PLANTED_KEY": KEY,
        "PLANTED_HEADER": HEADER,
        "CODEROUTER_LOG_LEVEL": "debug",
        "CODEROUTER_EVENTS_PATH": str(home / "events.jsonl"),
    }
    member = made(home, "alice", environment=environment)
    admin = made(home, "root", "--scope", "admin", "--scope", "metrics", environment=environment)
    with running(home, config, environment=environment) as gateway:
        played = zip(*(leaks(*SENT[name]) for name in SENT), strict=True)
        for number, behaviours in enumerate(played):
            whole_stage.plays(**dict(zip(SENT, behaviours, strict=True)))
            texts |= answers(gateway, member["key"], admin["key"], str(number))
        texts |= surfaces(gateway, admin["key"])
        texts["stderr"] = gateway.log
    texts |= files(home) | commands(home, environment)
    for key in (member["key"], admin["key"]):
        assert not [place for place, text in texts.items() if secret_of(key) in text]
    return Told(texts)


def planted(stage: Stage, home: Path) -> dict[str, Any]:
    key_file = home / "provider.key"
    key_file.write_text(FILE_KEY, encoding="ascii")
    headers = {"x-team-token": "${PLANTED_HEADER}", "authorization": f"Bearer {BEARER}"}
    ports = stage["first"].port, stage["second"].port, stage["third"].port
    providers = [
        each
        for kind in KINDS
        for each in (
            provider("environment", kind, ports[0], api_key_env="PLANTED_KEY"),
            provider("file", kind, ports[1], api_key_file=str(key_file)),
            provider("headers", kind, ports[2], headers=headers),
        )
    ]
    profiles = [{"name": "default", "providers": [each["name"] for each in providers]}]
    members = {"alice": {"limits": {"concurrent": 50}}}
    return {"providers": providers, "profiles": profiles, "members": members}


def answers(gateway: Gateway, key: str, admin_key: str, name: str) -> dict[str, str]:
    """
    What clients get, along a chain of all providers and from each of them alone.

    Nobody is left alone meanwhile: every request meets what the upstreams do.
    """
    found: dict[str, str] = {}
    with httpx.Client(timeout=60) as client:
        for dialect in DIALECTS:
            for model in ("any", "environment-openai_compat", "file-anthropic", "headers-openai_compat"):
                for stream in (False, True):
                    forgive(gateway, admin_key)
                    asked = question(model, stream=stream)
                    asked["messages"] = [{"role": "user", "content": PROMPT}]
                    headers = {"x-api-key": key, "cookie": CLIENTS, "x-other-token": CLIENTS}
                    answer = client.post(gateway.address + PATHS[dialect], json=asked, headers=headers)
                    place = f"answer {name} in {dialect} by {model} stream={stream}"
                    found[place] = f"{answer.headers}\n{answer.text}"
    return found


def surfaces(gateway: Gateway, key: str) -> dict[str, str]:
    """What the gateway tells about itself."""
    with httpx.Client(base_url=gateway.address, headers={"x-api-key": key}, timeout=60) as client:
        ids = [each["request_id"] for each in client.get("/admin/requests?limit=200").json()["requests"]]
        paths = ["/", "/healthz", "/metrics", "/metrics.json", "/admin/keys", "/admin/health"]
        paths.append("/admin/requests?limit=200")
        paths += [f"/admin/requests/{request_id}" for request_id in ids]
        found = {path: client.get(path).text for path in paths}
        asked = {**question("any"), "messages": [{"role": "user", "content": PROMPT}]}
        found["/admin/plan"] = client.post("/admin/plan", json=asked).text
        bad = client.post("/admin/keys", json={"member": CLIENTS, "odd": 1}, headers={"cookie": CLIENTS})
        found["/admin/keys, refused"] = bad.text.replace(CLIENTS, "")
    assert len(ids) >= 100
    return found


def files(home: Path) -> dict[str, str]:
    """What stays on the disk beside what was put there."""
    given = {home / "provider.key", home / "providers.yaml"}
    paths = [path for path in home.rglob("*") if path.is_file() and path not in given]
    assert any(path.name.startswith("state.db") for path in paths)
    return {str(path): path.read_bytes().decode("latin-1") for path in paths}


def commands(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What the command line shows."""
    asked = home / "asked.json"
    asked.write_text(json.dumps(question("any")), encoding="utf-8")
    found = {}
    for arguments in (["check"], ["check", "--show"], ["keys", "list"], ["route", str(asked)]):
        result = subprocess.run(
            [*COMMAND, *arguments, "--config", str(home / "providers.yaml")],
            env=bare_environment(home) | dict(environment),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        found["coderouter " + " ".join(arguments)] = result.stdout + result.stderr
    return found


@pytest.mark.parametrize("where", [name for name, canary in CANARIES.items() if canary in SECRETS])
def test_no_secret_is_found_anywhere(told: Told, where: str) -> None:
    assert told.places_of(CANARIES[where]) == []


def test_what_people_say_is_found_in_no_log_no_event_and_no_file(told: Told) -> None:
    assert told.places_of(PROMPT) == []


def test_what_models_say_is_found_in_answers_alone(told: Told) -> None:
    places = told.places_of(ANSWER)

    assert places
    assert all(place.startswith("answer ") for place in places)
