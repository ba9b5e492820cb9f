"""Every case of another system that this project answers stands in one part of one table, and no table holds others."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.crd import build_crds

DATA = Path(__file__).parents[1] / "data"
ACCOUNT = DATA / "cases.yaml"
KNOWN: Mapping[str, list[str]] = yaml.safe_load(ACCOUNT.read_text(encoding="utf-8"))
#: A group and a number; ids of other groups are accounted for elsewhere.
_ID = re.compile(r"([A-Z]+)-\d+")
SCHEMAS = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in build_crds()
}


def is_served(field: str) -> bool:
    """Tell whether a field, written as Kind.spec.a.b, is one of our resources'."""
    kind, *path = field.split(".")
    node = SCHEMAS[kind]
    for name in path:
        node = node.get("properties", {}).get(name)
        if node is None:
            return False
    return True


def parts() -> Iterator[tuple[str, Any]]:
    """Yield each part of each table, with where it stands."""
    for path in sorted(DATA.rglob("*.yaml")):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        named = table.items() if isinstance(table, dict) and path != ACCOUNT else ()
        yield from ((f"{path.stem} {part}", rows) for part, rows in named if isinstance(rows, list))


def places() -> Mapping[str, set[str]]:
    """Return where each id of an accounted group stands."""
    found = defaultdict[str, set[str]](set)
    for where, rows in parts():
        for row in rows:
            match = _ID.fullmatch(str(row.get("id"))) if isinstance(row, dict) else None
            if match and match[1] in KNOWN:
                found[match[0]].add(where)
    return found


def test_an_id_stands_under_its_group_and_once() -> None:
    """The account itself has no slip."""
    for group, ids in KNOWN.items():
        assert {identity.rpartition("-")[0] for identity in ids} == {group}
        assert len(set(ids)) == len(ids)


def test_every_known_case_stands_in_one_part_of_one_table() -> None:
    """None is forgotten, none is both agreed with and overruled."""
    known = {identity for ids in KNOWN.values() for identity in ids}
    found = places()
    assert {identity for identity in known if identity not in found} == set()
    assert {identity: where for identity, where in found.items() if len(where) > 1} == {}


def test_no_table_holds_a_case_that_is_not_accounted_for() -> None:
    """A slip in an id is seen."""
    assert {identity for identity in places() if identity not in KNOWN[identity.rpartition("-")[0]]} == set()


IDLE = [pytest.param(row, id=row["id"]) for where, rows in parts() if where.endswith(" not_applicable") for row in rows]


@pytest.mark.parametrize("row", IDLE)
def test_a_case_without_a_counterpart_says_why(row: dict[str, Any]) -> None:
    """The field that it would need, if any, is none of ours, but would stand beside ours."""
    assert len(row["reason"]) > 20
    if "field" in row:
        assert not is_served(row["field"]), "now the case can be tried"
        assert is_served(row["field"].rpartition(".")[0])


LEFT_OUT = [(where, field) for where, fields in parts() if where.endswith(" left_out") for field in fields]


@pytest.mark.parametrize(("where", "field"), LEFT_OUT)
def test_what_rows_leave_out_is_not_there_yet(where: str, field: str) -> None:
    """The day it works, the rows have to say it."""
    assert not is_served(field), where
    assert is_served(field.rpartition(".")[0])
