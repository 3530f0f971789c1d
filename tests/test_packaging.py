"""The package as it is installed: what it consists of, and that it works away from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ("datasources", "docs/errors", "examples", "rules", "web")
BUILDS = re.compile(r"web/(node_modules/.*|[^/]*)")  # what the console's scripts are made with
CODE = (".py", ".lark", ".dl", ".lp", ".pl")  # in the package itself


def listed(option: str) -> list[str]:
    """The lines of an option of setup.cfg."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config["options"][option].split("\n")[1:]


def test_every_package_is_listed() -> None:
    """setup.cfg names each folder of code and each shipped folder: what is not named would not be installed."""
    code = {path.parent.relative_to(ROOT) for path in (ROOT / "congresslite").rglob("*.py")}
    shared = {f"congresslite._share.{folder.replace('/', '.')}" for folder in SHARED}
    assert set(listed("packages")) == {".".join(folder.parts) for folder in code} | shared
    mapped = {f"congresslite._share.{folder.replace('/', '.')} = {folder}" for folder in SHARED}
    assert set(listed("package_dir")) == mapped


def test_every_code_folder_is_a_package() -> None:
    """Each folder of code has an `__init__.py`: without one, type checkers and builders disagree on what it is."""
    folders = {path.parent for path in (ROOT / "congresslite").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution that it was built from."""
    out = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("checkout") / "congresslite"
    # Building leaves files behind, so it is done on a copy.
    unneeded = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "build", "dist", "*.egg-info", "tests")
    shutil.copytree(ROOT, copy, ignore=unneeded)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(build, cwd=out, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed in a folder of its own; its dependencies are those of the running Python."""
    (wheel,) = built.glob("*.whl")
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True)
    return target


def test_wheel_adds_nothing_else(built: Path) -> None:
    """The wheel puts `congresslite` and its metadata into site-packages, and nothing beside them."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        tops = {PurePosixPath(name).parts[0] for name in file.namelist()}
    assert {top.split("-")[0] for top in tops} == {"congresslite"}
    assert len(tops) == 2


def test_wheel_is_complete(built: Path) -> None:
    """Every shipped file is in the wheel, and in the source distribution."""
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    shipped = {
        f"congresslite/_share/{path.relative_to(ROOT)}"
        for folder in SHARED
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not BUILDS.fullmatch(str(path.relative_to(ROOT)))
    }
    sources = (path for path in (ROOT / "congresslite").rglob("*") if path.suffix in CODE)
    code = {str(path.relative_to(ROOT)) for path in sources}
    assert (shipped | code | {"congresslite/py.typed"}) - names == set()
    with tarfile.open(source) as archive:
        kept = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "setup.cfg", "pyproject.toml"} <= kept


def run_installed(installed: Path, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command from a folder that has no checkout near it."""
    # What is installed comes first; an editable install of the checkout must not be found instead of it.
    paths = [str(installed), sysconfig.get_path("purelib")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-m", "congresslite", *arguments]
    return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)


def test_installed_command(installed: Path, tmp_path: Path) -> None:
    """Away from the checkout, the command runs and checks the example estate that ships."""
    version = run_installed(installed, tmp_path, "--version")
    assert version.stdout.startswith("congresslite ")
    checked = run_installed(installed, tmp_path, "check", "--example", "--exit-zero", "-o", "json")
    assert checked.returncode == 0, checked.stderr
    document = json.loads(checked.stdout)
    assert document["violations"]
    assert str(installed) in document["violations"][0]["file"]


def test_help_is_quick(installed: Path, tmp_path: Path) -> None:
    """Help and version import neither NumPy nor PyArrow: they must answer at once."""
    heavy = "import sys; sys.argv[1:] = ['{}']\ntry:\n    from congresslite.cli import main; main()\n"
    heavy += "finally:\n    sys.stderr.write(str(sorted({{'numpy', 'pyarrow', 'lark', 'rich'}} & set(sys.modules))))"
    paths = os.pathsep.join([str(installed), sysconfig.get_path("purelib")])
    for argument in ("--version", "--help"):
        command = [sys.executable, "-S", "-c", heavy.format(argument)]
        environment = {**os.environ, "PYTHONPATH": paths}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.stderr == "[]"
