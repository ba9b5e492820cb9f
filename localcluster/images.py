"""Container images made offline: an OCI layout in a tar, written here, imported into a cluster's containerd."""

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from localcluster import build, packages, toolsets
from localcluster.nodes import CONTAINERD_SOCKET, SANDBOX_IMAGE
from localcluster.places import LocalClusterError, cache_root

if TYPE_CHECKING:
    from localcluster.cluster import LocalCluster

BUSYBOX_IMAGE = "docker.io/localcluster/busybox:1"
#: What the examples name: other clusters pull it, ours have it made here.
BUSYBOX_STABLE = "docker.io/library/busybox:stable"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"  # noqa: S105 - a file's text
_GROUP = "root:x:0:\nnobody:x:65534:\n"
_DIRECTORIES = ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var")
_JSON = "application/vnd.oci.image"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of one layer.

    Attributes:
        reference: its full name, such as `docker.io/localcluster/busybox:1`; in pods `localcluster/busybox:1` will do.
        files: path without leading slash → content.
        links: path → target of a symbolic link.
        directories: empty directories; `tmp` is writable for all.
        config: OCI's `config` object: Cmd, Entrypoint, Env, User, WorkingDir.
        aliases: further full names.
    """

    reference: str
    files: Mapping[str, bytes]
    links: Mapping[str, str] = field(default_factory=dict)
    directories: tuple[str, ...] = _DIRECTORIES
    config: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def write_image(image: Image, target: Path) -> Path:
    """Write an image as a tar of an OCI layout; the same image gives the same bytes."""
    layer = _layer(image)
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    config_text = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_JSON}.manifest.v1+json",
        "config": _descriptor(config_text, f"{_JSON}.config.v1+json"),
        "layers": [_descriptor(layer, f"{_JSON}.layer.v1.tar")],
    }
    manifest_text = json.dumps(manifest).encode()
    descriptor = _descriptor(manifest_text, manifest["mediaType"])
    names = [{"io.containerd.image.name": name} for name in (image.reference, *image.aliases)]
    index = {"schemaVersion": 2, "manifests": [descriptor | {"annotations": name} for name in names]}
    with _replacing(target) as scratch, tarfile.open(scratch, "w") as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add(tar, "index.json", json.dumps(index).encode())
        for blob in (layer, config_text, manifest_text):
            _add(tar, "blobs/" + _digest(blob).replace(":", "/"), blob)
    return target


def build_busybox_image(target: Path) -> Path:
    """Write `localcluster/busybox:1`, also known as `busybox:stable`: a shell with its applets, all of them static."""
    return write_image(_busybox(BUSYBOX_IMAGE, {"Cmd": ["sh"]}, (BUSYBOX_STABLE,)), target)


def build_pause_image(target: Path) -> Path:
    """Write the image of pod sandboxes, which does nothing for ever."""
    return write_image(_busybox(SANDBOX_IMAGE, {"Entrypoint": ["/bin/sleep", "infinity"]}), target)


def import_image(cluster: "LocalCluster", oci_tar: Path) -> None:
    """Import an image into a cluster with a real node; pods find it with `imagePullPolicy: IfNotPresent`.

    Raises:
        LocalClusterError: the cluster has no real node, or containerd refused the image.
    """
    with oci_tar.open("rb") as image:
        run = _ctr(cluster, "import", "--local", "-", stdin=image)
    if run.returncode:
        msg = f"importing {oci_tar} failed: {run.stderr.strip()}"
        raise LocalClusterError(msg)


def has_image(cluster: "LocalCluster", reference: str) -> bool:
    """Whether a cluster's real node has an image of this full name.

    Raises:
        LocalClusterError: the cluster has no real node.
    """
    return _ctr(cluster, "list", "--quiet", f"name=={reference}").stdout.strip() == reference


def _ctr(cluster: "LocalCluster", *arguments: str, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `ctr images` where kubelet's images are."""
    if cluster.node != "real":
        msg = f"cluster {cluster.name} has no containers: its node is {cluster.node}"
        raise LocalClusterError(msg)
    ctr = build.built(toolsets.CONTAINERD) / "ctr"
    where = ("--address", CONTAINERD_SOCKET, "--namespace", "k8s.io")
    command = cluster.inside(str(ctr), *where, "images", *arguments)
    return subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)


def import_base_images(cluster: "LocalCluster") -> None:
    """Import the sandbox image and busybox, made once and kept in the cache."""
    kept = cache_root() / "images"
    kept.mkdir(parents=True, exist_ok=True)
    mark = _digest(_busybox_program() + Path(__file__).read_bytes())[7:17]
    for name, make in (("pause", build_pause_image), ("busybox", build_busybox_image)):
        tar = kept / f"{name}-{mark}.tar"
        import_image(cluster, tar if tar.exists() else make(tar))


def _busybox(reference: str, config: Mapping[str, Any], aliases: tuple[str, ...] = ()) -> Image:
    program = _busybox_program()
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = {f"bin/{applet}": "busybox" for applet in listed if applet != "busybox"}
    files = {"bin/busybox": program, "etc/passwd": _PASSWD.encode(), "etc/group": _GROUP.encode()}
    return Image(reference, files, links, config={"Env": ["PATH=/bin:/usr/bin"]} | dict(config), aliases=aliases)


def _busybox_program() -> bytes:
    path = packages.find("busybox")
    if path is None:
        msg = "busybox is missing (Debian: the package busybox-static)"
        raise LocalClusterError(msg)
    return Path(path).read_bytes()


def _layer(image: Image) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in image.directories:
            tar.addfile(_entry(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
        for name, content in image.files.items():
            _add(tar, name, content, 0o755 if name.startswith("bin/") else 0o644)
        for name, to in image.links.items():
            entry = _entry(name, tarfile.SYMTYPE, 0o777)
            entry.linkname = to
            tar.addfile(entry)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = _entry(name, tarfile.REGTYPE, mode)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _descriptor(blob: bytes, media_type: object) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    scratch = target.with_name(f".{target.name}.new")
    yield scratch
    scratch.replace(target)
