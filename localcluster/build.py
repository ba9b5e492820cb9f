"""Builds tool sets once, into a directory named after their pins; safe to interrupt and to run twice."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from localcluster.gotool import GO_ENVIRONMENT, find_go
from localcluster.places import LocalClusterError, Say, bin_root, locked
from localcluster.processes import die_with_parent
from localcluster.toolsets import TOOL_SETS, ToolSet

_PROGRESS_SECONDS = 15.0
_LAST_LINES = 30


def ensure(tools: ToolSet, needed: Iterable[str], say: Say) -> Path:
    """A directory that holds the `needed` programs of a tool set, built if it must be.

    `KUBEBUILDER_ASSETS` is taken when it holds all of them.

    Raises:
        LocalClusterError: the build failed; the text ends with the compiler's last lines.
    """
    return _assets(tuple(needed), say) or build(tools, say)


def built(tools: ToolSet) -> Path:
    """Where the set lies once it is built."""
    return bin_root() / f"{tools.name}-{tools.fingerprint}"


def build(tools: ToolSet, say: Say) -> Path:
    """Build a tool set unless it is there already; returns its directory."""
    target = built(tools)
    if target.exists():
        return target
    with locked(bin_root() / f"{tools.name}.lock", lambda: say(f"another process builds {tools.name}: waiting")):
        if not target.exists():
            _build_into(target, tools, say)
    return target


def build_all(names: Iterable[str], say: Say) -> None:
    """Build the named tool sets, all if none is named."""
    for tools in [TOOL_SETS[name] for name in names] or TOOL_SETS.values():
        say(f"{tools.name}: {build(tools, say)}")


def _assets(needed: tuple[str, ...], say: Say) -> Path | None:
    text = os.environ.get("KUBEBUILDER_ASSETS")
    if not text:
        return None
    directory = Path(text)
    missing = [name for name in needed if not os.access(directory / name, os.X_OK)]
    if missing:
        say(f"KUBEBUILDER_ASSETS={directory} lacks {', '.join(missing)}: building instead")
        return None
    return directory.resolve()


def _build_into(target: Path, tools: ToolSet, say: Say) -> None:
    go = find_go(tools.go_version, say)
    for left_over in bin_root().glob(f".{tools.name}-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=bin_root(), prefix=f".{tools.name}-") as scratch:
        began = time.monotonic()
        say(f"building {tools.name} ({', '.join(tools.programs)}): takes minutes when nothing is cached")
        place = Path(scratch) / "set"
        place.mkdir()
        _compile(go, tools, place, say)
        place.rename(target)
        say(f"built {tools.name} in {_minutes(time.monotonic() - began)}")


def _compile(go: Path, tools: ToolSet, place: Path, say: Say) -> None:
    # One command for all programs compiles what they share once; it names each after its package's last element.
    progress = _Progress(tools.name, say)
    command = [str(go), "build", "-v", *tools.flags, "-o", f"{place}/", *tools.programs.values()]
    progress.follow(command, tools.directory)
    for name, package in tools.programs.items():
        made = place / _default_name(package, tools)
        if made.name != name:
            made.rename(place / name)


def _default_name(package: str, tools: ToolSet) -> str:
    path = package
    if package == ".":
        path = tools.go_mod.split("\n", 1)[0].removeprefix("module").strip()
    parts = path.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


class _Progress:
    """Runs the compiler and says, every quarter of a minute, how far it is."""

    def __init__(self, name: str, say: Say) -> None:
        self._name = name
        self._say = say
        self._began = time.monotonic()
        self._compiled = 0
        self._now = "reading the cache and linking"
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._done = threading.Event()

    def follow(self, command: list[str], directory: Path) -> None:
        """Run `command` in `directory` to its end.

        Raises:
            LocalClusterError: it failed.
        """
        with subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | GO_ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - no thread is running yet
        ) as process:
            threading.Thread(target=self._report, daemon=True).start()
            for line in process.stderr or ():
                self._read(line.strip())
        self._done.set()
        if process.returncode:
            text = "\n".join(self._lines)
            msg = f"building {self._name} failed:\n{text}"
            raise LocalClusterError(msg)

    def _read(self, line: str) -> None:
        self._lines.append(line)
        if line.startswith("go: downloading"):
            self._now = line.removeprefix("go: ")
        elif re.fullmatch(r"[\w./~-]+", line):
            self._compiled += 1
            self._now = f"compiling {line}"

    def _report(self) -> None:
        while not self._done.wait(_PROGRESS_SECONDS):
            spent = _minutes(time.monotonic() - self._began)
            self._say(f"building {self._name}: {spent}, {self._compiled} packages done, {self._now}")


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"
