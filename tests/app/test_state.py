"""The state is opened where the configuration says, and a server only when its client is installed."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app import state
from config.load import load_text
from config.problems import ConfigError
from config.state_location import SharedServer, SqliteFile, state_location
from infrastructure.clock import SystemClock
from infrastructure.state.valkey import ValkeyStore

PLAIN = """
providers: [{name: a, base_url: "http://127.0.0.1:1/v1", model: m}]
profiles: [{name: default, providers: [a]}]
"""


@pytest.mark.parametrize("scheme", ["valkey", "valkeys", "redis", "rediss"])
def test_a_server_is_named_by_its_address(scheme: str) -> None:
    url = f"{scheme}://me:sec%2Fret@cache.lan:6380/2"
    config = load_text(f"{PLAIN}\nstate: {{url: '{url}'}}")

    location = state_location(config.state, {})

    assert location == SharedServer(url)
    assert location.password == "sec/ret"
    assert "sec" not in repr(location)


@pytest.mark.parametrize(
    "url", ["valkey:", "redis://", "redis://host:port/0", "redis://host/first", "postgres://host/0"]
)
def test_an_address_that_is_none_is_told_with_what_would_be(url: str) -> None:
    with pytest.raises(ConfigError, match=r"state\.url: expected the address of a s"):
        load_text(f"{PLAIN}\nstate: {{url: '{url}'}}")


async def test_a_server_is_asked_through_its_client_which_is_not_connected_yet() -> None:
    store = state.store_at(SharedServer("valkey://127.0.0.1:1/0"), SystemClock())

    assert isinstance(store, ValkeyStore)
    await store.aclose()


def test_without_the_client_it_is_told_what_to_install(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text("state:\n  url: valkey://127.0.0.1:1/0\n")

    with pytest.raises(ConfigError) as refused:
        state.store_at(SharedServer("valkey://h"), SystemClock(), file, installed=lambda _name: None)

    assert "providers.yaml:2:3: state.url: a state in a server needs the extra `valkey`" in str(refused.value)
    assert "coderouter-gateway[valkey]" in str(refused.value)


def test_what_may_have_been_left_there(tmp_path: Path) -> None:
    assert state.may_hold_something(SharedServer("valkey://h"))()
    assert not state.may_hold_something(SqliteFile(tmp_path / "state.db"))()


def test_a_state_that_could_be_written_is_hindered_by_nothing(tmp_path: Path) -> None:
    assert state.hindrance(SqliteFile(tmp_path / "new" / "deep" / "state.db")) == ""
    assert not (tmp_path / "new").exists()
    put(tmp_path / "state.db")
    assert state.hindrance(SqliteFile(tmp_path / "state.db")) == ""
    assert state.hindrance(SharedServer("valkey://h:1/0")) == ""


def test_a_state_that_has_no_place_is_told_why(tmp_path: Path) -> None:
    put(tmp_path / "file")

    assert state.hindrance(SqliteFile(tmp_path)) == "it is a folder"
    assert state.hindrance(SqliteFile(tmp_path / "file" / "state.db")) == f"{tmp_path / 'file'} is no folder"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_state_of_somebody_else_is_told() -> None:
    def told(path: Path) -> str:
        os.seteuid(65534)
        try:
            return state.hindrance(SqliteFile(path))
        finally:
            os.seteuid(0)

    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        put(folder / "state.db")
        (folder / "state.db").chmod(0o600)
        (folder / "locked").mkdir(mode=0o700)

        assert told(folder / "state.db") == "this user may not write it"
        assert told(folder / "other" / "state.db") == f"this user may not write to {folder}"
        assert "may not look there" in told(folder / "locked" / "state.db")


def put(path: Path) -> None:
    path.write_bytes(b"")
