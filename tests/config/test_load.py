"""Which file is read, and what beats what it says."""

from pathlib import Path

import pytest

from config.load import discover, load, load_text
from config.overrides import from_flag
from config.problems import ConfigError
from config.settings import read_settings

TEXT = (
    "providers: [{name: a, base_url: 'http://localhost:1/v1', model: m}]\n"
    "profiles:\n"
    "  - {name: default, providers: [a]}\n"
    "  - {name: coding, providers: [a]}\n"
    "mode_aliases: {code: coding}\n"
    "server: {port: 7000}\n"
)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT, encoding="utf-8")
    return path


def found(tmp_path: Path, *, flag: Path | None = None, variable: Path | None = None) -> Path | None:
    return discover(flag=flag, variable=variable, directory=tmp_path / "here", home=tmp_path / "home")


def test_the_flag_beats_the_variable_beats_the_directory_beats_the_home(tmp_path: Path) -> None:
    at_home = write(tmp_path / "home/.coderouter/providers.yaml")
    assert found(tmp_path) == at_home
    here = write(tmp_path / "here/providers.yaml")
    assert found(tmp_path) == here
    by_variable = write(tmp_path / "variable.yaml")
    assert found(tmp_path, variable=by_variable) == by_variable
    by_flag = write(tmp_path / "flag.yaml")
    assert found(tmp_path, flag=by_flag, variable=by_variable) == by_flag


def test_no_file_anywhere_is_no_error(tmp_path: Path) -> None:
    assert found(tmp_path) is None


@pytest.mark.parametrize("asked_by", ["flag", "variable"])
def test_a_file_that_was_asked_for_must_exist(tmp_path: Path, asked_by: str) -> None:
    write(tmp_path / "here/providers.yaml")
    missing = {asked_by: tmp_path / "mistyped.yaml"}
    with pytest.raises(ConfigError, match=r"mistyped\.yaml does not exist") as caught:
        found(tmp_path, **missing)
    assert {"flag": "--config", "variable": "CODEROUTER_CONFIG"}[asked_by] in str(caught.value)


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a file"):
        found(tmp_path, flag=tmp_path)


def test_a_tilde_is_the_home(tmp_path: Path) -> None:
    path = write(tmp_path / "home/mine.yaml")
    assert found(tmp_path, variable=Path("~/mine.yaml")) == path


def test_an_unreadable_file_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, environment={})


def test_a_file_that_is_not_utf_8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=r"providers\.yaml:2: not UTF-8"):
        load(path, environment={})


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert load(path, environment={}).server.port == 7000


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default() -> None:
    by_variable = read_settings({"CODEROUTER_SERVER__PORT": "7001"}).overrides
    by_flag = from_flag("--port", "server.port", 7002)
    assert load_text(TEXT.replace("server: {port: 7000}\n", "")).server.port == 8088
    assert load_text(TEXT).server.port == 7000
    assert load_text(TEXT, overrides=by_variable).server.port == 7001
    assert load_text(TEXT, overrides=[*by_variable, by_flag]).server.port == 7002


def test_a_variable_may_say_what_the_file_does_not_mention() -> None:
    overrides = read_settings({"CODEROUTER_SESSION__HEADER": "x-thread"}).overrides
    assert load_text(TEXT, overrides=overrides).session.header == "x-thread"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CODEROUTER_SERVER__PORT", "abc", 'server.port: expected a whole number; found "abc"'),
        ("CODEROUTER_SERVER__PORT", "70000", "server.port: expected at most 65535"),
        ("CODEROUTER_SERVER__PROT", "80", "server.prot: no such key"),
    ],
)
def test_a_wrong_value_in_a_variable_names_the_variable(variable: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(TEXT, overrides=read_settings({variable: value}).overrides)
    assert f"environment variable {variable}: {said}" in str(caught.value)


def test_a_wrong_value_of_a_flag_names_the_flag() -> None:
    with pytest.raises(ConfigError, match=r"flag --port: server\.port: expected at least 0; found -1"):
        load_text(TEXT, overrides=[from_flag("--port", "server.port", -1)])


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("coding", "coding"), (" code ", "coding"), ("default", "default"), ("", "default"), ("  ", "default")],
)
def test_a_mode_is_a_profile_or_an_alias(mode: str, profile: str) -> None:
    overrides = read_settings({"CODEROUTER_MODE": mode}).overrides
    assert load_text(TEXT, overrides=overrides).default_profile == profile


def test_a_mode_that_is_a_profile_and_an_alias_is_the_profile() -> None:
    text = TEXT.replace("{code: coding}", "{coding: default}")
    overrides = read_settings({"CODEROUTER_MODE": "coding"}).overrides
    assert load_text(text, overrides=overrides).default_profile == "coding"


def test_a_mode_rescues_a_wrong_default_in_the_file() -> None:
    overrides = read_settings({"CODEROUTER_MODE": "code"}).overrides
    assert load_text(f"{TEXT}default_profile: typo\n", overrides=overrides).default_profile == "coding"


def test_an_unknown_mode_is_an_error_that_names_the_variable() -> None:
    overrides = read_settings({"CODEROUTER_MODE": "codng"}).overrides
    with pytest.raises(ConfigError, match=r'environment variable CODEROUTER_MODE: .*"codng"'):
        load_text(TEXT, overrides=overrides)


def test_auto_is_a_mode() -> None:
    text = f"{TEXT}auto_router: {{default_rule_profile: coding}}\n"
    overrides = read_settings({"CODEROUTER_MODE": "auto"}).overrides
    assert load_text(text, overrides=overrides).default_profile == "auto"


@pytest.mark.parametrize(
    ("written", "variable", "allowed"),
    [
        ("false", "true", True),
        ("false", " YES ", True),
        ("false", "1", True),
        ("true", "off", False),
        ("true", "0", False),
        ("true", "maybe", True),
        ("true", "", True),
        ("false", "maybe", False),
    ],
)
def test_allow_paid_in_the_environment_beats_the_file(written: str, variable: str, allowed: bool) -> None:
    settings = read_settings({"ALLOW_PAID": variable})
    config = load_text(f"{TEXT}allow_paid: {written}\n", allow_paid=settings.allow_paid)
    assert config.allow_paid is allowed
