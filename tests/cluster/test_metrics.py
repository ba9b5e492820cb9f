"""Metrics of an operator that works, read by a real Prometheus: what they say, what the alerts and the dashboard find.

One operator serves one namespace in which something of everything happens within two minutes; all is asserted of that.
"""

import http.client
import json
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from launchplan_operator import __version__
from launchplan_operator.api.kinds import EVENTS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.decide.schedule import slot_name
from localcluster.operated import CHART, OperatorProcess, free_port
from localcluster.prometheus import Prometheus
from tests.cluster.support import OUTPUTS, Object, Space, eventually, plan, run_of, words, workflow

MakeSpace = Callable[[], Space]

DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
TARGETS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
}
#: What somebody gave to a run by mistake.
GIVEN = "s3cret-value"
_EVERY_MINUTE = {"fixedRate": {"value": 1, "unit": "Minute"}, "engine": "Operator"}


@dataclass(frozen=True, slots=True)
class Watched:
    """An operator, its namespace, and the Prometheus that reads it."""

    operator: OperatorProcess
    space: Space
    prometheus: Prometheus
    pid: int

    def numbers(self, expression: str, label: str = "") -> dict[str, float]:
        """Return what a query finds, by one label."""
        found = self.prometheus.query(expression)
        return {each["metric"].get(label, ""): float(each["value"][1]) for each in found}

    def await_numbers(self, expression: str, label: str, expected: dict[str, float]) -> None:
        """Wait until a query finds just this."""
        eventually(lambda: self.numbers(expression, label), lambda found: found == expected, 30)


@pytest.fixture(scope="module")
def watched(
    operator: OperatorProcess, new_space: MakeSpace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """All that happens, from the first run to the end of the last."""
    operator.stop()
    space, directory = new_space(), tmp_path_factory.mktemp("metrics")
    only = {"LAUNCHPLAN_OPERATOR_NAMESPACES": space.namespace}
    process = OperatorProcess(operator.kubeconfig, directory / "operator.log", free_port(), only)
    pid = process.start()
    process.await_ready()
    rules = CHART / "files" / "alerts.yaml"
    with Prometheus(directory, {"launchplan-operator": process.port}, rules) as prometheus:
        made = Watched(process, space, prometheus, pid)
        live(made)
        yield made
    process.stop()
    operator.start()
    operator.await_ready()


def live(watched: Watched) -> None:
    """Let runs succeed, fail, be rejected, wait and be skipped, and slots start and be missed; then let nothing more."""
    space = watched.space
    space.offer()
    space.offer("held", workflow(words(OUTPUTS, hold="true")))
    space.offer("broken", workflow({"exit-code": "3"}))
    space.plan("daily")
    begin_schedules(space)
    space.plan("fails", workflowRef={"name": "broken"})
    space.plan("one-by-one", workflowRef={"name": "held"}, concurrency={"max": 1, "behavior": "Queue"})
    space.plan("or-none", workflowRef={"name": "held"}, concurrency={"max": 1, "behavior": "Skip"})
    space.create(LAUNCH_PLANS, "wrong", plan(defaultInputs={"city": "Oslo", "dyas": 3}))
    refer(space)
    space.run("first", run_of("daily"))
    space.run("second", run_of("daily"))
    space.run("bad", run_of("fails"), "Failed")
    space.run("unfit", run_of("daily", inputs={"days": GIVEN}), "Rejected")
    for name, limited in (("holds", "one-by-one"), ("occupies", "or-none")):
        space.create(LAUNCH_PLAN_EXECUTIONS, name, run_of(limited))
        space.in_phase(name, "Running")
    space.create(LAUNCH_PLAN_EXECUTIONS, "waits", run_of("one-by-one"))
    space.in_phase("waits", "Queued")
    space.run("too-many", run_of("or-none"), "Skipped")
    end_schedules(space)
    now = time.time()
    eventually(lambda: watched.numbers("timestamp(launchplan_build_info)", "job"), lambda at: min(at.values()) > now)


def refer(space: Space) -> None:
    """Make references to the plan, one of which expects what it does not give, and a run through the other."""
    for name, output in (("fits", "rows"), ("misfits", "columns")):
        expected = {"outputs": [{"name": output, "type": "integer"}]}
        space.create(REFERENCE_LAUNCH_PLANS, name, {"namespace": space.namespace, "name": "daily"} | expected)
    space.ready(REFERENCE_LAUNCH_PLANS, "fits", "Resolved")
    space.stalled(REFERENCE_LAUNCH_PLANS, "misfits", "InterfaceMismatch")
    space.run("through", run_of("fits", "ReferenceLaunchPlan"))


def begin_schedules(space: Space) -> None:
    """Make two plans of the operator's own clock; of the second the names of the next slots are taken."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for minute in (1, 2, 3):
        space.create(LAUNCH_PLAN_EXECUTIONS, slot_name("taken", now + timedelta(minutes=minute)), run_of("daily"))
    for name in ("ticks", "taken"):
        space.plan(name, schedule=_EVERY_MINUTE)


def end_schedules(space: Space) -> None:
    """Wait until each has had a slot and its run is over, and let there be no more."""
    space.until(LAUNCH_PLANS, "taken", lambda obj: counts(obj).get("missed"), 75)
    space.until(LAUNCH_PLANS, "ticks", lambda obj: counts(obj).get("succeeded"), 75)
    for name in ("ticks", "taken"):
        space.edit(LAUNCH_PLANS, name, spec={"suspend": True})
        space.ready(LAUNCH_PLANS, name, "Suspended")
    space.until(LAUNCH_PLANS, "ticks", lambda obj: obj["status"].get("running") == 0)


def counts(obj: Object) -> Object:
    """Return a plan's own counts."""
    found: Object = (obj.get("status") or {}).get("counts") or {}
    return found


def slots(space: Space) -> dict[str, float]:
    """Return what became of all slots, as the plans' own status has it."""
    started, missed = (counts(space.read(LAUNCH_PLANS, name)) for name in ("ticks", "taken"))
    return {"started": started["started"], "missed": missed["missed"]}


def nonzero(numbers: dict[str, float]) -> dict[str, float]:
    """Return what is not 0."""
    return {label: number for label, number in numbers.items() if number}


def decided(watched: Watched) -> list[Object]:
    """Return the operator's log lines about decisions."""
    lines = [json.loads(line) for line in watched.operator.log.read_text().splitlines()]
    return [line for line in lines if line["logger"] == "launchplan_operator.decisions"]


def get(port: int, path: str) -> tuple[int, str]:
    """Ask an operator for a path; returns status and text."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_slots_are_counted_as_the_plans_count_them(watched: Watched) -> None:
    """By outcome, once each."""
    expected = slots(watched.space)
    assert expected["started"] >= 1
    assert expected["missed"] >= 1
    eventually(lambda: nonzero(watched.numbers("launchplan_slots_total", "outcome")), lambda found: found == expected)
    lags = watched.numbers("launchplan_slot_start_lag_seconds_count", "origin")
    assert nonzero(lags) == {"Schedule": expected["started"]}
    (lag,) = watched.numbers("launchplan_slot_start_lag_seconds_sum / launchplan_slot_start_lag_seconds_count").values()
    assert 0 <= lag < 10


def test_runs_are_counted_by_how_they_began_and_ended(watched: Watched) -> None:
    """Each once: of those by hand three have the names of slots, and one a value that does not fit.

    One is done by another execution, which counts, too, and has the Job.
    """
    started = slots(watched.space)["started"]
    expected = {"Succeeded": 4 + started, "Failed": 1, "Skipped": 1, "Rejected": 4}
    assert nonzero(watched.numbers("launchplan_executions_ended_total", "phase")) == expected
    begun = {"Manual": 5, "Reference": 1, "Schedule": started}
    assert watched.numbers("launchplan_executions_started_total", "origin") == begun
    present = expected | {"Running": 2, "Queued": 1}
    assert watched.numbers("launchplan_executions", "phase") == present


def test_what_stands_is_shown_as_it_stands(watched: Watched) -> None:
    """Plans, those that are stalled, runs, and references by how they stand."""
    where = watched.space.namespace
    shown = {
        "launchplan_plans": 7,
        "launchplan_plans_stalled": 1,
        "launchplan_runs_running": 2,
        "launchplan_runs_queued": 1,
    }
    assert {name: watched.numbers(name, "namespace") for name in shown} == {
        name: {where: number} for name, number in shown.items()
    }
    assert watched.numbers("launchplan_references", "reason") == {"Resolved": 1, "InterfaceMismatch": 1}


def test_the_wait_for_a_seat_is_measured(watched: Watched) -> None:
    """Of those that got one; and the ledger's writes met nobody's."""
    before = watched.numbers("launchplan_admission_wait_seconds_count")[""]
    watched.space.release(watched.space.running_pod("holds"))
    watched.space.in_phase("waits", "Running")
    watched.await_numbers("launchplan_admission_wait_seconds_count", "", {"": before + 1})
    (longest,) = watched.numbers("launchplan_admission_wait_seconds_sum").values()
    assert longest >= 1
    watched.await_numbers("launchplan_runs_queued", "namespace", {watched.space.namespace: 0})


def test_each_decision_is_one_line(watched: Watched) -> None:
    """As often as it is counted, with the keys that they all have, and without what a run was given."""
    lines = decided(watched)
    assert {tuple(sorted(line)) for line in lines} == {
        ("decision", "execution", "level", "logger", "message", "namespace", "plan", "reason", "slot", "time")
    }
    told = Counter(line["decision"] for line in lines)
    began = sum(watched.numbers("launchplan_executions_started_total", "origin").values())
    assert told["started"] == began
    assert told["missed"] == slots(watched.space)["missed"]
    assert (told["rejected"], told["skipped"]) == (4, 1)
    assert {line["reason"] for line in lines if line["execution"] == "unfit"} == {"TypeMismatch"}
    assert max(Counter((line["decision"], line["execution"], line["slot"]) for line in lines).values()) == 1
    assert GIVEN not in watched.operator.log.read_text()


def test_an_event_tells_of_each_transition_once(watched: Watched) -> None:
    """However often the run or the plan is looked at."""
    space = watched.space
    seen = Counter((each["involvedObject"]["name"], each["reason"]) for each in space.all(EVENTS) if is_ours(each))
    expected = {
        ("unfit", "TypeMismatch"),
        ("too-many", "LimitReached"),
        ("bad", "JobFailed"),
        ("wrong", "UnexpectedInput"),
    }
    assert {each: seen[each] for each in expected} == dict.fromkeys(expected, 1)
    assert all(each["count"] == 1 for each in space.all(EVENTS) if is_ours(each))


def is_ours(event: Object) -> bool:
    """Tell whether the operator sent an event."""
    return bool(event.get("reportingComponent") == "launchplan-operator")


def test_requests_and_queue_have_the_names_of_client_go(watched: Watched) -> None:
    """With what happened here; the operator rests now, and leads."""
    assert watched.numbers('sum(rest_client_requests_total{code="201", method="POST"})')[""] > 10
    assert watched.numbers('sum(rest_client_requests_total{code=~"5..|<error>"})') == {}
    assert watched.numbers("workqueue_adds_total", "name")["LaunchPlanExecution"] > 10
    watched.await_numbers("sum(workqueue_depth)", "", {"": 0})
    watched.await_numbers("sum(workqueue_unfinished_work_seconds)", "", {"": 0})
    assert watched.numbers("leader_election_master_status", "name") == {"launchplan-operator": 1}
    assert watched.numbers("launchplan_build_info", "version") == {__version__: 1}
    assert watched.numbers("process_resident_memory_bytes")[""] > 50e6
    heard = watched.numbers("launchplan_watch_staleness_seconds", "kind")
    own = {"workflowdefinitions", "launchplans", "referencelaunchplans", "launchplanexecutions"}
    assert set(heard) == own | {"cronjobs", "jobs", "pods"}
    # A bookmark comes every minute, a little more or less.
    assert max(heard.values()) < 90


def test_the_alerts_find_what_happened(watched: Watched) -> None:
    """A slot was missed; a plan and a reference are broken, though not for long yet; all else is well, and no rule fails."""
    eventually(watched.prometheus.rule_errors, lambda errors: errors == {})
    alerts = {(each["labels"]["alertname"], each["state"]): each for each in watched.prometheus.alerts()}
    assert set(alerts) == {
        ("LaunchPlanSlotsMissed", "firing"),
        ("LaunchPlanPlansStalled", "pending"),
        ("LaunchPlanReferencesBroken", "pending"),
    }
    missed = alerts["LaunchPlanSlotsMissed", "firing"]
    assert missed["labels"]["namespace"] == watched.space.namespace
    assert missed["annotations"]["summary"].endswith(f" in {watched.space.namespace} passed without a run")
    assert missed["annotations"]["runbook"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_query_of_the_dashboard_finds_something(watched: Watched, target: str) -> None:
    """Numbers, as Grafana would ask for them."""
    expression = TARGETS[target].replace("$namespace", ".*").replace("$__rate_interval", "5m")
    found = watched.prometheus.query(expression)
    assert found
    assert all(math.isfinite(float(each["value"][1])) for each in found)


def test_the_dashboard_shows_what_stands(watched: Watched) -> None:
    """Its first row, in numbers."""
    shown = {}
    for title in ("Plans", "Stalled plans", "Running"):
        expression = TARGETS[f"{title} A"].replace("$namespace", watched.space.namespace)
        shown[title] = watched.numbers(expression)
    assert shown == {"Plans": {"": 7}, "Stalled plans": {"": 1}, "Running": {"": 2}}
    references = TARGETS["References by reason A"].replace("$namespace", watched.space.namespace)
    assert watched.numbers(references, "reason") == {"Resolved": 1, "InterfaceMismatch": 1}
    outcomes = watched.numbers(
        TARGETS["Slots by outcome A"].replace("$namespace", ".*").replace("$__rate_interval", "5m"), "outcome"
    )
    # Prometheus reckons an increase up to the ends of its interval.
    assert outcomes["missed"] >= 1
    assert outcomes["caught_up"] == 0


def test_one_that_stands_by_is_ready_and_says_so(watched: Watched, tmp_path: Path) -> None:
    """It knows as much, and decides nothing."""
    operator = watched.operator
    other = OperatorProcess(operator.kubeconfig, tmp_path / "other.log", free_port(), dict(operator.environment))
    other.start()
    try:
        other.await_ready()
        assert get(other.port, "/livez") == (200, "ok\n")
        _, text = get(other.port, "/metrics")
    finally:
        other.stop()
    assert 'leader_election_master_status{name="launchplan-operator"} 0.0' in text
    assert f'launchplan_plans{{namespace="{watched.space.namespace}"}} 7.0' in text
    assert f'launchplan_slots_total{{namespace="{watched.space.namespace}",outcome="missed"}} 0.0' in text


def test_a_stopped_operator_is_not_alive(watched: Watched) -> None:
    """Whoever asks gets no answer in time; it is as before once it goes on."""
    os.kill(watched.pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            get(watched.operator.port, "/livez")
    finally:
        os.kill(watched.pid, signal.SIGCONT)
    eventually(lambda: get(watched.operator.port, "/livez"), lambda answer: answer == (200, "ok\n"))
