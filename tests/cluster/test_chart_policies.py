"""What the chart's policies let a person, a tenant's tool, Kubernetes' controllers and the operator do, and what not."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from localcluster.operated import ACCOUNT, SYSTEM_NAMESPACE
from localcluster.places import LocalClusterError
from tests.cluster.charted import Charted
from tests.cluster.support import Object, Space, eventually, plan, run_of, template, workflow

OPERATOR = f"system:serviceaccount:{SYSTEM_NAMESPACE}:{ACCOUNT}"
#: Somebody with every right in the namespace: what keeps her from something is a policy and no role.
JANE = "jane"
#: Somebody who may write plans, and has nothing to do with CronJobs.
TOM = "tom"
CRONJOB_CONTROLLER = "system:serviceaccount:kube-system:cronjob-controller"
JOB_CONTROLLER = "system:serviceaccount:kube-system:job-controller"
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
#: The slot of a run that there is, and one of none.
SLOT, FREE_SLOT = "daily-29999999", "daily-29999998"
#: As the operator makes them.
LABELS = {"app.kubernetes.io/managed-by": "launchplan-operator", "launchplan.dev/plan": "daily"}
#: The name of a run for somebody elsewhere, whose execution has this uid, and what the operator says of who that is.
UID = "3f2b8c1e-9d47-4a60-8b15-c7e2f0a94d36"
REMOTE, FREE_REMOTE = f"ref-{UID}", f"ref-{UID[:-1]}0"
ASKED = {
    "launchplan.dev/from-namespace": "team-a",
    "launchplan.dev/from-reference": "theirs",
    "launchplan.dev/from-execution": "by-hand",
    "launchplan.dev/from-uid": UID,
}
SLOT_MARK = {"launchplan.dev/slot": "2027-01-15T07:59:00Z"}
BY_HAND = {"cronjob.kubernetes.io/instantiate": "manual"}
ADOPTING = {"launchplan.dev/adopt": "true"}


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace under the policies; who asks is impersonated.

    Attributes:
        unguarded: what was said against a creation and a change that they refuse, before they were there.
    """

    space: Space
    unguarded: list[str] = field(default_factory=list)

    def refusal(self, user: str, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as somebody, and return what the server says against it; empty if nothing."""
        group = ("--as-group=system:serviceaccounts",) if user.startswith("system:serviceaccount:") else ()
        try:
            self.space.kubectl(f"--as={user}", "--as-group=system:authenticated", *group, *arguments, stdin=stdin)
        except LocalClusterError as error:
            return str(error)
        return ""

    def creating(self, user: str, manifest: Object) -> str:
        """Let the server judge a creation."""
        return self.refusal(user, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))

    def patching(self, user: str, what: str, change: Object, *arguments: str) -> str:
        """Let the server judge a change."""
        return self.refusal(
            user, "patch", what, "--dry-run=server", "--type=merge", "-p", json.dumps(change), *arguments
        )


def an(kind: Kind, name: str, **body: Any) -> Object:
    """Return a manifest; what is no metadata goes beside it."""
    about = {key: body.pop(key) for key in ("labels", "annotations", "ownerReferences", "generateName") if key in body}
    metadata = about | ({} if "generateName" in about else {"name": name})
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}


def a_run(name: str = "by-hand", **metadata: Any) -> Object:
    """Return a run of the plan."""
    return an(LAUNCH_PLAN_EXECUTIONS, name, spec=run_of("daily"), **metadata)


def a_job(name: str = "by-hand", **metadata: Any) -> Object:
    """Return a Job."""
    return an(JOBS, name, spec=template(), **metadata)


def a_reference(name: str) -> Object:
    """Return a reference to a plan of another namespace."""
    return an(REFERENCE_LAUNCH_PLANS, name, spec={"namespace": "team-b", "name": "daily"})


def owned(kind: str, api_version: str) -> list[Object]:
    """Return what an owned object says of its owner."""
    return [{"apiVersion": api_version, "kind": kind, "name": "daily", "uid": "0", "controller": True}]


FROM_CRONJOB: Object = {"ownerReferences": owned("CronJob", "batch/v1"), "labels": LABELS, "annotations": BY_HAND}
A_REVISION = an(CONTROLLER_REVISIONS, "daily-1", revision=1, data={}, labels=LABELS)
ANOTHER = an(CONTROLLER_REVISIONS, "daily-2", revision=2, data={}, labels=LABELS)
OF_A_PLAN = an(
    CONTROLLER_REVISIONS, "x-1", revision=1, data={}, ownerReferences=owned("LaunchPlan", "launchplan.dev/v1")
)
BOTH = plan(defaultInputs={"city": "Oslo", "days": 1}, fixedInputs={"days": 2})

#: Who, what, and the words of the refusal; none if it is let through.
CREATIONS = [
    ("a person's run of any name is let through", JANE, a_run(), ""),
    ("a person's run of a generated name is let through", JANE, a_run(generateName="daily-"), ""),
    ("a person's run of a name with a date of six digits is let through", JANE, a_run("daily-261126"), ""),
    ("a person's run with labels of her own is let through", JANE, a_run(labels={"team": "x"}), ""),
    ("a person's run of a tool's is let through", JANE, a_run(labels={"app.kubernetes.io/managed-by": "Helm"}), ""),
    ("a person's run of a slot's name is refused", JANE, a_run(FREE_SLOT), "found a name that ends in - and seven to nine"),
    ("a person's run of a name with a date is refused", JANE, a_run("daily-20261126"), "seven to nine digits"),
    ("a person's run with the operator's labels is refused", JANE, a_run(labels=LABELS),
     ", which only the operator sets; expected these labels and annotations to be left alone"),
    ("a person's run with any label of ours is refused", JANE, a_run(labels={"launchplan.dev/x": "y"}),
     "found a change of launchplan.dev/x"),
    ("a person's run with a slot's annotation is refused", JANE, a_run(annotations=SLOT_MARK),
     "found a change of launchplan.dev/slot"),
    ("a person's run of the name of one for somebody elsewhere is refused", JANE, a_run(FREE_REMOTE),
     "found a name that begins with ref- and a uid, as only the runs that are asked for through a reference do"),
    ("a person's run of a name that goes on after a uid is refused", JANE, a_run(f"{FREE_REMOTE}-again"), "ref- and a uid"),
    ("a person's run of a name that only begins with ref is let through", JANE, a_run("ref-3f2b8c1e-again"), ""),
    ("a person's run of a name with a uid elsewhere is let through", JANE, a_run(f"my-{FREE_REMOTE}"), ""),
    *((f"a person's run with {label} is refused", JANE, a_run(labels={label: value}), f"found a change of {label},")
      for label, value in ASKED.items()),
    ("the operator's run for somebody elsewhere is let through", OPERATOR, a_run(FREE_REMOTE, labels=LABELS | ASKED), ""),
    ("a person's reference is let through", JANE, a_reference("another"), ""),
    ("the operator's run of a slot is let through", OPERATOR, a_run(FREE_SLOT, labels=LABELS, annotations=SLOT_MARK), ""),
    ("a person's Job is let through", JANE, a_job(), ""),
    ("a person's Job of a slot's name is let through", JANE, a_job(FREE_SLOT), ""),
    ("a person's Job with the operator's labels is refused", JANE, a_job(labels=LABELS),
     "expected a run of a plan to be asked for with a LaunchPlanExecution"),
    ("a Job that a person makes from a CronJob of ours is let through", JANE, a_job(**FROM_CRONJOB), ""),
    ("a Job that a person makes from it in a slot's place is refused", JANE, a_job(FREE_SLOT, **FROM_CRONJOB),
     "which only the operator sets"),
    ("a Job that only says it is from a CronJob is refused", JANE, a_job(labels=LABELS, annotations=BY_HAND),
     "which only the operator sets"),
    ("the operator's Job is let through", OPERATOR, a_job(labels=LABELS), ""),
    ("a slot's Job of the CronJob controller is let through", CRONJOB_CONTROLLER, a_job(FREE_SLOT, labels=LABELS), ""),
    ("a person's ControllerRevision with our labels is refused", JANE, ANOTHER,
     "expected the operator alone to keep the versions of a launch plan"),
    ("a person's ControllerRevision of a plan is refused", JANE, OF_A_PLAN, "expected the operator alone"),
    ("a person's other ControllerRevision is let through", JANE, an(CONTROLLER_REVISIONS, "y-1", revision=1, data={}), ""),
    ("the operator's ControllerRevision is let through", OPERATOR, ANOTHER, ""),
    ("an input that is both default and fixed is refused", JANE, an(LAUNCH_PLANS, "both", spec=BOTH),
     "spec.fixedInputs: found days among the default and the fixed inputs, expected each in one"),
    ("a plan without inputs is let through", JANE, an(LAUNCH_PLANS, "none", spec={"workflowRef": {"name": "x"}}), ""),
    ("inputs that are either are let through", JANE,
     an(LAUNCH_PLANS, "either", spec=plan(fixedInputs={"days": {"any": [1]}})), ""),
    ("who may not delete CronJobs may write plans", TOM, an(LAUNCH_PLANS, "toms", spec=plan()), ""),
    ("who may not delete CronJobs may not let a plan do it", TOM,
     an(LAUNCH_PLANS, "toms", spec=plan(), annotations=ADOPTING),
     "found launchplan.dev/adopt from tom, expected somebody who may delete the CronJob toms"),
    ("who may delete CronJobs may let a plan do it", JANE, an(LAUNCH_PLANS, "x", spec=plan(), annotations=ADOPTING), ""),
]  # fmt: skip

STATUS = ("--subresource=status",)
RUN, JOB, REVISION = f"lpx/{SLOT}", f"job/{SLOT}", "controllerrevision/daily-1"
NO_OWNERS = {"metadata": {"ownerReferences": None}}
#: Who, which object of the operator's, the change, and the words of the refusal.
CHANGES: list[tuple[str, str, str, Object, tuple[str, ...], str]] = [
    ("a person may end a scheduled run", JANE, RUN, {"spec": {"terminate": {"cause": "x"}}}, (), ""),
    ("a person may label a scheduled run", JANE, RUN, {"metadata": {"labels": {"team": "x"}}}, (), ""),
    ("a person may not take a label of ours away", JANE, RUN, {"metadata": {"labels": {"launchplan.dev/plan": None}}}, (),
     "found a change of launchplan.dev/plan"),
    ("a person may not change a label of ours", JANE, RUN, {"metadata": {"labels": {"launchplan.dev/plan": "x"}}}, (),
     "found a change of launchplan.dev/plan"),
    ("a person may not let another manage a run", JANE, RUN,
     {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}, (), "app.kubernetes.io/managed-by"),
    ("a person may not change a slot", JANE, RUN, {"metadata": {"annotations": {"launchplan.dev/slot": None}}}, (),
     "found a change of launchplan.dev/slot"),
    ("the garbage collector may take a run's owner away", COLLECTOR, RUN, NO_OWNERS, (), ""),
    ("a person may not write a run's status", JANE, RUN, {"status": {"phase": "Succeeded"}}, STATUS,
     f"LaunchPlanExecution {SLOT}: status: found a write by jane, expected the operator alone to write it"),
    ("a person may not write a plan's status", JANE, "lp/daily", {"status": {"running": 0}}, STATUS,
     "LaunchPlan daily: status: found a write by jane"),
    ("a person may not write a reference's status", JANE, "rlp/theirs", {"status": {"target": "team-b/other"}}, STATUS,
     "ReferenceLaunchPlan theirs: status: found a write by jane"),
    ("a person may change a reference", JANE, "rlp/theirs", {"spec": {"version": "v2"}}, (), ""),
    ("a person may end a run for somebody elsewhere", JANE, f"lpx/{REMOTE}", {"spec": {"terminate": {"cause": "x"}}}, (), ""),
    ("a person may not say that somebody else asked for it", JANE, f"lpx/{REMOTE}",
     {"metadata": {"labels": {"launchplan.dev/from-namespace": "team-c"}}}, (), "found a change of launchplan.dev/from-namespace"),
    ("a person may not take away who asked for it", JANE, f"lpx/{REMOTE}",
     {"metadata": {"labels": {"launchplan.dev/from-uid": None}}}, (), "found a change of launchplan.dev/from-uid"),
    ("a person may not say that it is done", JANE, f"lpx/{REMOTE}", {"status": {"phase": "Succeeded"}}, STATUS,
     f"LaunchPlanExecution {REMOTE}: status: found a write by jane"),
    ("a person may not say which run does what hers asks for", JANE, RUN,
     {"status": {"phase": "Queued", "remote": {"namespace": "team-b", "name": REMOTE, "uid": UID}}}, STATUS,
     f"LaunchPlanExecution {SLOT}: status: found a write by jane"),
    ("the operator may end a run for somebody elsewhere", OPERATOR, f"lpx/{REMOTE}", {"spec": {"terminate": {"cause": "x"}}},
     (), ""),
    ("a person may not write a workflow's status", JANE, "wfd/report", {"status": {"version": "1"}}, STATUS,
     "WorkflowDefinition report: status: found a write by jane"),
    ("a queueing system may resume a Job of ours", JANE, JOB, {"spec": {"suspend": False}}, (), ""),
    ("a queueing system may annotate a Job of ours", JANE, JOB, {"metadata": {"annotations": {"x": "y"}}}, (), ""),
    ("a person may not change a Job's label of ours", JANE, JOB,
     {"metadata": {"labels": {"launchplan.dev/plan": "x"}}}, (), "found a change of launchplan.dev/plan"),
    ("the job controller may change a Job", JOB_CONTROLLER, JOB,
     {"metadata": {"labels": {"launchplan.dev/plan": None}}}, (), ""),
    ("the garbage collector may take a Job's owner away", COLLECTOR, JOB, NO_OWNERS, (), ""),
    ("the operator may mark a Job of its own", OPERATOR, JOB, {"metadata": {"annotations": {"launchplan.dev/cause": "x"}}},
     (), ""),
    ("a person may not change a version that is kept", JANE, REVISION, {"revision": 2}, (), "expected the operator alone"),
    ("a person may not make a version somebody else's", JANE, REVISION, {"metadata": {"labels": None}}, (),
     "expected the operator alone"),
    ("the garbage collector may take a version's owner away", COLLECTOR, REVISION, NO_OWNERS, (), ""),
    ("a plan that was stored with an input in both may be changed otherwise", JANE, "lp/both",
     {"spec": {"suspend": True}}, (), ""),
    ("its inputs may only be changed for the better", JANE, "lp/both", {"spec": {"fixedInputs": {"x": 1}}}, (),
     "found days among the default and the fixed inputs"),
    ("a wish to take over a CronJob cannot be added by who may not delete that", TOM, "lp/daily",
     {"metadata": {"annotations": ADOPTING}}, (), "expected somebody who may delete the CronJob daily"),
    ("a plan that has the wish may be changed otherwise", TOM, "lp/adopting", {"spec": {"suspend": True}}, (), ""),
    ("its inputs may be mended", JANE, "lp/both", {"spec": {"defaultInputs": {"days": None}}}, (), ""),
]  # fmt: skip


def _await_policies(place: Place) -> None:
    """Wait until each policy refuses something: a server begins to apply each some moments after it got it."""

    def let_through() -> list[str]:
        through = [name for name, user, manifest, words in CREATIONS if words and not place.creating(user, manifest)]
        return through or [""][: not place.patching(JANE, "lp/daily", {"status": {}}, *STATUS)]

    eventually(let_through, lambda names: not names, 30)


@pytest.fixture(scope="module")
def place(charted: Charted) -> Iterator[Place]:
    """A namespace with a few objects of the operator's, made before the policies were."""
    charted.install("--set", "policies.enabled=false")
    with charted.space() as space:
        space.create(WORKFLOW_DEFINITIONS, "report", workflow())
        space.create(LAUNCH_PLANS, "daily", plan())
        # A server refuses for a moment longer what a policy refused that is gone.
        eventually(lambda: space.ask("POST", LAUNCH_PLANS, None, an(LAUNCH_PLANS, "both", spec=BOTH)).ok, bool, 30)
        space.create(LAUNCH_PLANS, "adopting", plan(), annotations=ADOPTING)
        for manifest in (
            a_run(SLOT, labels=LABELS, annotations=SLOT_MARK),
            a_job(SLOT, labels=LABELS) | {"spec": template(suspend=True)},
            A_REVISION,
            a_reference("theirs"),
            a_run(REMOTE, labels=LABELS | ASKED),
        ):
            space.apply(manifest)
        rights = ("--clusterrole=cluster-admin", f"--user={JANE}")
        space.kubectl("create", "rolebinding", JANE, *rights)
        plans = f"--resource={LAUNCH_PLANS.plural}.{LAUNCH_PLANS.group}"
        space.kubectl("create", "role", TOM, "--verb=get,create,patch", plans)
        space.kubectl("create", "rolebinding", TOM, f"--role={TOM}", f"--user={TOM}")
        made = Place(space)
        status = {"status": {"running": 0}}
        free = a_run(FREE_SLOT, labels=LABELS)
        made.unguarded.append(eventually(lambda: made.creating(JANE, free), lambda said: said == "", 30))
        made.unguarded.append(made.patching(JANE, "lp/daily", status, *STATUS))
        charted.install()
        _await_policies(made)
        yield made


@pytest.mark.parametrize(
    ("user", "manifest", "words"), [row[1:] for row in CREATIONS], ids=[row[0] for row in CREATIONS]
)
def test_creations(place: Place, user: str, manifest: Object, words: str) -> None:
    """Let through, or refused with what was found and expected."""
    said = place.creating(user, manifest)
    assert words in said
    assert bool(words) == bool(said)


@pytest.mark.parametrize(
    ("user", "what", "change", "more", "words"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_changes(place: Place, user: str, what: str, change: Object, more: tuple[str, ...], words: str) -> None:
    """Let through, or refused with what was found and expected."""
    said = place.patching(user, what, change, *more)
    assert words in said
    assert bool(words) == bool(said)


def test_a_person_may_delete_what_she_may_not_write(place: Place) -> None:
    """As the operator itself advises for a version that was tampered with."""
    for what in (REVISION, JOB, RUN):
        assert place.refusal(JANE, "delete", what, "--dry-run=server") == ""


def test_the_operator_writes_what_a_person_may_not(place: Place) -> None:
    """A status, of each kind."""
    for kind, name in (
        (LAUNCH_PLAN_EXECUTIONS, SLOT),
        (LAUNCH_PLANS, "daily"),
        (REFERENCE_LAUNCH_PLANS, "theirs"),
        (WORKFLOW_DEFINITIONS, "report"),
    ):
        path = f"{kind.path(place.space.namespace, name, 'status')}?dryRun=All"
        body = json.dumps(place.space.read(kind, name) | {"status": {"observedGeneration": 1}})
        assert place.refusal(OPERATOR, "replace", "--raw", path, "-f", "-", stdin=body) == ""
        assert "the operator alone" in place.refusal(JANE, "replace", "--raw", path, "-f", "-", stdin=body)


def test_the_server_finds_nothing_wrong_with_a_policy(place: Place) -> None:
    """It checks the types of all that the expressions read, as far as it knows them."""
    found = json.loads(place.space.kubectl("get", "validatingadmissionpolicies", "-o", "json"))["items"]
    assert len(found) == 7
    assert [each["status"]["typeChecking"].get("expressionWarnings", []) for each in found] == [[]] * 7


def test_without_policies_roles_alone_count(place: Place) -> None:
    """They can be turned off by a value, as they were at first."""
    assert place.unguarded == ["", ""]


def test_whoever_is_exempt_may_restore_a_backup(charted: Charted, place: Place) -> None:
    """By a name among the values."""
    wanted = a_run(FREE_SLOT, labels=LABELS, annotations=SLOT_MARK)
    assert place.creating(JANE, wanted) != ""
    charted.install("--set", f"policies.exempt.users={{{JANE}}}")
    eventually(lambda: place.creating(JANE, wanted), lambda said: said == "", 30)
    eventually(lambda: place.patching(JANE, RUN, {"status": {"phase": "Failed"}}, *STATUS), lambda said: said == "", 30)
    assert place.creating(OPERATOR, wanted) == ""
