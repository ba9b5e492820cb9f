"""The lock files: every distribution pinned and hashed, no index named, and what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(lock: Path) -> list[str]:
    """The logical lines of a lock file."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def pinned(lock: Path) -> list[Requirement]:
    """What a lock file pins."""
    return [Requirement(_HASH.sub("", entry).strip()) for entry in entries(lock)]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_is_one_pinned_and_hashed_distribution(lock: Path) -> None:
    """No option, no URL, no index, no range: pip takes these very files, from whatever index it is told."""
    for entry in entries(lock):
        requirement = Requirement(_HASH.sub("", entry).strip())
        assert _HASH.search(entry), entry
        assert requirement.url is None, entry
        assert [each.operator for each in requirement.specifier] == ["=="], entry
        assert "*" not in str(requirement.specifier), entry
        assert "://" not in entry, entry


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [("runtime.txt", RUNTIME), ("dev.txt", [*RUNTIME, *DEVELOPMENT, *PROJECT["build-system"]["requires"]])],
)
def test_the_pins_satisfy_the_ranges_of_the_project(lock: str, wanted: list[str]) -> None:
    """A range that was raised without `make lock` would be ignored by whoever installs from the lock."""
    pins = {canonicalize_name(each.name): each for each in pinned(ROOT / "requirements" / lock)}
    for text in wanted:
        requirement = Requirement(text)
        pin = pins[canonicalize_name(requirement.name)]
        (version,) = (each.version for each in pin.specifier)
        assert requirement.specifier.contains(version, prereleases=True), f"{text}: {pin}"


def test_both_locks_pin_the_same_versions() -> None:
    """What was tested is what is shipped."""
    runtime, development = (set(map(str, pinned(ROOT / "requirements" / name))) for name in ("runtime.txt", "dev.txt"))
    assert runtime <= development
