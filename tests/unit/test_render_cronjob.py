"""The CronJob of a plan, and the record of what it started."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.settings import EnvVar, Interruptible, RunSettings, SecretUse
from launchplan_operator.decide.cronjob import read_live
from launchplan_operator.decide.timetable import STARTING_DEADLINE
from launchplan_operator.render import labels
from launchplan_operator.render.cronjob import render_cronjob
from launchplan_operator.render.execution import render_record
from launchplan_operator.render.job import JobContent, render_job
from tests.unit.strategies import TEXTS

PLAN: dict[str, Any] = {
    "apiVersion": "launchplan.dev/v1alpha1",
    "kind": "LaunchPlan",
    "metadata": {"name": "report", "namespace": "prod", "uid": "plan-uid"},
    "spec": {"labels": {"cost": "x"}, "annotations": {"owner": "y"}},
}
CONTENT = JobContent(
    template={"template": {"spec": {"containers": [{"name": "main"}]}}, "ttlSecondsAfterFinished": 1},
    launcher=(labels.PLAN, "report"),
    version="v1",
    launcher_uid="plan-uid",
    workflow=("etl", "w1"),
    inputs={"city": "oslo"},
    inputs_json='{"city":"oslo"}',
    container="main",
)
SETTINGS = RunSettings(
    labels={"a": "b"},
    annotations={"a": "b"},
    pod_labels={"a": "b"},
    pod_annotations={"a": "b"},
    env=(EnvVar(name="A", value="b"),),
    service_account="a",
    secrets=(SecretUse(name="s", key="k", file="f"), SecretUse(name="s", key="k", env="S")),
    max_parallelism=1,
    output_prefix="s3://b",
    timeout=1,
)
OWNED_BY_PLAN = [
    {
        "apiVersion": "launchplan.dev/v1alpha1",
        "kind": "LaunchPlan",
        "name": "report",
        "uid": "plan-uid",
        "controller": True,
        "blockOwnerDeletion": False,
    }
]


def cronjob(cron: str = "0 9 * * *", zone: str = "UTC", **changes: Any) -> dict[str, Any]:
    """Return the CronJob of the content with changes."""
    return render_cronjob(replace(CONTENT, **changes), PLAN, cron, zone, "hash")


def rendered_hash(made: dict[str, Any]) -> str:
    """Return the hash that we left on a CronJob."""
    return str(made["metadata"]["annotations"]["launchplan.dev/rendered"])


def test_a_cronjob_fires_without_us_and_forgets_nothing() -> None:
    """It bears the plan's name, belongs to the plan, never suspends, never forbids, and keeps what ended for us."""
    made = cronjob(zone="Europe/Berlin")
    spec = {key: value for key, value in made["spec"].items() if key != "jobTemplate"}
    assert spec == {
        "schedule": "0 9 * * *",
        "timeZone": "Europe/Berlin",
        "concurrencyPolicy": "Allow",
        "startingDeadlineSeconds": 200,
        "successfulJobsHistoryLimit": 1000,
        "failedJobsHistoryLimit": 1000,
        "suspend": False,
    }
    assert (made["apiVersion"], made["kind"]) == ("batch/v1", "CronJob")
    assert made["metadata"] == {
        "name": "report",
        "namespace": "prod",
        "labels": {"app.kubernetes.io/managed-by": "launchplan-operator", "launchplan.dev/plan": "report"},
        "annotations": {
            "argocd.argoproj.io/ignore-healthcheck": "true",
            "launchplan.dev/schedule": "hash",
            "launchplan.dev/rendered": rendered_hash(made),
        },
        "ownerReferences": OWNED_BY_PLAN,
    }
    assert STARTING_DEADLINE.total_seconds() == spec["startingDeadlineSeconds"]


@pytest.mark.parametrize("settings", [RunSettings(), SETTINGS], ids=["no settings", "all settings"])
def test_the_template_of_a_cronjob_and_the_job_of_a_run_differ_only_in_whose_run_it_is(settings: RunSettings) -> None:
    """Name, namespace, owner, and the two labels that say so; everything that a container sees is the same."""
    template = cronjob(settings=settings)["spec"]["jobTemplate"]
    execution = {"apiVersion": "a", "kind": "k", "metadata": {"name": "run", "namespace": "prod", "uid": "u"}}
    run = render_job(replace(CONTENT, settings=settings), execution)
    for key in ("name", "namespace", "ownerReferences"):
        run["metadata"].pop(key)
    for place in (run["metadata"], run["spec"]["template"]["metadata"]):
        assert place["labels"].pop("launchplan.dev/execution") == "run"
        assert place["labels"].pop("launchplan.dev/origin") == "Manual"
    assert {"metadata": run["metadata"], "spec": run["spec"]} == template
    assert "ttlSecondsAfterFinished" not in template["spec"]


@pytest.mark.parametrize(
    "changes",
    [
        {"cron": "0 10 * * *"},
        {"zone": "Europe/Berlin"},
        {"inputs": {"city": "rome"}},
        {"inputs_json": "{}"},
        {"version": "v2"},
        {"settings": RunSettings(timeout=5)},
        {"retries": 0},
        {"settings": RunSettings(labels={"a": "b"})},
        {"settings": RunSettings(annotations={"a": "b"})},
        {"settings": RunSettings(pod_labels={"a": "b"})},
        {"settings": RunSettings(env=(EnvVar(name="A"),))},
        {"settings": RunSettings(max_parallelism=1)},
        {"settings": RunSettings(output_prefix="s3://b")},
        {"settings": RunSettings(service_account="a")},
        {"placement": Interruptible(node_selector={"a": "b"})},
        {"outputs": {"rows": "integer"}},
        {"workflow": ("etl", "w2")},
        {"launcher_uid": "other"},
        {"template": {"template": {"spec": {"containers": [{"name": "other"}]}}}},
    ],
    ids=str,
)
def test_whatever_is_rendered_moves_the_hash(changes: dict[str, Any]) -> None:
    """Equal hashes need no write, so unequal objects need unequal hashes."""
    assert rendered_hash(cronjob(**changes)) != rendered_hash(cronjob())


@given(st.dictionaries(TEXTS, TEXTS, min_size=2, max_size=4))
def test_the_order_of_maps_does_not_move_the_hash(labels_: dict[str, str]) -> None:
    """A restarted operator finds its own work."""
    turned = dict(reversed(labels_.items()))
    first, second = (RunSettings(annotations=each, pod_annotations=each) for each in (labels_, turned))
    assert rendered_hash(cronjob(settings=first)) == rendered_hash(cronjob(settings=second))


def test_what_is_rendered_is_read_back_as_ours() -> None:
    """The next look keeps what this one made."""
    made = cronjob()
    made["metadata"] |= {"uid": "cj", "generation": 1}
    live = read_live(made, (labels.MANAGED_BY, labels.MANAGER), labels.RENDERED)
    assert live.owner == ("LaunchPlan", "report", "plan-uid")
    assert (live.timing, live.rendered) == (("0 9 * * *", "UTC", False, 200), rendered_hash(made))


JOB: dict[str, Any] = {
    "metadata": {"name": "report-29498940", "namespace": "prod", "labels": {"launchplan.dev/version": "v1"}}
}


def test_a_record_is_named_like_its_job_and_owned_by_the_plan() -> None:
    """It bears our marks, the plan's labels and annotations, and no inputs: those were the Job's."""
    record = render_record(JOB, PLAN, "Schedule")
    assert record == {
        "apiVersion": "launchplan.dev/v1alpha1",
        "kind": "LaunchPlanExecution",
        "metadata": {
            "name": "report-29498940",
            "namespace": "prod",
            "labels": {
                "cost": "x",
                "app.kubernetes.io/managed-by": "launchplan-operator",
                "launchplan.dev/plan": "report",
                "launchplan.dev/version": "v1",
                "launchplan.dev/origin": "Schedule",
            },
            "annotations": {"owner": "y"},
            "ownerReferences": OWNED_BY_PLAN,
        },
        "spec": {"launchPlanRef": {"kind": "LaunchPlan", "name": "report"}},
    }
    LaunchPlanExecutionSpec.model_validate(record["spec"])


def test_a_record_leaves_the_plan_as_it_is() -> None:
    """Its labels are a copy, and ours come last."""
    plan = deepcopy(PLAN)
    plan["spec"] = {"labels": {"launchplan.dev/origin": "Mine"}}
    before = deepcopy(plan)
    made = render_record(JOB, plan, "Manual")["metadata"]
    assert made["labels"]["launchplan.dev/origin"] == "Manual"
    assert made["annotations"] == {}
    assert plan == before


def owned(*references: dict[str, Any]) -> dict[str, Any]:
    """Return an object with these owners."""
    return {"metadata": {"ownerReferences": list(references)}}


def test_one_owner_is_the_controller_and_any_owner_counts_as_one() -> None:
    """A Job may have its CronJob as controller and its execution as a second owner."""
    second, first = {"uid": "b", "controller": False}, {"uid": "a", "controller": True}
    assert labels.controller_of(owned(second, first)) == first
    assert labels.controller_of(owned(second)) is None
    assert labels.controller_of({"metadata": {"ownerReferences": None}}) is None
    assert labels.is_owned_by(owned(second, first), "b")
    assert not labels.is_owned_by(owned(second, first), "c")
    assert not labels.is_owned_by({"metadata": {}}, "a")
    assert labels.owner_reference(PLAN, controller=False)["controller"] is False
