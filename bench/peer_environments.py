"""Environments of their own for the programs that we are measured beside, made once and kept in `.cache/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache" / "bench"


def python_with(name: str, *requirements: str) -> Path:
    """The interpreter of an environment that has `requirements`, installed by pip where that was not done before."""
    folder = CACHE / "environments" / name
    python = folder / "bin" / "python"
    done = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        sys.stderr.write(f"installing {', '.join(requirements)} …\n")
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=True, stdout=sys.stderr)
        done.write_text(wanted)
    return python


def pypi_package(name: str, version: str) -> Path:
    """The folder that a project's packages are in once it is installed, without what it needs."""
    folder = CACHE / "projects" / f"{name}-{version}"
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
        with tempfile.TemporaryDirectory() as temporary:
            subprocess.run([*command, "--target", temporary, f"{name}=={version}"], check=True, stdout=sys.stderr)
            shutil.copytree(temporary, folder)
    return folder


def pypi_source(name: str, version: str) -> Path:
    """The unpacked source distribution of a project, as its authors published it, with its tests."""
    folder = CACHE / "projects" / f"{name}-{version}-source"
    if not folder.exists():
        archives = CACHE / "archives" / f"{name}-{version}"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name]
        subprocess.run([*command, "-d", archives, f"{name}=={version}"], check=True, stdout=sys.stderr)
        (archive,) = archives.iterdir()
        _unpack(archive, folder)
    return folder


def npm_source(name: str, version: str) -> Path:
    """The unpacked package of that name from the npm registry."""
    folder = CACHE / "projects" / f"{name.replace('/', '-')}-{version}"
    if not folder.exists():
        archives = CACHE / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}"], cwd=archives, check=True, capture_output=True, text=True
        )
        _unpack(archives / packed.stdout.split()[-1], folder)
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    """The one folder that is in `archive`, as `folder`: whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary, tarfile.open(archive) as tar:
        tar.extractall(temporary, filter="data")
        (inner,) = Path(temporary).iterdir()
        inner.rename(folder)
