"""The benchmark's judgement: which figures miss a target, and whose calls the audit log counts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.audit import Audit, tally
from bench.measure import Effort, Memory, Quiet, Restart, Results, Start
from bench.report import missed

USER = "system:serviceaccount:system:operator"


def results(
    *,
    seconds: float = 3.0,
    revisions: int = 2,
    creates: int = 2,
    statuses: int = 2,
    quiet: int = 0,
    restart: int = 0,
    mib: float = 100.0,
) -> Results:
    """Return results of two plans that miss no target unless told otherwise."""
    calls = {
        "create controllerrevisions": revisions,
        "create cronjobs": creates,
        "update launchplans/status": statuses,
        "list launchplans": 2,
    }
    start = Start(Effort(seconds, 1.0, 2.0), 1.0, Effort(2.0, 0.5, 2.0), calls, 1000)
    rest = Restart(1.0, 2.0, {}, restart)
    return Results(2, [start], Quiet(60.0, {}, quiet, 0.0), rest, Memory(10, mib, mib), [0.1])


@pytest.mark.parametrize(
    ("found", "timed", "untimed"),
    [
        (results(), 0, 0),
        (results(seconds=3.1), 1, 0),
        (results(mib=301.0), 1, 0),
        (replace(results(), plugin=[0.31]), 1, 0),
        (results(revisions=3), 1, 1),
        (results(creates=3), 1, 1),
        (results(statuses=4), 1, 1),
        (results(quiet=1), 1, 1),
        (results(restart=1), 1, 1),
        (results(seconds=9.0, mib=999.0, quiet=1), 3, 1),
    ],
    ids=[
        "none",
        "time",
        "memory",
        "a slow plugin",
        "a version too many",
        "a create too many",
        "a status too many",
        "unrest",
        "a busy restart",
        "three",
    ],
)
def test_missed_targets(found: Results, timed: int, untimed: int) -> None:
    """Counts are judged always, times and memory only in a run that is large enough."""
    assert len(missed(found, timed=True)) == timed
    assert len(missed(found, timed=False)) == untimed


def line(verb: str, resource: str, status: int = 200, user: str = USER, **other: Any) -> str:
    """Return a line of the audit log as the API server writes it."""
    event = {
        "stage": "ResponseComplete",
        "requestURI": "/x",
        "verb": verb,
        "user": {"username": user},
        "objectRef": {"resource": resource},
        "responseStatus": {"code": status},
        "stageTimestamp": "2026-11-22T10:00:00.000000Z",
    }
    return json.dumps(event | other, separators=(",", ":")) + "\n"


async def test_the_users_calls_since_the_mark_are_counted(tmp_path: Path) -> None:
    """Others' calls, earlier ones, and a line that is not whole yet are left out; a watch counts when it begins."""
    path = tmp_path / "audit.log"
    path.write_text(line("list", "pods"))
    audit = Audit(path, USER)
    audit.mark()
    status: dict[str, Any] = {"objectRef": {"resource": "launchplans", "subresource": "status"}}
    lines = (
        line("create", "cronjobs", 201),
        line("create", "cronjobs", 201, "somebody else"),
        line("update", "launchplans", 200, **status),
        line("watch", "jobs", stage="ResponseStarted"),
        line("watch", "jobs"),
        line("update", "leases"),
        line("get", "", objectRef=None, requestURI="/apis?timeout=1"),
        line("create", "cronjobs", 201).rstrip("\n"),
    )
    with path.open("a") as log:
        log.writelines(lines)
    assert tally(audit.calls()) == {
        "create cronjobs": 1,
        "update launchplans/status": 1,
        "watch jobs": 1,
        "update leases": 1,
        "get /apis": 1,
    }
    # The Lease is renewed whatever there is to do.
    written = {call.label for call in audit.calls() if call.is_write}
    assert written == {"create cronjobs", "update launchplans/status"}
    await audit.await_calls([("create", "cronjobs"), ("update", "launchplans/status")], 1, 1.0)


async def test_waiting_for_calls_has_an_end(tmp_path: Path) -> None:
    """Refused calls are not what is waited for; what was seen instead is said."""
    path = tmp_path / "audit.log"
    path.write_text(line("create", "cronjobs", 409))
    with pytest.raises(Exception, match="1 create cronjobs"):
        await Audit(path, USER).await_calls([("create", "cronjobs")], 1, 0.0)
