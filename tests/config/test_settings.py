"""What the environment says is read from what is handed over, and each wrong variable is named."""

import os
from pathlib import Path

import pytest

from config.problems import ConfigError
from config.settings import Settings, process_environment, read_settings


def test_an_empty_environment_asks_for_nothing() -> None:
    assert read_settings({}) == Settings()


def test_empty_variables_count_as_unset() -> None:
    names = ("CONFIG", "MODE", "LOG_LEVEL", "LOG_FORMAT", "EVENTS_PATH", "SERVER__PORT")
    assert read_settings({f"CODEROUTER_{name}": "" for name in names}) == Settings()


def test_paths_and_log_settings_are_read() -> None:
    settings = read_settings(
        {
            "CODEROUTER_CONFIG": "/etc/coderouter/providers.yaml",
            "CODEROUTER_LOG_LEVEL": "WARNING",
            "CODEROUTER_LOG_FORMAT": "json",
            "CODEROUTER_EVENTS_PATH": "/var/log/events.jsonl",
        }
    )
    assert settings == Settings(
        config_path=Path("/etc/coderouter/providers.yaml"),
        log_level="warning",
        log_format="json",
        events_path=Path("/var/log/events.jsonl"),
    )


@pytest.mark.parametrize(
    ("variable", "value", "taken"),
    [
        ("CODEROUTER_SERVER__PORT", "9000", 9000),
        ("CODEROUTER_SERVER__HOST", "0", "0"),
        ("CODEROUTER_SERVER__HOST", "::", "::"),
        ("CODEROUTER_SERVER__STREAM_HOLD_S", "2.5", 2.5),
        ("CODEROUTER_SERVER__ALLOWED_HOSTS", "a.lan, b.lan", ["a.lan", "b.lan"]),
        ("CODEROUTER_SERVER__ALLOWED_HOSTS", "[a.lan, b.lan]", ["a.lan", "b.lan"]),
        ("CODEROUTER_SERVER__PORT", "[", "["),
        ("CODEROUTER_SESSION__STICKY", "false", False),
        ("coderouter_session__sticky", "false", False),
    ],
)
def test_a_key_of_a_section_is_read_as_the_file_would_read_it(
    variable: str, value: str, taken: object
) -> None:
    (override,) = read_settings({variable: value}).overrides
    assert override.value == taken
    assert str(override.place) == f"environment variable {variable}"


def test_every_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(
            {"CODEROUTER_LOG_LEVEL": "loud", "CODEROUTER_LOG_FORMAT": "xml", "CODEROUTER_SERVR__PORT": "1"}
        )
    told = str(caught.value)
    assert "environment variable CODEROUTER_LOG_LEVEL: expected 'debug'" in told
    assert "environment variable CODEROUTER_LOG_FORMAT: expected 'auto'" in told
    assert "environment variable CODEROUTER_SERVR__PORT: no section servr" in told
    assert 'did you mean "server"?' in told


def test_what_a_container_platform_sets_for_a_service_of_our_name_does_no_harm() -> None:
    variables = {"CODEROUTER_PORT": "tcp://10.0.0.1:8088", "CODEROUTER_SERVICE_HOST": "10.0.0.1"}
    assert read_settings(variables) == Settings()


def test_the_environment_of_the_process_is_never_read_behind_the_callers_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CODEROUTER_LOG_LEVEL", "debug")
    monkeypatch.setenv("CODEROUTER_SERVER__PORT", "1")
    monkeypatch.setenv("ALLOW_PAID", "true")
    assert read_settings({}) == Settings()
    assert read_settings(process_environment()).log_level == "debug"


def test_the_environment_that_is_handed_over_does_not_change() -> None:
    before = process_environment()
    os.environ["CODEROUTER_TEST_ONLY"] = "1"
    try:
        assert "CODEROUTER_TEST_ONLY" not in before
    finally:
        del os.environ["CODEROUTER_TEST_ONLY"]
