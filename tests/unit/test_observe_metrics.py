"""What `/metrics` shows of what the parts of the operator tell: nothing twice, and never more series than is said."""

import asyncio
import json
import logging
import re
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.kube.cache import Cache
from launchplan_operator.observe.catalogue import CATALOGUE, PROCESS
from launchplan_operator.observe.logs import JsonFormatter
from launchplan_operator.observe.metrics import Metrics
from launchplan_operator.observe.watches import Watches
from tests.fake.virtual import virtual_time

Object = dict[str, Any]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(metrics: Metrics) -> Samples:
    """Return what Prometheus reads, by name and labels."""
    text, _ = metrics.render("")
    families = text_string_to_metric_families(text.decode())
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def value(metrics: Metrics, name: str, /, **labels: str) -> float:
    """Return one value; it must be there."""
    return scrape(metrics)[name, tuple(sorted(labels.items()))]


def run_in(namespace: str, name: str, phase: str | None, version: int, *, job: bool = False) -> Object:
    """Return an execution."""
    status = {"phase": phase} if phase else {}
    return {
        "metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)},
        "spec": {"launchPlanRef": {"name": "daily"}},
        "status": status | ({"jobRef": {"name": name, "uid": name}} if job else {}),
    }


def plan_in(namespace: str, name: str, version: int, *, stalled: bool) -> Object:
    """Return a plan."""
    condition = {"type": "Stalled", "status": str(stalled)}
    return {
        "metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)},
        "status": {"conditions": [condition]},
    }


def reference_in(namespace: str, name: str, reason: str | None, version: int) -> Object:
    """Return a reference that stands as it does for a reason; None is one that nobody looked at."""
    found: Object = {"metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)}}
    if reason is None:
        return found
    condition = {"type": "Ready", "status": str(reason == "Resolved"), "reason": reason}
    return found | {"status": {"conditions": [{"type": "Stalled", "reason": "other"}, condition]}}


@virtual_time
async def test_the_catalogue_is_what_is_shown() -> None:
    """Every metric with its type and its help, and no other."""
    metrics = Metrics("1.2.3")
    metrics.show_leader("lease", lambda: True)
    metrics.show_dropped_events(lambda: 0)
    metrics.watches.note("jobs", None, heard=True)
    text = metrics.render("")[0].decode()
    shown = set(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert shown == {(each.name, each.type) for each in CATALOGUE}
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))
    assert {each.name: each.help for each in CATALOGUE if each not in PROCESS}.items() <= helps.items()
    assert value(metrics, "launchplan_build_info", version="1.2.3") == 1


@virtual_time
async def test_the_queue_is_told_apart_by_kind() -> None:
    """With what waits, what is under way, and for how long."""
    metrics = Metrics("1")
    queue, key = metrics.queue, ("LaunchPlan", "team", "daily")
    for each in (key, ("LaunchPlanExecution", "team", "a")):
        queue.added(each)
    assert value(metrics, "workqueue_depth", name="LaunchPlan") == 1
    queue.began(key, 3.0)
    await asyncio.sleep(7)
    assert value(metrics, "workqueue_depth", name="LaunchPlan") == 0
    assert value(metrics, "workqueue_depth", name="LaunchPlanExecution") == 1
    assert value(metrics, "workqueue_longest_running_processor_seconds", name="LaunchPlan") == 7
    assert value(metrics, "workqueue_unfinished_work_seconds", name="LaunchPlan") == 7
    queue.retried(key)
    queue.ended(key)
    assert value(metrics, "workqueue_longest_running_processor_seconds", name="LaunchPlan") == 0
    assert value(metrics, "workqueue_adds_total", name="LaunchPlan") == 1
    assert value(metrics, "workqueue_retries_total", name="LaunchPlan") == 1
    assert value(metrics, "workqueue_queue_duration_seconds_sum", name="LaunchPlan") == 3
    assert value(metrics, "workqueue_work_duration_seconds_sum", name="LaunchPlan") == 7


@virtual_time
async def test_requests_are_counted_as_client_go_counts_them() -> None:
    """By HTTP method and status; one without an answer has none."""
    metrics = Metrics("1")
    for verb, status in (("list", 200), ("get", 404), ("create", 201), ("patch", 0), ("watch", 200)):
        metrics.called(verb, "jobs", status, 0.02)
    assert value(metrics, "rest_client_requests_total", code="200", method="GET") == 2
    assert value(metrics, "rest_client_requests_total", code="404", method="GET") == 1
    assert value(metrics, "rest_client_requests_total", code="201", method="POST") == 1
    assert value(metrics, "rest_client_requests_total", code="<error>", method="PATCH") == 1
    assert value(metrics, "rest_client_request_duration_seconds_count", verb="GET") == 2


@virtual_time
async def test_executions_and_plans_follow_their_caches() -> None:
    """What comes, changes and goes, each once."""
    metrics, runs, plans = Metrics("1"), Cache(), Cache()
    runs.listen(metrics.standing.execution_changed)
    plans.listen(metrics.standing.plan_changed)
    plans.put(plan_in("team", "daily", 1, stalled=True))
    for version, (phase, job) in enumerate(((None, False), ("Queued", False), ("Queued", True), ("Running", True)), 1):
        runs.put(run_in("team", f"run-{version}", phase, version, job=job))
    runs.put(run_in("team", "done", "Succeeded", 9, job=True))
    assert value(metrics, "launchplan_runs_running", namespace="team") == 2
    assert value(metrics, "launchplan_runs_queued", namespace="team") == 2
    assert value(metrics, "launchplan_executions", phase="New") == 1
    assert value(metrics, "launchplan_executions", phase="Succeeded") == 1
    assert value(metrics, "launchplan_plans_stalled", namespace="team") == 1
    plans.put(plan_in("team", "daily", 2, stalled=False))
    runs.put(run_in("team", "run-4", "Failed", 10, job=True))
    runs.remove(run_in("team", "run-3", "Queued", 11))
    assert value(metrics, "launchplan_plans_stalled", namespace="team") == 0
    assert value(metrics, "launchplan_plans", namespace="team") == 1
    assert value(metrics, "launchplan_runs_running", namespace="team") == 0
    assert ("launchplan_executions", (("phase", "Running"),)) not in scrape(metrics)


@virtual_time
async def test_references_follow_their_cache() -> None:
    """By namespace and by why they stand as they do; none that is well is a number, and one that is gone is none."""
    metrics, references = Metrics("1"), Cache()
    references.listen(metrics.standing.reference_changed)

    def shown(namespace: str) -> dict[str, float]:
        found = {dict(labels).get("reason", ""): labels for name, labels in scrape(metrics) if name == gauge}
        return {
            reason: value(metrics, gauge, **dict(labels))
            for reason, labels in found.items()
            if dict(labels)["namespace"] == namespace
        }

    gauge = "launchplan_references"
    references.put(reference_in("team", "theirs", None, 1))
    assert shown("team") == {"New": 1, "Resolved": 0}
    references.put(reference_in("team", "theirs", "TargetUnavailable", 2))
    references.put(reference_in("team", "others", "InterfaceMismatch", 3))
    assert shown("team") == {"TargetUnavailable": 1, "InterfaceMismatch": 1, "Resolved": 0}
    references.put(reference_in("team", "theirs", "Resolved", 4))
    references.put(reference_in("team", "others", "Resolved", 5))
    assert shown("team") == {"Resolved": 2}
    references.remove(reference_in("team", "others", "Resolved", 6))
    assert shown("team") == {"Resolved": 1}
    references.remove(reference_in("team", "theirs", "Resolved", 7))
    assert shown("team") == {}


@virtual_time
async def test_a_run_through_a_reference_runs_where_its_job_is() -> None:
    """It waits where it was asked for, too, but never while it runs elsewhere."""
    metrics, runs = Metrics("1"), Cache()
    runs.listen(metrics.standing.execution_changed)
    steps = {"Queued": (0, 1), "Running": (0, 0), "Aborting": (0, 0), "Aborted": (0, 0)}
    # One that has a Job, so that there is a number to be seen.
    runs.put(run_in("team", "other", "Running", 1, job=True))
    for version, (phase, (running, queued)) in enumerate(steps.items(), 2):
        runs.put(run_in("team", "local", phase, version))
        assert value(metrics, "launchplan_runs_running", namespace="team") == 1 + running
        assert value(metrics, "launchplan_runs_queued", namespace="team") == queued


@virtual_time
async def test_namespaces_beyond_the_limit_share_a_label() -> None:
    """However many tenants there are, and however many plans and runs each has."""
    metrics, plans, runs = Metrics("1", namespaces=3), Cache(), Cache()
    plans.listen(metrics.standing.plan_changed)
    runs.listen(metrics.standing.execution_changed)
    for number in range(50):
        plans.put(plan_in(f"team-{number}", f"plan-{number}", number + 1, stalled=True))
        runs.put(run_in(f"team-{number}", f"run-{number}", "Running", number + 1, job=True))
    scrape(metrics)
    samples = scrape(metrics)
    namespaces = {dict(labels)["namespace"] for _, labels in samples if "namespace" in dict(labels)}
    assert namespaces == {"team-0", "team-1", "team-2", "_other"}
    assert samples["launchplan_plans_stalled", (("namespace", "_other"),)] == 47
    names = {label for _, labels in samples for label, _ in labels}
    assert names <= {
        "namespace",
        "outcome",
        "phase",
        "name",
        "kind",
        "version",
        "le",
        "origin",
        "code",
        "method",
        "verb",
    }
    assert len(samples) < 400


@virtual_time
async def test_a_namespace_begins_at_zero() -> None:
    """Else its first missed slot would be no increase."""
    metrics, plans = Metrics("1"), Cache()
    plans.listen(metrics.standing.plan_changed)
    plans.put(plan_in("team", "daily", 1, stalled=False))
    scrape(metrics)
    assert value(metrics, "launchplan_slots_total", namespace="team", outcome="missed") == 0
    metrics.status_written(LAUNCH_PLANS, plan_in("team", "daily", 1, stalled=False), {"counts": {"missed": 2}})
    assert value(metrics, "launchplan_slots_total", namespace="team", outcome="missed") == 2


@virtual_time
async def test_conflicts_are_counted_and_decide_nothing() -> None:
    """Those of a ledger among them."""
    metrics = Metrics("1")
    metrics.status_conflicted(LAUNCH_PLANS, {"concurrency": {"planUid": "u"}})
    metrics.status_conflicted(LAUNCH_PLANS, {})
    metrics.status_conflicted(LAUNCH_PLAN_EXECUTIONS, {"phase": "Running"})
    assert value(metrics, "launchplan_ledger_conflicts_total") == 1
    assert value(metrics, "launchplan_status_conflicts_total", kind="LaunchPlan") == 2
    assert value(metrics, "launchplan_status_conflicts_total", kind="LaunchPlanExecution") == 1


@virtual_time
async def test_a_decision_is_one_line_with_fixed_keys(caplog: pytest.LogCaptureFixture) -> None:
    """And the write that it came with is not kept from having been done by what cannot be told of it."""
    caplog.set_level(logging.INFO)
    metrics, run = Metrics("1"), run_in("team", "a", None, 1)
    condition = {"type": "Ready", "status": "False", "reason": "TypeMismatch", "message": "found 'hunter2'"}
    metrics.status_written(LAUNCH_PLAN_EXECUTIONS, run, {"phase": "Rejected", "conditions": [condition]})
    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    del line["time"]
    assert line == {
        "level": "info",
        "logger": "launchplan_operator.decisions",
        "message": "decided",
        "decision": "rejected",
        "namespace": "team",
        "plan": "daily",
        "execution": "a",
        "slot": None,
        "reason": "TypeMismatch",
    }
    metrics.status_written(LAUNCH_PLAN_EXECUTIONS, run, {"phase": "NoPhase"})
    assert caplog.records[-1].levelname == "ERROR"


@virtual_time
async def test_a_watch_that_hears_nothing_is_stale_and_one_that_does_nothing_is_stuck() -> None:
    """An API server that cannot be reached is no reason to start anew."""
    watches = Watches(stuck_after=100)
    for namespace in ("a", "b"):
        watches.note("jobs", namespace, heard=True)
    watches.note("pods", None, heard=True)
    for _ in range(12):
        await asyncio.sleep(10)
        watches.note("jobs", "a", heard=True)
        watches.note("pods", None, heard=False)
    assert watches.staleness() == {"jobs": 120, "pods": 120}
    assert watches.stuck() == ("jobs",)
    watches.note("jobs", "b", heard=False)
    assert watches.stuck() == ()
    assert watches.staleness()["jobs"] == 120


@virtual_time
async def test_a_scrape_of_ten_thousand_plans_holds_up_nothing() -> None:
    """It costs what there are namespaces, not what there are plans and runs."""
    metrics, plans, runs = Metrics("1"), Cache(), Cache()
    plans.listen(metrics.standing.plan_changed)
    runs.listen(metrics.standing.execution_changed)
    for number in range(10_000):
        plans.put(plan_in(f"team-{number % 100}", f"plan-{number}", number + 1, stalled=number % 7 == 0))
        runs.put(run_in(f"team-{number % 100}", f"run-{number}", "Succeeded", number + 1, job=True))
    scrape(metrics)
    began = time.perf_counter()
    metrics.render("")
    assert time.perf_counter() - began < 0.25
