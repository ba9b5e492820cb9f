"""Debian packages that a real node, or the building of an image, needs beside what we build."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from localcluster.places import Say

CNI_DIRECTORY = Path("/usr/lib/cni")

#: What must exist for a real node (a program in PATH, or a file) → the package that brings it.
NODE: Mapping[str, str] = {
    "runc": "runc",
    str(CNI_DIRECTORY / "bridge"): "containernetworking-plugins",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "openssl": "openssl",
}
#: The same for an image that is built without a registry.
IMAGE: Mapping[str, str] = {
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "unshare": "util-linux",
}
_LAST_LINES = 8


def missing(wanted: Mapping[str, str] = NODE) -> list[str]:
    """The Debian packages that are still to be installed."""
    return [package for thing, package in wanted.items() if not find(thing)]


def find(thing: str) -> str | None:
    """The absolute path of a program or a file, if it is there."""
    if thing.startswith("/"):
        return thing if Path(thing).exists() else None
    # A login shell of root has the sbin directories in its PATH, a session of other making may not.
    return shutil.which(thing, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def can_install() -> bool:
    """Whether this machine installs packages by apt-get."""
    return shutil.which("apt-get") is not None


def install(say: Say, wanted: Mapping[str, str] = NODE) -> str | None:
    """Install what is missing, as root; None if all is there, else what went wrong."""
    absent = missing(wanted)
    if not absent:
        return None
    say(f"installing with apt-get: {' '.join(absent)}")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *absent]
    if _apt(command) is None:
        return None
    say("apt-get update, then once more")
    return _apt(["apt-get", "update"]) or _apt(command)


def _apt(command: list[str]) -> str | None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if not run.returncode:
        return None
    last = "\n".join((run.stdout + run.stderr).splitlines()[-_LAST_LINES:])
    return f"{' '.join(command[:2])} failed:\n{last}"
