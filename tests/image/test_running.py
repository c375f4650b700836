"""
The gateway in its container, as it runs in earnest: a root file system that cannot be written to, no
capabilities, a user of its own, and on amd64 so little memory.
"""

import json
import threading

import pytest

from app.cli.serve import NO_KEYS
from tests.e2e.clients import DIALECTS, ClientDialect, ask, asking, is_terminated, said
from tests.e2e.stage import Stage, fresh_id
from tests.image.containers import Contained, ran, running
from tests.image.images import Image
from tests.upstream.behaviours import Answer, Status

pytestmark = pytest.mark.timeout(900)  # the first of these tests waits for the image

SLOW = Answer.text(" ".join(f"word{number}" for number in range(30)), pace_s=0.1)
"""About 3 s of stream."""

UNCOMPILED = """
import sys
from os.path import exists
import app.cli.serve
specs = [module.__spec__ for module in list(sys.modules.values()) if getattr(module, "__spec__", None)]
found = [spec for spec in specs if spec.has_location and spec.cached and "_sysconfigdata" not in spec.name]
assert len(found) > 300
print([spec.name for spec in found if not exists(spec.cached)])
"""
"""Of the facts about how Python was built there is one file for each architecture."""

CONFINED = """
import json, os
from contextlib import suppress
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines() if ":\\t" in line)
written = []
for folder in ("/", "/etc/coderouter", "/opt/coderouter", "/tmp", "/var/lib/coderouter"):
    with suppress(OSError), open(f"{folder}/probe", "w"):
        written.append(folder)
print(json.dumps({"uid": os.getuid(), "status": status, "written": written}))
"""


def test_it_is_healthy_until_it_no_longer_answers(gateway: Contained) -> None:
    assert gateway.is_healthy()

    gateway.podman("kill", "--signal=STOP", gateway.name)
    assert not gateway.is_healthy()

    gateway.podman("kill", "--signal=CONT", gateway.name)
    assert gateway.is_healthy()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_chain_moves_on_to_the_provider_that_answers(
    gateway: Contained, stage: Stage, dialect: ClientDialect, stream: bool
) -> None:
    stage.plays(first=Status(500), second=Status(503))

    answer = ask(gateway, dialect, "chain-openai_compat", stream=stream)

    assert answer.status_code == 200, answer.text
    assert said(dialect, answer) == "hello world"
    assert not stream or is_terminated(dialect, answer.text)
    assert answer.headers["x-coderouter-provider"] == "third-openai_compat"
    assert answer.headers["x-coderouter-attempts"] == "4"


def test_it_may_write_nothing_but_its_state_and_what_is_forgotten(gateway: Contained) -> None:
    found = json.loads(gateway.runs("python", "-c", CONFINED))

    assert found["uid"] == 10001
    assert found["written"] == ["/tmp", "/var/lib/coderouter"]  # noqa: S108  a file system of its own
    assert found["status"]["CapEff"] == "0000000000000000"
    assert found["status"]["CapBnd"] == "0000000000000000"
    assert found["status"]["NoNewPrivs"] == "1"
    assert found["status"]["Seccomp"] == "2"


def test_nothing_has_to_be_compiled_at_its_start(gateway: Contained) -> None:
    assert gateway.runs("python", "-c", UNCOMPILED) == "[]"


def test_sigterm_lets_a_stream_that_has_begun_finish(image: Image, stage: Stage) -> None:
    stage.plays(first=SLOW)
    codes: list[int] = []
    with running(image, stage.config(), volume=f"drained-{image.arch}") as gateway:
        with asking(gateway, "openai_chat", "first-openai_compat", fresh_id()) as answer:
            pieces = answer.iter_text()
            text = next(pieces)
            stopping = threading.Thread(target=lambda: codes.append(gateway.stop()))
            stopping.start()
            text += "".join(pieces)
        stopping.join()

        assert "word29" in text
        assert is_terminated("openai_chat", text)
        assert codes == [0]


def test_on_a_network_it_wants_a_key_and_keeps_it_for_the_containers_that_follow(
    image: Image, stage: Stage
) -> None:
    config, volume = stage.config(members={"anna": {}}), f"kept-{image.arch}"
    refused = ran(image, config, "serve", volume=volume)
    made = ran(image, config, "keys", "create", "anna", volume=volume)

    assert refused.returncode == NO_KEYS
    assert "coderouter keys create" in refused.stderr
    with running(image, config, volume=volume) as gateway:
        anna = {"authorization": f"Bearer {made.stdout.strip()}"}
        assert ask(gateway, "openai_chat", "default").status_code == 401
        assert ask(gateway, "openai_chat", "default", headers=anna).status_code == 200
