"""Where the operator calls the API server: found in its sources, and recognised at run time by the line that calls."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import launchplan_operator

_ROOT = Path(launchplan_operator.__file__).parent
#: The door itself, and what stands behind it, call for others.
_DOOR = str(_ROOT / "kube" / "client.py")
_WRITES = frozenset({"create", "replace", "patch", "delete"})
_PIECEMEAL = frozenset({"chunks", "watch"})
_READS = frozenset({"get", "list", "chunks", "watch"})
#: Functions that call for many: their callers are the sites.
_SHARED = frozenset({"write_status"})

#: Calls that nearly every life makes more than once, or every one where people refer to plans; all others are seldom.
OFTEN = frozenset(
    {
        "elector._claim:create",
        "elector._claim:replace",
        "elector._look:get",
        "elector.release:get",
        "elector.release:replace",
        "ending.reject:write_status",
        "unstarted.write_aborted:write_status",
        "events._send:create",
        "follow.follow_job:write_status",
        "launch._create:create",
        "launch._wait:write_status",
        "plan._mark:patch",
        "plan.reconcile_plan:write_status",
        "plancron.create_cronjob:create",
        "planschedule._find_cronjob:get",
        "rebuild.rebuild_ledger:list",
        "reference.reconcile_reference:write_status",
        "revisions._meet:get",
        "revisions._revisions_of:list",
        "revisions.keep_revision:create",
        "revisions.load_revision:get",
        "seats._open_pods:list",
        "slotruns._ask:create",
        "tombstone.occupy_name:create",
        "uncounted._as_it_is:get",
        "watch._list:chunks",
        "watch._watch:watch",
        "workflow._check:write_status",
        "workflow._dry_run:create",
    }
)

#: Calls so seldom that they are lain in wait for whatever else befell the seed.
RAREST = frozenset(
    {
        "booking.remove_late:delete",
        "execution._remove_straggler:get",
        "planpast._wake_controller:replace",
        "remote._find:get",
        "requester.end_remote:patch",
        "retention.remove_execution:get",
        "slotruns._start:get",
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One call in the sources.

    Attributes:
        name: `module.function:verb`; of a shared function also who calls it.
        writes: whether it may change something.
    """

    name: str
    writes: bool


@dataclass(frozen=True, slots=True)
class _Found:
    file: str
    first: int
    last: int
    function: str
    verb: str


@cache
def all_sites() -> tuple[Site, ...]:
    """Return every call of the client in the reconcilers and in what runs beside them, sorted."""
    found = [*_client_calls(), *_shared_calls()]
    return tuple(sorted({_site(each) for each in found if each.function not in _SHARED}))


@cache
def _by_line() -> dict[tuple[str, int], Site]:
    return {
        (each.file, line): _site(each)
        for each in (*_client_calls(), *_shared_calls())
        for line in range(each.first, each.last + 1)
    }


@cache
def _streams() -> dict[tuple[str, str], Site]:
    """Return the calls whose answer comes in pieces: it is taken on other lines than the one that asked."""
    found = (each for each in _client_calls() if each.verb in _PIECEMEAL)
    return {(each.file, each.function): _site(each) for each in found}


def calling_site() -> Site | None:
    """Return the site that the present call of a transport comes from, or None if no source of ours called."""
    frame = sys._getframe(1).f_back
    while frame is not None:
        code = frame.f_code
        if code.co_filename != _DOOR and code.co_name not in _SHARED:
            site = _by_line().get((code.co_filename, frame.f_lineno)) or _streams().get(
                (code.co_filename, code.co_name)
            )
            if site is not None:
                return site
        frame = frame.f_back
    return None


def _site(found: _Found) -> Site:
    module = Path(found.file).stem
    return Site(f"{module}.{found.function}:{found.verb}", found.verb in _WRITES or found.verb in _SHARED)


@cache
def _client_calls() -> tuple[_Found, ...]:
    return tuple(each for each in _calls() if each.verb in _WRITES | _READS)


@cache
def _shared_calls() -> tuple[_Found, ...]:
    return tuple(each for each in _calls() if each.verb in _SHARED)


@cache
def _calls() -> tuple[_Found, ...]:
    files = sorted([*(_ROOT / "reconcile").glob("*.py"), *(_ROOT / "kube").glob("*.py")])
    return tuple(call for file in files if str(file) != _DOOR for call in _calls_of(file))


def _calls_of(file: Path) -> Iterator[_Found]:
    tree = ast.parse(file.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and (verb := _verb(node.func)) is not None:
                    yield _Found(str(file), node.lineno, node.end_lineno or node.lineno, function.name, verb)


def _verb(function: ast.expr) -> str | None:
    """Return what is called: a verb of a client, or a shared function by its name."""
    if isinstance(function, ast.Name):
        return function.id if function.id in _SHARED else None
    if not isinstance(function, ast.Attribute) or function.attr not in _WRITES | _READS:
        return None
    owner = function.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return function.attr if name.lstrip("_") == "client" else None
