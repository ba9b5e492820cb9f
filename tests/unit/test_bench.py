"""The benchmark's judgement: which figures miss a target, and whose calls the audit log counts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.audit import Audit, tally
from bench.lag import Lag, summarise
from bench.limits import Admission, Flow, bare
from bench.measure import Effort, Load, Memory, Quiet, Restart, Results, Start
from bench.report import missed, show
from bench.scheduling import shared_by_process

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


def load(
    *, admission: tuple[float, ...] = (1.5,), flow: float = 4.0, p99: float = 5.0, floor: float = 1.0, lost: int = 0
) -> Results:
    """Return results of a load that misses no target unless told otherwise."""
    ours, bare_writes = Lag(200, 600, lost, 1.0, p99), Lag(200, 200, 0, 1.0, floor)
    native = Lag(200, 600, 300, 10.0, 22.0)
    admissions = [Admission(500, seconds, 1.0, 1.2, 2) for seconds in admission]
    return Results(0, loads=[Load(False, admissions, Flow(500, 10, flow, 6.0), [(ours, bare_writes, native)])])


@pytest.mark.parametrize(
    ("found", "timed", "untimed"),
    [
        (load(), 0, 0),
        (load(admission=(1.6,)), 1, 0),
        (load(admission=(1.4, 1.4, 1.6)), 0, 0),
        (load(flow=3.9), 1, 0),
        (load(p99=5.1), 1, 0),
        (load(p99=5.1, floor=4.0), 0, 0),
        (load(p99=6.1, floor=4.0), 1, 0),
        (load(lost=1), 1, 1),
    ],
    ids=[
        "none",
        "a slow admission",
        "one that is slow once",
        "a slow flow",
        "a long lag",
        "one that its floor excuses",
        "one that it does not",
        "a lost slot",
    ],
)
def test_missed_targets_of_a_load(found: Results, timed: int, untimed: int) -> None:
    """A lost slot is one in any run; what others lose is none."""
    assert len(missed(found, timed=True)) == timed
    assert len(missed(found, timed=False)) == untimed
    lines: list[str] = []
    show(found, lines.append, timed=True)
    assert any("times where the client follows Jobs and pods too" in line for line in lines)
    assert any("500 runs through 10 places" in line and "a second, bare Jobs 6.0" in line for line in lines)


def test_lags_are_summarised_by_their_median_and_their_ninety_ninth_part() -> None:
    assert summarise(1, 200, [float(n) for n in range(200)]) == Lag(1, 200, 0, 100.0, 198.0)
    assert summarise(1, 3, [1.0, 2.0]) == Lag(1, 3, 1, 2.0, 2.0)
    assert summarise(1, 3, []) == Lag(1, 3, 3, 0.0, 0.0)


def test_a_bare_job_is_what_was_asked_for() -> None:
    own = {"app": "x"}
    given = {"batch.kubernetes.io/job-name": "a", "controller-uid": "u"}
    metadata = {"name": "a", "namespace": "n", "labels": own | given, "uid": "u", "ownerReferences": [{}]}
    spec = {"selector": {}, "template": {"metadata": {"labels": own | given}, "spec": {}}}
    made = bare({"metadata": metadata, "spec": spec, "status": {}})
    assert made["metadata"] == {"name": "a", "namespace": "n", "labels": own}
    assert made["spec"] == {"template": {"metadata": {"labels": own}, "spec": {}}}


@pytest.mark.parametrize(("setting", "meanwhile"), [("1\n", "0"), ("0\n", "0\n")], ids=["grouping", "not grouping"])
def test_the_processors_are_shared_by_process_and_then_as_before(tmp_path: Path, setting: str, meanwhile: str) -> None:
    grouping = tmp_path / "setting"
    grouping.write_text(setting)

    def be_interrupted() -> None:
        assert grouping.read_text() == meanwhile
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), shared_by_process(lambda _: None, grouping):
        be_interrupted()
    assert grouping.read_text().strip() == setting.strip()


def test_who_may_not_share_them_by_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is there such a setting everywhere."""
    grouping, said = tmp_path / "setting", list[str]()

    def refuse(*_: object) -> None:
        raise PermissionError

    with shared_by_process(said.append, grouping):
        assert not said
    grouping.write_text("1")
    monkeypatch.setattr(Path, "write_text", refuse)
    with shared_by_process(said.append, grouping):
        assert any("may not write" in each for each in said)


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
