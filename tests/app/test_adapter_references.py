"""The adapter that a configuration names is found, or the message says what there is and what would help."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapter_references import BUILT_IN, UnusableAdapter, factory_named, importable_from
from config.schema.kinds import KINDS


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder that modules can be imported from, as the one of `providers.yaml`."""
    before, loaded = list(sys.path), set(sys.modules)
    importable_from(tmp_path)
    yield tmp_path
    sys.path[:] = before
    for name in set(sys.modules) - loaded:
        del sys.modules[name]


def offered(project: Path, **adapters: str) -> None:
    """As an installed package would offer them."""
    metadata = project / "lab-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 0\n", "utf-8")
    lines = [f"{name} = {path}" for name, path in adapters.items()]
    (metadata / "entry_points.txt").write_text("[coderouter.adapters]\n" + "\n".join(lines), "utf-8")


def refusal(reference: str) -> UnusableAdapter:
    with pytest.raises(UnusableAdapter) as caught:
        factory_named(reference)
    return caught.value


def test_every_kind_of_the_schema_is_built_in() -> None:
    assert set(BUILT_IN) == set(KINDS)


def test_an_import_path_leads_to_a_module_beside_the_configuration(project: Path) -> None:
    (project / "lab_beside.py").write_text("def model(spec, kit): ...\n", "utf-8")

    assert factory_named("lab_beside:model").__module__ == "lab_beside"


def test_an_import_path_may_lead_into_a_class(project: Path) -> None:
    (project / "lab_nested.py").write_text("class Lab:\n    class Model: ...\n", "utf-8")

    assert factory_named("lab_nested:Lab.Model").__qualname__ == "Lab.Model"


def test_an_installed_adapter_is_found_by_its_name(project: Path) -> None:
    (project / "lab_offered.py").write_text("def model(spec, kit): ...\n", "utf-8")
    offered(project, **{"lab-model": "lab_offered:model"})

    assert factory_named("lab-model").__module__ == "lab_offered"


def test_a_folder_beside_the_configuration_hides_nothing_that_is_installed(project: Path) -> None:
    (project / "httpx.py").write_text("raise SystemExit('this is another httpx')\n", "utf-8")

    assert callable(factory_named("httpx:AsyncClient"))


@pytest.mark.parametrize(
    "reference", ["no.such.module:Thing", "app.providers:NoSuchThing", ":Thing", "a b:c", "sys:", "...:x"]
)
def test_an_import_path_that_leads_nowhere_is_told(reference: str) -> None:
    assert refusal(reference).message.startswith(f'the adapter "{reference}"')


@pytest.mark.parametrize(
    "line",
    [
        "raise SystemExit(3)",
        "raise BaseException('planted')",
        "raise GeneratorExit",
        "import asyncio; raise asyncio.CancelledError",
        "1 / 0",
        "this is no Python",
        "import no_such_module_of_the_lab",
    ],
)
def test_a_module_that_cannot_be_imported_ends_nothing_else(project: Path, line: str) -> None:
    (project / "lab_broken.py").write_text(f"{line}\n", "utf-8")

    refused = refusal("lab_broken:Model")

    assert "cannot be imported" in refused.message
    assert refused.hint


def test_the_line_that_fails_is_named(project: Path) -> None:
    (project / "lab_failing.py").write_text("\n\nraise ValueError('planted')\n", "utf-8")

    assert refusal("lab_failing:Model").hint == f"raised at {project / 'lab_failing.py'}:3"


def test_a_module_that_is_not_there_is_told_with_where_it_could_be() -> None:
    refused = refusal("acme_lab.models:Model")

    assert "No module named 'acme_lab'" in refused.message
    assert sys.prefix in refused.hint
    assert "beside providers.yaml" in refused.hint


def test_a_package_with_the_name_of_one_of_ours_is_told_to_have_another() -> None:
    assert "a package called config belongs to the gateway" in refusal("config.lab:Model").hint


@pytest.mark.parametrize("reference", ["sys:path", "app.providers:", "app.adapter_references:ENTRY_POINTS"])
def test_what_cannot_be_called_is_no_adapter(reference: str) -> None:
    assert "a class or function is wanted" in refusal(reference).message


def test_an_unknown_name_is_told_with_what_there_is(project: Path) -> None:
    offered(project, **{"lab-model": "lab:model", "lab-other": "lab:other"})

    refused = refusal("lab-modle")

    assert '"lab-modle"; installed are: lab-model, lab-other' in refused.message
    assert all(kind in refused.message for kind in BUILT_IN)
    assert refused.hint == 'did you mean "lab-model"?'


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("olama", 'did you mean "kind: ollama"?'),
        ("xyz", "is named by its import path"),
    ],
)
def test_an_unknown_name_is_told_with_what_may_have_been_meant(reference: str, hint: str) -> None:
    assert hint in refusal(reference).hint
