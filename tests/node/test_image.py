"""The operator's image: what is in it, how large it is, and as whom it runs."""

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pytest

from localcluster.operatorimage import OperatorImage, version

Object = dict[str, Any]

SHOWN = Path(__file__).parents[2] / "docs" / "how-to-build-the-image.md"
#: MB to fetch and MB on the node's disk that must not be passed without a thought.
FETCHED, UNPACKED = 40, 180


@dataclass(frozen=True, slots=True)
class Contents:
    """An image that was read from its archive.

    Attributes:
        config: OCI's configuration.
        files: of the one layer, by path.
        fetched: compressed bytes.
    """

    config: Object
    files: dict[str, tarfile.TarInfo]
    fetched: int

    @property
    def unpacked(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files.values())


@pytest.fixture(scope="module")
def contents(operator_image: OperatorImage) -> Contents:
    """What the archive holds."""
    with tarfile.open(operator_image.tar) as archive:
        (manifest_of,) = json.load(_open(archive, "index.json"))["manifests"]
        manifest = json.load(_blob(archive, manifest_of["digest"]))
        (layer,) = manifest["layers"]
        config = json.load(_blob(archive, manifest["config"]["digest"]))
        with tarfile.open(fileobj=_blob(archive, layer["digest"]), mode="r:*") as files:
            return Contents(config, {each.name: each for each in files}, layer["size"])


def _blob(archive: tarfile.TarFile, digest: str) -> IO[bytes]:
    return _open(archive, "blobs/" + digest.replace(":", "/"))


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    assert found is not None
    return found


def test_it_is_small_and_the_page_says_how_small(contents: Contents) -> None:
    """One layer, at most so many MB to fetch and on disk; the page's numbers are these, give or take a tenth."""
    fetched, unpacked = contents.fetched / 1e6, contents.unpacked / 1e6
    assert fetched < FETCHED
    assert unpacked < UNPACKED
    told = re.search(r"(\d+) MB to fetch, (\d+) MB on disk", SHOWN.read_text(encoding="utf-8"))
    assert told is not None
    assert [int(each) for each in told.groups()] == pytest.approx([fetched, unpacked], rel=0.1)


def test_it_has_one_program(contents: Contents) -> None:
    """The interpreter under its two names, beside its libraries and modules: no shell, no package manager, no compiler."""
    programs = {PurePosixPath(name).name for name, each in contents.files.items() if _is_program(each)}
    assert {name for name in programs if not re.search(r"\.so\b|\.py$", name)} == {"python3", "python3.11"}


def _is_program(file: tarfile.TarInfo) -> bool:
    return not file.isdir() and ("/bin/" in f"/{file.name}" or bool(file.isfile() and file.mode & 0o111))


@pytest.mark.parametrize(
    "unwanted", ["pip", "setuptools", "ensurepip", "pytest", "hypothesis", "test", "tests", "idlelib"]
)
def test_it_has_no_package_that_no_server_uses(contents: Contents, unwanted: str) -> None:
    """No installer and no tests, in the standard library, in the packages or of our own."""
    assert [name for name in contents.files if unwanted in PurePosixPath(name).parts] == []


def test_every_module_that_it_imports_has_its_bytecode(contents: Contents) -> None:
    """Nobody may write any there, and a start would compile it each time."""
    modules = {name for name in contents.files if name.endswith(".py") and name.startswith("app/launchplan_operator/")}
    assert len(modules) > 150
    assert {_bytecode(name) for name in modules} <= contents.files.keys()
    assert {
        _bytecode("app/kopf/__init__.py"),
        _bytecode("usr/lib/python3.11/asyncio/runners.py"),
    } <= contents.files.keys()


def _bytecode(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc")


def test_nobody_but_root_may_change_it(contents: Contents) -> None:
    """All files are root's, everybody reads them, and none gives its user another's rights."""
    files = [each for each in contents.files.values() if not each.issym()]
    assert {(each.uid, each.gid) for each in files} == {(0, 0)}
    assert [each.name for each in files if each.mode & 0o6000] == []
    assert [each.name for each in files if each.mode & 0o022] == ["tmp"]
    assert [each.name for each in files if not each.mode & 0o004] == []


def test_it_knows_the_time_zones(contents: Contents) -> None:
    """From the locked package, so that they are as new as the lock."""
    assert "app/tzdata/zoneinfo/Europe/Berlin" in contents.files
    assert not any(name.startswith("usr/share/zoneinfo") for name in contents.files)


def test_it_names_what_it_was_made_of(contents: Contents) -> None:
    """Scanners find the records of Debian's packages and of Python's, people their licences."""
    records = {PurePosixPath(name).name for name in contents.files if name.startswith("var/lib/dpkg/status.d/")}
    assert {"libc6", "libssl3", "python3.11-minimal", "libpython3.11-stdlib", "zlib1g"} <= records
    assert {f"usr/share/doc/{each}/copyright" for each in ("libc6", "libssl3")} <= contents.files.keys()
    assert any(re.fullmatch(r"app/kopf-[\d.]+\.dist-info/METADATA", name) for name in contents.files)


def test_it_says_how_it_runs(contents: Contents) -> None:
    """As a user without a name elsewhere, with the subcommand as what one may replace."""
    config = contents.config["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["python3", "-m", "launchplan_operator"]
    assert config["Cmd"] == ["run"]
    assert {"PYTHONPATH=/app", "PYTHONDONTWRITEBYTECODE=1", "PYTHONSAFEPATH=1"} <= set(config["Env"])
    assert list(_labels(config)) == ["base.name", "description", "licenses", "revision", "title", "version"]
    assert config["Labels"]["org.opencontainers.image.version"] == version()


def _labels(config: Object) -> Iterator[str]:
    for name in sorted(config["Labels"]):
        if name.startswith("org.opencontainers.image."):
            yield name.removeprefix("org.opencontainers.image.")
