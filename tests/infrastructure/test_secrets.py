"""Where keys are found."""

from pathlib import Path

from domain.routing.targets import SecretReference
from infrastructure.secrets import Secrets


def test_a_key_is_read_from_the_environment_without_its_white_space() -> None:
    secrets = Secrets({"KEY": " sk-1 \n", "BLANK": "  "})

    assert secrets.read(SecretReference(env="KEY")) == "sk-1"
    assert secrets.read(SecretReference(env="BLANK")) is None
    assert secrets.read(SecretReference(env="UNSET")) is None


def test_a_key_is_read_from_a_file_as_containers_hand_it_over(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-2\n")
    secrets = Secrets({})

    assert secrets.read(SecretReference(file=str(tmp_path / "key"))) == "sk-2"
    assert secrets.read(SecretReference(file=str(tmp_path / "missing"))) is None


def test_a_provider_that_names_no_key_needs_none() -> None:
    assert Secrets({}).read(None) == ""


def test_no_secret_is_in_the_repr() -> None:
    assert "sk-1" not in repr(Secrets({"KEY": "sk-1"}))
