"""What the operator costs the API server, read from the server's own audit log."""

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.audit import Audit, settled
from tests.cluster.support import NEVER, Space, plan, run_of, template, workflow

_MANY = 20


@pytest.fixture
def audit(cluster: LocalCluster) -> Audit:
    """The audit log from now on."""
    return Audit(cluster.audit_log).from_now()


def test_a_new_workflow_costs_a_dry_run_and_a_status_write(space: Space, audit: Audit) -> None:
    """The dry run is a create that stores nothing; nothing is read."""
    space.offer()
    assert settled(lambda: audit.all(space.namespace)) == {
        ("create", "jobs"): 1,
        ("update", "workflowdefinitions/status"): 1,
    }


def test_a_new_scheduled_plan_costs_its_version_a_cronjob_and_a_status_write(
    space: Space, cluster: LocalCluster
) -> None:
    """One write each, for twenty at once; nothing is read, tried twice or refused."""
    space.offer()
    audit = Audit(cluster.audit_log).from_now()
    for number in range(_MANY):
        space.create(LAUNCH_PLANS, f"daily-{number}", plan(schedule=NEVER))
    for number in range(_MANY):
        space.ready(LAUNCH_PLANS, f"daily-{number}", "Active")
    assert settled(lambda: audit.all(space.namespace)) == {
        ("create", "controllerrevisions"): _MANY,
        ("create", "cronjobs"): _MANY,
        ("update", "launchplans/status"): _MANY,
    }


def test_an_unscheduled_plan_costs_its_version_and_a_status_write(space: Space, cluster: LocalCluster) -> None:
    """There is nothing else to say."""
    space.offer()
    audit = Audit(cluster.audit_log).from_now()
    space.plan("daily")
    assert settled(lambda: audit.all(space.namespace)) == {
        ("create", "controllerrevisions"): 1,
        ("update", "launchplans/status"): 1,
    }


def test_a_roll_back_costs_a_look_at_the_version_a_template_and_a_status(space: Space, cluster: LocalCluster) -> None:
    """The old version is read once; after that the plan costs nothing more than any other."""
    space.offer()
    # A content of its own: what another test had read back already would not be asked for again.
    first = space.plan("daily", schedule=NEVER, labels={"test": space.namespace})["status"]["activeVersion"]
    space.edit(LAUNCH_PLANS, "daily", spec={"defaultInputs": {"city": "Rome"}})
    space.ready(LAUNCH_PLANS, "daily", "Active")
    audit = Audit(cluster.audit_log).from_now()
    space.edit(LAUNCH_PLANS, "daily", spec={"activeVersion": first})
    space.ready(LAUNCH_PLANS, "daily", "Active")
    assert settled(lambda: audit.all(space.namespace)) == {
        ("get", "controllerrevisions"): 1,
        ("update", "cronjobs"): 1,
        ("update", "launchplans/status"): 1,
    }


def test_a_run_by_hand_costs_few_writes(space: Space, cluster: LocalCluster) -> None:
    """One Job; its record three or four times (accepted and perhaps started in one, ended, counted); its plan twice."""
    space.offer(spec=workflow(told={"message": '{"rows": 1}', "duration": "2"}))
    space.plan("daily")
    audit = Audit(cluster.audit_log).from_now()
    space.run("by-hand", run_of("daily"))
    calls = settled(lambda: audit.all(space.namespace))
    assert calls.pop(("update", "launchplanexecutions/status")) in {2, 3}
    # A run of two seconds may end before its plan was told that it began.
    assert calls.pop(("update", "launchplans/status")) in {1, 2}
    assert calls == {("create", "jobs"): 1, ("patch", "launchplanexecutions/status"): 1}


def test_what_did_not_change_costs_nothing(space: Space, operator: OperatorProcess, cluster: LocalCluster) -> None:
    """Neither marks that mean nothing to us nor a restart of the operator make it write, or read an object."""
    space.offer()
    space.create(WORKFLOW_DEFINITIONS, "broken", {"job": template()} | {"container": "none"})
    space.stalled(WORKFLOW_DEFINITIONS, "broken", "ContainerUnknown")
    space.plan("daily", schedule=NEVER)
    space.create(LAUNCH_PLANS, "waiting", plan(workflowRef={"name": "nobody"}))
    space.create(LAUNCH_PLANS, "invalid", plan(schedule={"cron": "x"}))
    space.create(LAUNCH_PLAN_EXECUTIONS, "waiting", run_of("nobody"))
    space.run("by-hand", run_of("daily"))
    space.run("refused", run_of("daily", inputs={"x": 1}), "Rejected")
    space.run("bare", run_of("report", "WorkflowDefinition", inputs={"city": "Rome"}))
    space.waiting(LAUNCH_PLANS, "waiting", "WorkflowNotFound")
    space.waiting(LAUNCH_PLAN_EXECUTIONS, "waiting", "PlanNotFound")
    space.stalled(LAUNCH_PLANS, "invalid", "CronInvalid")
    settled(lambda: Audit(cluster.audit_log).all(space.namespace))
    audit = Audit(cluster.audit_log).from_now()
    for kind in (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS):
        for name in space.names(kind):
            space.edit(kind, name, metadata={"annotations": {"example.com/seen": "yes"}})
    assert settled(lambda: audit.all(space.namespace)) == {}
    operator.stop()
    operator.start()
    operator.await_ready()
    assert settled(lambda: audit.all(space.namespace)) == {}
