"""What an image is built from without a registry: a Debian with Python, made of its packages, and the locked wheels."""

import hashlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from localcluster.places import SOURCE, LocalClusterError, Say, cache_root, locked

LOCK = SOURCE.parent / "requirements" / "runtime.txt"
_SUITE = "bookworm"
#: The Python of that Debian.
_PYTHON = "3.11"
#: What such a Debian's C library serves.
_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
_BASE = (
    "mmdebstrap",
    "--variant=minbase",
    "--include=python3,python3-pip",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    _SUITE,
)
_LAST_LINES = 12


def images_root() -> Path:
    """Where images, and what they are built from, are kept."""
    return cache_root() / "images"


def base_tar() -> Path:
    """Where the base's file system lies once it is made: a tar, named after how it is made."""
    return images_root() / f"base-{fingerprint(_BASE)}.tar"


def make_base(say: Say) -> Path:
    """Make the base from Debian's packages unless it is there; as root.

    Raises:
        LocalClusterError: it did not work; the text ends with the last lines of what was said.
    """
    target = base_tar()
    with locked(images_root() / "base.lock", lambda: say("another process makes the image's base: waiting")):
        if not target.exists():
            say(f"making the image's base from Debian's packages ({_SUITE}), once: a minute or three")
            scratch = target.with_name(f".{target.name}.new.tar")
            run([*_BASE, str(scratch)])
            scratch.replace(target)
    return target


def fetch_wheels(say: Say) -> Path:
    """Fetch the locked packages for the base's Python unless they are there, as pip is set up here.

    Raises:
        LocalClusterError: pip failed; the text ends with its last lines.
    """
    target = images_root() / f"wheels-{fingerprint((LOCK.read_text(), _PYTHON, *_PLATFORMS))}"
    with locked(images_root() / "wheels.lock", lambda: say("another process fetches the wheels: waiting")):
        if not target.exists():
            say("fetching the wheels of requirements/runtime.txt")
            with tempfile.TemporaryDirectory(dir=images_root()) as scratch:
                place = Path(scratch) / "wheels"
                run([*_pip_download(), "--dest", str(place)])
                place.rename(target)
    return target


def _pip_download() -> list[str]:
    platforms = [f"--platform={name}_{platform.machine()}" for name in _PLATFORMS]
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps"]
    target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={_PYTHON}", *platforms]
    return [*pip, "--require-hashes", *target, "--requirement", str(LOCK)]


def fingerprint(parts: Sequence[str]) -> str:
    """Twelve hexadecimal digits that change with any of the parts, and with the machine's kind."""
    return hashlib.sha256(repr((*parts, platform.machine())).encode()).hexdigest()[:12]


def run(command: Sequence[str]) -> str:
    """Run a program to its end; returns its standard output.

    Raises:
        LocalClusterError: it failed, or is not there; the text ends with the last lines of what it said.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LocalClusterError(f"{command[0]} is missing") from None
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:])
        raise LocalClusterError(f"{' '.join(command[:4])} … failed:\n{last}")
    return done.stdout
