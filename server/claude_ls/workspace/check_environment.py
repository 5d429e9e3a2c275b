"""The environment of a check: what tools need to be found and to work, and none of the person's secrets."""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ"),
        # Where tools are installed, for people who moved them.
        *(
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "GOPATH",
            "GOROOT",
            "GOMODCACHE",
            "GOTOOLCHAIN",
            "JAVA_HOME",
        ),
        *("NVM_DIR", "NVM_BIN", "FNM_DIR", "VOLTA_HOME", "PYENV_ROOT", "PYENV_VERSION", "RBENV_ROOT", "ASDF_DATA_DIR"),
        *("GEM_HOME", "GEM_PATH", "DOTNET_ROOT", "CONDA_PREFIX", "VIRTUAL_ENV", "NIX_PROFILES", "NIX_SSL_CERT_FILE"),
    }
)
"""Besides those that begin with ``LC_``."""
_FIXED = {
    "CI": "1",  # nobody is there to watch or to answer
    "NO_COLOR": "1",
    "TERM": "dumb",
    # Else a check would write beside the packages of the environment that is only linked.
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",  # what was written before a check is killed is worth reading
    "GIT_TERMINAL_PROMPT": "0",
}
_PROGRAM_FOLDERS = (".venv/bin", "venv/bin", "node_modules/.bin", "vendor/bin")
"""Of the project's own tools, which come before those of the system."""


def environment(copy: Path, folder: Path, temporary: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """That of a check of `folder` which runs in its `copy` and may write to `temporary`."""
    kept = {name: value for name, value in environ.items() if name in KEPT or name.startswith("LC_")}
    kept |= _FIXED | {"TMPDIR": str(temporary), "GIT_CEILING_DIRECTORIES": str(copy.parent)}
    kept.setdefault("LANG", "C.UTF-8")
    own = _moved(environ.get("VIRTUAL_ENV", ""), folder, copy)
    virtual = next((copy / name for name in (".venv", "venv") if (copy / name / "pyvenv.cfg").exists()), None)
    if virtual or own:
        kept["VIRTUAL_ENV"] = str(virtual or own)
    kept["PATH"] = _search_path(copy, folder, environ)
    environments = (virtual, own, environ.get("CONDA_PREFIX"))
    sources = [path for found in environments if found for path in _installed_from(Path(found), folder, copy)]
    if sources:
        kept["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(sources))
    return kept


def program_finder(folder: Path, environ: Mapping[str, str]) -> Callable[[str], str | None]:
    """Where a check of `folder` finds a program of this name; None where it is not installed."""
    path = _search_path(folder, folder, environ)
    return lambda name: shutil.which(name, path=path)


def _search_path(copy: Path, folder: Path, environ: Mapping[str, str]) -> str:
    # What is not absolute would mean another place in each folder.
    general = [entry for entry in environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]
    own = [str(copy / name) for name in _PROGRAM_FOLDERS if (copy / name).is_dir()]
    return os.pathsep.join(dict.fromkeys([*own, *(_moved(entry, folder, copy) for entry in general)]))


def _installed_from(environment: Path, folder: Path, copy: Path) -> list[str]:
    """The folders of the copy that stand for those from which Python would import the project itself, where it is
    installed to be edited: else the checks would see the person's files and not the copy's."""
    found: list[str] = []
    for packages in environment.glob("lib/python*/site-packages"):
        for file in sorted(packages.glob("*.pth")):
            found += [line.strip() for line in _text(file).splitlines() if line.startswith("/")]
        for file in sorted(packages.glob("__editable___*_finder.py")):
            mapping = re.search(r"^MAPPING[^=\n]*= *(\{.*\})\s*$", _text(file), re.MULTILINE)
            if mapping:
                try:
                    found += [str(Path(place).parent) for place in ast.literal_eval(mapping[1]).values()]
                except (ValueError, SyntaxError, TypeError):
                    continue
    real = [os.path.realpath(path) for path in found]
    return [_moved(path, folder, copy) for path in real if Path(path).is_relative_to(folder)]


def _moved(path: str, folder: Path, copy: Path) -> str:
    """The place in the copy for one in the folder; what is elsewhere stays there."""
    return str(copy / Path(path).relative_to(folder)) if path and Path(path).is_relative_to(folder) else path


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""
