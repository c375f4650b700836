"""The guide for authors works when it is followed from its top to its end."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.e2e.gateway import bare_environment
from tests.guide_blocks import Block, blocks
from tests.upstream.scripted_upstream import held_port, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GUIDE = ROOT / "docs" / "write-an-adapter.md"
EXAMPLE = ROOT / "examples" / "custom_adapter" / "pyproject.toml"
PORTS = ("8088", "9009", "9010")
"""Of the gateway, of the guide's server, and of one that is never asked."""
SERVING = {"coderouter serve": "8088", "python server.py": "9009"}
"""Commands that do not end by themselves, and where they listen then."""
BROKEN = 1


class Reader:
    """Does what the guide says, in a folder and at ports of its own."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self._folder = folder
        self._ports = ports
        self._serving: dict[str, subprocess.Popen[bytes]] = {}
        self._told = ""
        self._exit_code = 0

    def __repr__(self) -> str:
        return f"<Reader in {self._folder}>"

    def follow(self, block: Block) -> None:
        match block:
            case Block(file=file) if file:
                (self._folder / file).write_text(self._here(block.text), "utf-8")
            case Block(language="sh"):
                for command in block.text.replace("\\\n", "").splitlines():
                    self._type(command)
            case Block(language="json" | "text"):
                assert re.search(as_pattern(block.text), squeezed(self._told)), self._told
                assert self._exit_code == (BROKEN if "BROKEN" in block.text else 0)
            case Block(language="toml"):
                assert block.text in EXAMPLE.read_text("utf-8")
            case _:
                raise AssertionError(f"nobody knows what to do with {block.language}")

    def leave(self) -> None:
        for process in self._serving.values():
            process.terminate()
            process.wait(30)

    def _type(self, command: str) -> None:
        if command in SERVING:
            self._serve(command)
            return
        ended = subprocess.run(
            ["sh", "-c", self._here(command)],
            cwd=self._folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self._told, self._exit_code = ended.stdout, ended.returncode
        assert ended.returncode in {0, BROKEN}, ended.stdout + ended.stderr

    def _serve(self, command: str) -> None:
        if running := self._serving.pop(command, None):
            running.terminate()
            running.wait(30)
        port = self._ports[SERVING[command]]
        placed = f"{command} --port {port}" if command == "coderouter serve" else command
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {placed}"],
                cwd=self._folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        self._serving[command] = process
        wait_until(lambda: is_listening(port) or process.poll() is not None, within_s=60)
        assert process.poll() is None, (self._folder / "log").read_text()

    def _here(self, text: str) -> str:
        for written, port in self._ports.items():
            text = text.replace(f"127.0.0.1:{written}", f"127.0.0.1:{port}")
            text = text.replace(f'"127.0.0.1", {written}', f'"127.0.0.1", {port}')
        return text

    def _environment(self) -> dict[str, str]:
        own = bare_environment(self._folder)
        return own | {"PATH": f"{Path(sys.executable).parent}:{own['PATH']}"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with ExitStack() as leaving:
        following = Reader(tmp_path, {written: leaving.enter_context(held_port()) for written in PORTS})
        leaving.callback(following.leave)
        yield following


def test_following_it_leads_to_routed_requests(reader: Reader) -> None:
    for block in blocks(GUIDE):
        try:
            reader.follow(block)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            raise AssertionError(f"{GUIDE.name}:{block.line}: {error}") from error


def test_every_link_of_it_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", GUIDE.read_text("utf-8"))

    assert links
    assert [link for link in links if not (GUIDE.parent / link).exists()] == []


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def as_pattern(shown: str) -> str:
    """What was left out of the page may be anything."""
    return ".*".join(re.escape(squeezed(piece)) for piece in shown.split("…"))


def squeezed(text: str) -> str:
    """Without white space: the page breaks and indents what is told in one line."""
    return "".join(text.split())
