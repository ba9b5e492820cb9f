"""The programs that are built from pinned modules: what is pinned, and what the programs say of themselves."""

import re
from dataclasses import replace

import pytest

from localcluster.toolsets import CONTAINERD, HELM, KUBERNETES, TOOL_SETS, ToolSet, go_version_of

SETS = [pytest.param(tools, id=name) for name, tools in TOOL_SETS.items()]
STAMPED = [pytest.param(each, id=each.name) for each in (KUBERNETES, CONTAINERD, HELM)]


@pytest.mark.parametrize("tools", SETS)
def test_a_set_is_pinned_down_to_its_sums(tools: ToolSet) -> None:
    """Nothing is taken from a place on this machine."""
    assert go_version_of(tools.go_mod) >= (1, 20)
    assert re.search(r"=> \.", tools.go_mod) is None
    required = re.findall(r"^\s+(\S+\.\S+/\S+) (v\S+)", tools.go_mod, re.MULTILINE)
    replaced = set(re.findall(r"^\s+(\S+) => ", tools.go_mod, re.MULTILINE))
    sums = (tools.directory / "go.sum").read_text()
    missing = [name for name, version in required if name not in replaced and f"{name} {version}/go.mod " not in sums]
    assert missing == []


@pytest.mark.parametrize("tools", STAMPED)
def test_a_program_says_the_version_that_is_pinned(tools: ToolSet) -> None:
    """It is written into it when it is linked."""
    assert re.fullmatch(r"v\d+\.\d+\.\d+", tools.version)
    assert f"={tools.version}" in tools.flags[-1]


@pytest.mark.parametrize("tools", SETS)
def test_whatever_changes_a_program_changes_where_it_lies(tools: ToolSet) -> None:
    """So that an old one is never taken for a new one."""
    others = (replace(tools, tags=("other",)), replace(tools, programs={"other": "."}))
    assert len({tools.fingerprint, *(each.fingerprint for each in others)}) == 3
    assert re.fullmatch(r"[0-9a-f]{10}", tools.fingerprint)
