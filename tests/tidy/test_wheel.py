"""The wheel is whole: SQL, catalogue and texts are found where nothing of the checkout is."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
#: Every kind of data the product reads from beside its code.
LOAD = """
import json, sys
from pathlib import Path
import service, actors.worker
from service.domain.catalogue import load_catalogue, load_styles
from service.resources import MIGRATIONS, QUERIES
from service.settings import Settings
from service.store.migrations import read_files
from service.store.sql import queries
from service.texts import LOCALES, text

settings = Settings.load({"TELEGRAM_BOT_TOKEN": "7000000001:stub-token", "KIE_STUB": "1"})
namespaces = [path.name for path in QUERIES.iterdir()]
print(json.dumps({
    "places": [service.__file__, actors.worker.__file__, str(MIGRATIONS), str(QUERIES)],
    "queries": sum(len(queries(name).available_queries) for name in namespaces),
    "migrations": len(read_files()),
    "grants": (MIGRATIONS / "grants.sql").is_file(),
    "models": len(load_catalogue().by_id),
    "styles": len(load_styles()),
    "words": [text("button-menu", locale) for locale in LOCALES],
    "masked": len(settings.masked()),
}))
"""


def run(*command, cwd, environment=None):
    """Run a program to its end and give what it printed; fails with what it complained about."""
    ended = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False,
        timeout=LIMIT_S,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder),
        str(ROOT), cwd=folder,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An empty folder with nothing but the wheel's content."""
    folder = tmp_path_factory.mktemp("installed")
    run(
        sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index",
        "--disable-pip-version-check", "--target", str(folder), str(wheel), cwd=folder,
    )  # fmt: skip
    return folder


def environment_of(installed):
    """Give an environment in which the installed packages come before the checkout's."""
    return {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}


def test_the_wheel_holds_the_product_and_nothing_else(wheel):
    # Given the names of everything inside
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.partition("/")[0] for name in names}

    # Then it is the two packages, with every file that is not Python, and the licence
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "service", "actors",
    }  # fmt: skip
    for kind, folder in (("sql", "queries"), ("sql", "migrations")):
        packed = {name for name in names if name.startswith(f"service/{folder}/")}
        written = {f"service/{path.relative_to(ROOT)}" for path in ROOT.glob(f"{folder}/**/*.sql")}
        assert written <= packed, f"files of {folder}/ ({kind}) are missing"
    for path in [*ROOT.glob("service/data/*.yaml"), *ROOT.glob("service/texts/*.ftl")]:
        assert str(path.relative_to(ROOT)) in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_installed_wheel_finds_all_its_data(installed, tmp_path):
    # When a program far from the checkout loads everything that is not Python
    found = json.loads(
        run(sys.executable, "-c", LOAD, cwd=tmp_path, environment=environment_of(installed))
    )

    # Then all of it came from where the wheel was installed
    assert [place for place in found["places"] if not place.startswith(str(installed))] == []
    assert found["migrations"] == len(list((ROOT / "migrations").glob("[0-9]*.sql")))
    assert found["grants"]
    assert min(found["queries"], found["models"], found["styles"]) >= 10
    assert all(found["words"])
    assert found["masked"] > 30


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_the_installed_command_runs(installed, tmp_path, arguments):
    # When the command of the wheel is asked about itself
    said = run(
        sys.executable, str(installed / "bin" / "kartina"), *arguments,
        cwd=tmp_path, environment=environment_of(installed),
    )  # fmt: skip

    # Then it answers
    assert "kartina" in said.lower()
