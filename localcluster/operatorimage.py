"""The operator's image, built from the Dockerfile: by docker or podman, or here from Debian's packages by buildah."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcluster import nodes, packages
from localcluster.imagebase import base_tar, fetch_wheels, fingerprint, images_root, make_base, run
from localcluster.places import SOURCE, LocalClusterError, Say, locked

ROOT = SOURCE.parent
NAME = "launchplan-operator"
#: The name as a registry's clients write it out.
REPOSITORY = f"docker.io/library/{NAME}"
_PACKAGE = ROOT / "operator" / "launchplan_operator"
_RECIPE = ("Dockerfile", ".dockerignore", "requirements/runtime.txt", "image/closure.py")
_BUILDERS = (("docker", "version", "--format", "{{.Server.Version}}"), ("podman", "info", "--format", "{{.Host.Arch}}"))
#: Images of other states of the sources that are kept for those who still use them.
_KEPT = 5


@dataclass(frozen=True, slots=True)
class OperatorImage:
    """An image in a file.

    Attributes:
        tar: an OCI archive.
        tag: the version, with a mark of what the image was made of.
    """

    tar: Path
    tag: str

    @property
    def reference(self) -> str:
        """The full name that it has in the archive."""
        return f"{REPOSITORY}:{self.tag}"


def version() -> str:
    """The operator's version."""
    found = re.search(r'^__version__ = "(.+)"$', (_PACKAGE / "__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise LocalClusterError("the operator has no version")
    return found[1]


def revision() -> str:
    """The commit of this checkout, with `-dirty` if there is more; `unknown` outside of git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False) if shutil.which("git") else None
    return found.stdout.strip() if found and not found.returncode else "unknown"


def can_build_offline() -> str | None:
    """What stands in the way of building without a registry; None if nothing does, packages of apt-get aside."""
    if sys.platform != "linux":
        return "it needs Linux"
    if reason := nodes.can_run_node():
        return reason
    absent = packages.missing(packages.IMAGE)
    if absent and not packages.can_install():
        return f"these packages are missing, and there is no apt-get to install them: {' '.join(absent)}"
    return None


def find_builder() -> str | None:
    """The first of docker and podman that is here and has an engine that answers."""
    for command in _BUILDERS:
        if shutil.which(command[0]) and not subprocess.run(command, capture_output=True, check=False).returncode:
            return command[0]
    return None


def build_with(builder: str, base: str = "") -> str:
    """Build the image by docker or podman; returns its name.

    Args:
        builder: the program.
        base: an image in the place of the Dockerfile's own base; empty for that.

    Raises:
        LocalClusterError: it failed.
    """
    reference = f"{NAME}:{version()}"
    told = [f"VERSION={version()}", f"REVISION={revision()}"]
    told += [f"BASE={base}"] if base else []
    told += [name for name in ("PIP_INDEX_URL",) if os.environ.get(name)]  # without a value it is the environment's
    arguments = (*(f"--build-arg={each}" for each in told), f"--tag={reference}")
    # What it says is for the person who waits for it.
    if subprocess.run([builder, "build", *arguments, str(ROOT)], check=False).returncode:
        raise LocalClusterError(f"{builder} build failed")
    return reference


def build_offline(say: Say) -> OperatorImage:
    """Build the image without a registry unless one of the same sources is there; as root on Linux.

    Raises:
        LocalClusterError: something is missing or failed; the text says what.
    """
    mark = fingerprint([*_sources(), base_tar().name])
    tag = f"{version()}-{mark}"
    image = OperatorImage(images_root() / f"operator-{tag}.tar", tag)
    with locked(images_root() / "operator.lock", lambda: say("another process builds the image: waiting")):
        if not image.tar.exists():
            if trouble := packages.install(say, packages.IMAGE):
                raise LocalClusterError(trouble)
            base, wheels = make_base(say), fetch_wheels(say)
            say("building the operator's image")
            _remove_old()
            _build(image, base, wheels)
    return image


def _sources() -> Iterator[str]:
    package = (path for path in sorted(_PACKAGE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    for path in (*(ROOT / name for name in _RECIPE), *package):
        yield str(path.relative_to(ROOT))
        yield hashlib.sha256(path.read_bytes()).hexdigest()


def _build(image: OperatorImage, base: Path, wheels: Path) -> None:
    name = f"localhost/{base.stem}"
    _import_base(base, name)
    pip = ("--build-arg=PIP_INDEX_URL=", "--build-arg=PIP_FIND_LINKS=/wheels", "--build-arg=PIP_NO_INDEX=1")
    told = (f"--build-arg=BASE={name}", f"--build-arg=VERSION={version()}", *pip, f"--volume={wheels}:/wheels:ro")
    scratch = image.tar.with_name(f".{image.tar.name}.new")
    _buildah(
        "build", "--isolation=chroot", "--pull-never", "--timestamp=0", *told, f"--tag={image.reference}", str(ROOT)
    )
    try:
        _buildah("push", "--quiet", image.reference, f"oci-archive:{scratch}:{image.reference}")
    finally:
        _buildah("rmi", "--force", image.reference)
    scratch.replace(image.tar)


def _import_base(base: Path, name: str) -> None:
    """Have the base, and no other, in buildah's store, which is made afresh if it is broken."""
    store = images_root() / "store"
    try:
        if _buildah("images", "--quiet", "--filter", f"reference={name}"):
            return
    except LocalClusterError:
        pass
    shutil.rmtree(store, ignore_errors=True)
    container = _buildah("from", "scratch").strip()
    _buildah("add", "--quiet", container, str(base), "/")
    _buildah("commit", "--quiet", "--rm", container, name)


def _buildah(*arguments: str) -> str:
    """Run buildah on a store of our own, in a mount namespace, so that no mount is left behind."""
    store = images_root() / "store"
    driver = "overlay" if nodes.can_overlay(images_root()) else "vfs"
    where = (f"--root={store}/root", f"--runroot={store}/run", f"--storage-driver={driver}")
    return run(["unshare", "--mount", "buildah", *where, *arguments])


def _remove_old() -> None:
    """Remove what interrupted builds left, and the images of other states of the sources but for the latest."""
    for left_over in images_root().glob(".operator-*.new"):
        left_over.unlink()
    tars = sorted(images_root().glob("operator-*.tar"), key=lambda path: path.stat().st_mtime)
    for old in tars[:-_KEPT]:
        old.unlink(missing_ok=True)
