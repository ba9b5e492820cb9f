"""Run in the Dockerfile's build stage: `python3 closure.py APP ROOT` makes a root file system that holds an interpreter.

Into ROOT go APP, this interpreter, its standard library without what no server uses, the shared libraries that any of
these load, and of each Debian package that one of the files is from its record (for scanners) and its copyright. All of it
stands where it stands here.
"""

import compileall
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from py_compile import PycInvalidationMode

#: Parts of the standard library that only people at a keyboard, builders or tests use.
_LEFT_OUT = [
    "__pycache__",
    "config-*",
    "curses",
    "dbm",
    "dist-packages",
    "distutils",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "sqlite3",
    "test",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "venv",
]
_EXTENSIONS_LEFT_OUT = [
    "_ctypes_test*",
    "_curses*",
    "_dbm*",
    "_gdbm*",
    "_sqlite3*",
    "_test*",
    "_tkinter*",
    "_xxtestfuzz*",
    "nis.*",
    "ossaudiodev*",
    "readline*",
    "xxlimited*",
]
#: Thousands of generated modules of which a handful is imported: bytecode of all would double the image.
_SELDOM_IMPORTED = re.compile(r"/kubernetes/(aio/)?client/(api|models)/")
_FOUND = re.compile(r"(/\S+) \(0x")
_ELF = b"\x7fELF"
_USER = 65532
_WRITTEN = {
    "etc/passwd": f"root:x:0:0:root:/:/nonexistent\noperator:x:{_USER}:{_USER}:operator:/:/nonexistent\n",
    "etc/group": f"root:x:0:\noperator:x:{_USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def main(app: Path, root: Path) -> None:
    """Make the root file system."""
    for link in (each for each in Path("/").iterdir() if each.is_symlink()):  # such as /lib, which is usr/lib
        _place(link, root)
    library = Path(sysconfig.get_path("stdlib"))
    _copy_tree(app, root, ("__pycache__", "bin", "tests"))
    _copy_tree(library, root, (*_LEFT_OUT, *_EXTENSIONS_LEFT_OUT))
    files = [_interpreter(), Path("/etc/os-release"), Path("/etc/ld.so.cache")]
    placed = [each for path in files for each in _place(path, root)]
    placed += [each for path in _libraries(root) for each in _place(path, root)]
    for name, text in _WRITTEN.items():
        (root / name).write_text(text)
    for package in sorted(_packages([*placed, *library.glob("*.py")])):
        _describe(package, root)
    (root / "tmp").mkdir(mode=0o1777)
    (root / "tmp").chmod(0o1777)
    for tree in (app, library):
        _compile(tree, root)


def _interpreter() -> Path:
    program = shutil.which("python3")
    if program is None:
        raise SystemExit("there is no python3 in PATH")
    return Path(program)


def _copy_tree(tree: Path, root: Path, left_out: tuple[str, ...]) -> None:
    shutil.copytree(tree, _target(tree, root), symlinks=True, ignore=shutil.ignore_patterns(*left_out))


def _place(path: Path, root: Path) -> list[Path]:
    """Copy a file, or a symbolic link with the file that it leads to; returns the paths of both."""
    here = path.parent.resolve() / path.name
    target = _target(here, root)
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(here, target, follow_symlinks=False)
    follow = here.is_symlink() and here.is_file()
    return [here, *(_place(here.parent / here.readlink(), root) if follow else ())]


def _target(path: Path, root: Path) -> Path:
    return root / path.relative_to("/")


def _libraries(root: Path) -> set[Path]:
    """Return what the dynamic loader finds for every program and library in `root`, itself among them."""
    binaries = [str(path) for path in root.rglob("*") if path.is_file() and not path.is_symlink() and _is_elf(path)]
    listed = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=True).stdout
    return {Path(found) for found in _FOUND.findall(listed) if not found.startswith(f"{root}/")}


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ELF)) == _ELF


def _packages(files: Iterable[Path]) -> set[str]:
    """Return the Debian packages that files are from, with their architectures where dpkg tells them."""
    # Packages of before /lib became /usr/lib name their files by the old path.
    names = [name for path in files for name in (str(path), str(path).removeprefix("/usr"))]
    listed = subprocess.run(["dpkg", "--search", *names], capture_output=True, text=True, check=False).stdout
    owners = (line.rpartition(": ")[0] for line in listed.splitlines() if not line.startswith("diversion "))
    return {package.strip() for line in owners for package in line.split(",")}


def _describe(package: str, root: Path) -> None:
    name = package.partition(":")[0]
    record = subprocess.run(["dpkg", "--status", package], capture_output=True, text=True, check=True).stdout
    file = root / "var/lib/dpkg/status.d" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(record)
    copyright_ = Path("/usr/share/doc") / name / "copyright"
    if copyright_.exists():
        target = _target(copyright_, root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(copyright_, target)


def _compile(tree: Path, root: Path) -> None:
    """Write bytecode that is never compared with its source: nobody may write there, and times change on the way."""
    done = compileall.compile_dir(
        _target(tree, root),
        quiet=1,
        rx=_SELDOM_IMPORTED,
        stripdir=str(root),
        prependdir="/",
        workers=0,  # as many as there are processors
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise SystemExit(f"{tree} holds a module that does not compile")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
