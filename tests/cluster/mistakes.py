"""Every mistake that can be made on a cluster: how, on which object, and what its message must name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from tests.cluster.support import INTERFACE, NEVER, Object, Space, plan, reason_of, run_of, template, workflow

RESOURCE_QUOTAS = Kind("", "v1", "resourcequotas", "ResourceQuota")


@dataclass(frozen=True, slots=True)
class Case:
    """One mistake.

    Attributes:
        file: the reason, and after a dash what distinguishes a second case of it.
        words: the path, what was found and what was expected, as the message has them.
        cause: makes the mistake in a namespace.
        edits: what the person does in an editor, as a sed script.
        before: what the person does before the command, where that takes more than one.
        after: what the person does after it.
        slow: whether it is mended only when the operator asks again.
    """

    file: str
    kind: Kind
    name: str
    words: tuple[str, ...]
    cause: Callable[[Space], object]
    edits: str = ""
    before: Callable[[Space], object] | None = None
    after: Callable[[Space], object] | None = None
    slow: bool = False

    @property
    def reason(self) -> str:
        """The reason that the conditions give."""
        return self.file.partition("-")[0]


def a_workflow(file: str, words: tuple[str, ...], spec: Object, **more: Any) -> Case:
    """A workflow that is wrong by itself."""
    return Case(
        file, WORKFLOW_DEFINITIONS, "report", words, lambda space: space.create(WORKFLOW_DEFINITIONS, "report", spec),
        **more,
    )  # fmt: skip


def a_plan(file: str, words: tuple[str, ...], spec: Object, offered: Object | None = None, **more: Any) -> Case:
    """A plan that is wrong with the workflow that there is."""

    def cause(space: Space) -> None:
        space.offer(spec=offered)
        space.create(LAUNCH_PLANS, "daily", plan(**spec))

    return Case(file, LAUNCH_PLANS, "daily", words, cause, **more)


def a_run(file: str, words: tuple[str, ...], spec: Object, name: str = "by-hand", of: Object | None = None) -> Case:
    """A run that is refused by a plan that is ready."""

    def cause(space: Space) -> None:
        space.offer()
        space.plan("daily", **(of or {}))
        space.create(LAUNCH_PLAN_EXECUTIONS, name, run_of("daily") | spec)

    return Case(file, LAUNCH_PLAN_EXECUTIONS, name, words, cause)


def with_interface(**changes: Any) -> Object:
    """A workflow with another interface."""
    return workflow(interface=INTERFACE | changes)


def with_container(**fields: Any) -> Object:
    """A workflow whose container has more fields, or others."""
    spec = workflow()
    spec["job"]["template"]["spec"]["containers"][0] |= fields
    return spec


def without_image() -> Object:
    """A workflow that does not say what to run."""
    spec = workflow()
    del spec["job"]["template"]["spec"]["containers"][0]["image"]
    return spec


def a_version_with_other_content(space: Space) -> None:
    """Edit a workflow whose version has a name, and leave the name."""
    space.offer(spec=workflow() | {"version": "v1"})
    space.replace(WORKFLOW_DEFINITIONS, "report", workflow(backoffLimit=1) | {"version": "v1"})


def an_invalid_workflow(space: Space) -> None:
    """Let a plan name a workflow that is wrong in two places."""
    spec = with_interface(inputs=[{"name": "city", "type": "str"}, {"name": "days", "type": "integer", "default": "7"}])
    space.create(WORKFLOW_DEFINITIONS, "report", spec)
    space.create(LAUNCH_PLANS, "daily", plan())


def a_forged_revision(space: Space) -> None:
    """Put an object on the name that the plan's version needs, which a plan of the same content tells."""
    space.offer()
    version = space.plan("twin")["status"]["latestVersion"]
    body = {
        "apiVersion": CONTROLLER_REVISIONS.api_version,
        "kind": CONTROLLER_REVISIONS.kind,
        "metadata": {"name": f"daily-{version}"},
        "data": {"spec": {"workflowRef": {"name": "other"}}},
        "revision": 1,
    }
    assert space.ask("POST", CONTROLLER_REVISIONS, None, body).ok
    space.create(LAUNCH_PLANS, "daily", plan())


def quota(space: Space, limit: int) -> None:
    """Let a namespace hold so many revisions at most."""
    hard = {"hard": {"count/controllerrevisions.apps": str(limit)}}
    if space.find(RESOURCE_QUOTAS, "few") is not None:
        space.edit(RESOURCE_QUOTAS, "few", spec=hard)
        return
    space.create(RESOURCE_QUOTAS, "few", hard)
    space.until(RESOURCE_QUOTAS, "few", lambda obj: (obj.get("status") or {}).get("hard") == hard["hard"])


def a_full_quota(space: Space) -> None:
    """Leave no room for a version."""
    quota(space, 0)
    space.offer()
    space.create(LAUNCH_PLANS, "daily", plan())


def a_foreign_cronjob(space: Space) -> None:
    """Put somebody else's CronJob on the plan's name."""
    space.create(CRON_JOBS, "daily", {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": template()}})
    space.offer()
    space.create(LAUNCH_PLANS, "daily", plan(schedule=NEVER))


def a_plan_of_no_workflow(space: Space) -> None:
    """Misspell the workflow's name."""
    space.offer()
    space.create(LAUNCH_PLANS, "daily", plan(workflowRef={"name": "reprot"}))


def a_run_of_no_plan(space: Space) -> None:
    """Misspell the plan's name."""
    space.offer()
    space.plan("daily")
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("dialy", inputs={"days": 3}))


def a_run_of_no_workflow(space: Space) -> None:
    """Misspell the workflow's name."""
    space.offer()
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("rport", "WorkflowDefinition", inputs={"city": "Rome"}))


def a_run_of_an_invalid_plan(space: Space) -> None:
    """Run a plan by hand that has never been valid."""
    space.offer()
    space.create(LAUNCH_PLANS, "daily", plan(schedule={"cron": "0 9 * * 7"}))
    space.stalled(LAUNCH_PLANS, "daily", "CronInvalid")
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily", inputs={"city": "Rome"}))


def a_run_of_a_deleted_plan(space: Space) -> None:
    """Delete the plan while its run waits for the workflow."""
    space.create(LAUNCH_PLANS, "daily", plan())
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily"))
    space.until(LAUNCH_PLAN_EXECUTIONS, "by-hand", lambda obj: (obj.get("status") or {}).get("planUid"))
    space.delete(LAUNCH_PLANS, "daily")


def the_plan_again(space: Space) -> None:
    """Apply the plan and its workflow."""
    space.offer()
    space.plan("daily")


def a_run_on_a_jobs_name(space: Space) -> None:
    """Put somebody else's Job on the run's name."""
    space.offer()
    space.plan("daily")
    space.create(JOBS, "by-hand", template())
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily", inputs={"days": 3}))


def a_run_of_another_plan_once_more(space: Space) -> None:
    """Run a plan once more as what was a run of another."""
    space.offer()
    space.plan("daily")
    space.plan("weekly")
    space.run("first", run_of("weekly", inputs={"days": 3}))
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily", inputs={"days": 4}, relaunchOf="first"))


def a_reference(file: str, words: tuple[str, ...], spec: Object, name: str = "theirs", **more: Any) -> Case:
    """A reference that does not stand for the plan, which is in its own namespace here."""
    plan_fields = more.pop("plan", {})

    def cause(space: Space) -> None:
        refer(space, **plan_fields)
        space.create(REFERENCE_LAUNCH_PLANS, name, pointer(space, **spec))

    return Case(file, REFERENCE_LAUNCH_PLANS, name, words, cause, **more)


def refer(space: Space, **plan_fields: Any) -> None:
    """Have a plan, and a reference that stands for it."""
    space.offer()
    space.create(LAUNCH_PLANS, "daily", plan(**plan_fields))
    space.until(LAUNCH_PLANS, "daily", reason_of)
    space.create(REFERENCE_LAUNCH_PLANS, "fitting", pointer(space))
    space.until(REFERENCE_LAUNCH_PLANS, "fitting", reason_of)


def pointer(space: Space, **spec: Any) -> Object:
    """Return the spec of a reference to the plan."""
    typed = {"inputs": [{"name": "city", "type": "string"}], "outputs": [{"name": "rows", "type": "integer"}]}
    return {"namespace": space.namespace, "name": "daily"} | typed | spec


def a_run_through(file: str, words: tuple[str, ...], name: str, inputs: Object, **spec: Any) -> Case:
    """A run through a reference that does not stand for the plan, or of another name."""

    def cause(space: Space) -> None:
        refer(space)
        space.create(REFERENCE_LAUNCH_PLANS, "theirs", pointer(space, **spec))
        space.until(REFERENCE_LAUNCH_PLANS, "theirs", reason_of)
        space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of(name, "ReferenceLaunchPlan", inputs=inputs))

    return Case(file, LAUNCH_PLAN_EXECUTIONS, "by-hand", words, cause)


def cron(text: str, zone: str = "UTC") -> Object:
    """What a plan says of a cron text."""
    return {"schedule": {"cron": text, "timeZone": zone}}


CRON = "spec.schedule.cron"
KICKOFF = "spec.schedule.kickoffTimeInput"
DATED = [{"name": "city", "type": "string"}, {"name": "day", "type": "datetime"}]
LARGE = "x" * 1_050_000
FREE: Object = {"defaultInputs": None, "fixedInputs": {"days": 2}}

WORKFLOWS = (
    a_workflow("TypeInvalid", ("spec.interface.inputs[n].type", "'int'", "integer"),
               with_interface(inputs=[{"name": "n", "type": "int"}])),
    a_workflow("DefaultInvalid", ("spec.interface.inputs[n].default", "found the string '1'", "expected integer"),
               with_interface(inputs=[{"name": "n", "type": "integer", "default": "1"}])),
    a_workflow("InputNameCollision", ("spec.interface.inputs[maxRows]", "'max_rows' and 'maxRows'", "LP_INPUT_MAX_ROWS"),
               with_interface(inputs=[{"name": "max_rows", "type": "integer"}, {"name": "maxRows", "type": "integer"}])),
    a_workflow("ContainerUnknown", ("spec.container", "found container 'mian'", "expected one of the template's: main"),
               workflow() | {"container": "mian"}),
    a_workflow("OutputInvalid", ("spec.job.completions", "found outputs and 2 completions", "one completion"),
               workflow(completions=2)),
    a_workflow("ReservedName", ("containers[0].env[0].name", "found the environment name 'LAUNCHPLAN_NAME'", "another name"),
               with_container(env=[{"name": "LAUNCHPLAN_NAME", "value": "x"}])),
    a_workflow("JobRefused", ("spec.job", "unknown field", "containers[0].imagePullPolice"),
               with_container(imagePullPolice="Always")),
    a_workflow("JobRefused-missing", ("spec.job", "containers[0].image", "Required value"), without_image(),
               edits="s|^\\( *\\)- name: main|&\\n\\1  image: localcluster/busybox:1|"),
    Case("VersionConflict", WORKFLOW_DEFINITIONS, "report", ("spec.version", "found version 'v1' with other content", "first seen with"),
         a_version_with_other_content),
)  # fmt: skip

PLANS = (
    Case("WorkflowNotFound", LAUNCH_PLANS, "daily",
         ("spec.workflowRef.name", "found no WorkflowDefinition 'reprot'", "did you mean 'report'?"), a_plan_of_no_workflow),
    a_plan("WorkflowVersionNotFound", ("spec.workflowRef.version", "at version 'v1'", "expected version 'v9'"),
           {"workflowRef": {"name": "report", "version": "v9"}}, workflow() | {"version": "v1"}),
    Case("WorkflowInvalid", LAUNCH_PLANS, "daily",
         ("spec.workflowRef.name", "the WorkflowDefinition 'report' is not valid: TypeInvalid", "'str'", "kubectl describe wfd report"),
         an_invalid_workflow),
    a_plan("WorkflowTooLarge", ("spec.workflowRef", "bytes of plan and workflow together", "expected at most 1048576"),
           {}, with_container(args=[LARGE]), edits="s/xxxx*/x/"),
    a_plan("UnexpectedInput", ("spec.fixedInputs.dayz", "found the input 'dayz'", "it declares city, days"),
           {"fixedInputs": {"dayz": 3}}),
    a_plan("TypeMismatch", ("spec.defaultInputs.days", "found the string '3'", "expected integer"),
           {"defaultInputs": {"city": "Oslo", "days": "3"}}),
    a_plan("TypeMismatch-several", ("spec.defaultInputs.days", "spec.defaultInputs.town", CRON, "spec.schedule.timeZone"),
           {"defaultInputs": {"city": "Oslo", "days": "3", "town": 1}} | cron("0 0 9 * * 1", "Europe/Berlim")),
    a_plan("InputInBoth", ("spec.fixedInputs.city", "found the input 'city' among the default and the fixed", "expected it in one"),
           {"fixedInputs": {"city": "Rome"}}),
    a_plan("InputsTooLarge", ("spec.defaultInputs", "bytes of inputs", "expected at most 98304"),
           {"defaultInputs": {"city": "x" * 100_000}, "schedule": NEVER}),
    a_plan("ScheduleUnboundInput", ("spec.defaultInputs.city", "found a schedule but no value", "required input 'city'"),
           {"defaultInputs": None, "schedule": NEVER}),
    a_plan("CronInvalid", (CRON, "'0 9 * * 7'", "0 (Sunday) to 6"), cron("0 9 * * 7")),
    a_plan("CronTooFine", (CRON, "'@every 90s'", "whole minutes"), cron("@every 90s")),
    a_plan("CronNeverFires", (CRON, "found '0 0 31 2 *'", "expected a date"), cron("0 0 31 2 *")),
    a_plan("TimeZoneUnknown", ("spec.schedule.timeZone", "found 'Europe/Berlim'", "expected a name of the IANA"),
           cron("0 9 * * 1", "Europe/Berlim")),
    a_plan("EngineCannotServe", ("spec.schedule.fixedRate", "found the rate 7 Minute", "expected minutes that divide an hour"),
           {"schedule": {"fixedRate": {"value": 7, "unit": "Minute"}, "engine": "CronJob"}}),
    a_plan("KickoffUnknown", (KICKOFF, "found 'dya'", "expected one of its inputs; it declares city, day"),
           {"schedule": NEVER | {"kickoffTimeInput": "dya"}}, offered=with_interface(inputs=DATED)),
    a_plan("KickoffFixed", (KICKOFF, "found 'day', which the plan fixes", "expected a free input"),
           {"fixedInputs": {"day": "2026-01-01T00:00:00Z"}, "schedule": NEVER | {"kickoffTimeInput": "day"}},
           offered=with_interface(inputs=DATED)),
    a_plan("KickoffWrongType", (KICKOFF, "found 'city', which is of type string", "expected one of type datetime"),
           {"schedule": NEVER | {"kickoffTimeInput": "city"}}, offered=with_interface(inputs=DATED)),
    a_plan("JitterTooLong", ("spec.schedule.jitter", "found a jitter of 40000h0m0s", "expected less than 35064h0m0s"),
           {"schedule": NEVER | {"jitter": "40000h"}}),
    a_plan("NotPermitted", ("spec.env[MODE]", "found the environment variable 'MODE'", "expected what spec.allow.env"),
           {"env": [{"name": "LEVEL", "value": "1"}, {"name": "MODE", "value": "fast"}],
            "identity": {"serviceAccountName": "loader"}}),
    a_plan("VersionNotFound", ("spec.activeVersion", "found no version 'v9'", "the newest that it has"), {"activeVersion": "v9"}),
    Case("RevisionTampered", LAUNCH_PLANS, "daily", ("status.versions", "found a ControllerRevision 'daily-", "made for version"),
         a_forged_revision, slow=True),
    Case("RevisionRefused", LAUNCH_PLANS, "daily", ("spec", "exceeded quota: few", "limited: count/controllerrevisions.apps=0"),
         a_full_quota, after=lambda space: quota(space, 5), slow=True),
    Case("CronJobNameTaken", LAUNCH_PLANS, "daily", ("metadata.name", "found a CronJob 'daily'", "does not belong to this plan"),
         a_foreign_cronjob),
)  # fmt: skip

RUNS = (
    Case("PlanNotFound", LAUNCH_PLAN_EXECUTIONS, "by-hand",
         ("spec.launchPlanRef.name", "found no LaunchPlan 'dialy'", "did you mean 'daily'?"), a_run_of_no_plan),
    Case("WorkflowNotFound-run", LAUNCH_PLAN_EXECUTIONS, "by-hand",
         ("spec.launchPlanRef.name", "found no WorkflowDefinition 'rport'", "did you mean 'report'?"), a_run_of_no_workflow),
    Case("PlanInvalid", LAUNCH_PLAN_EXECUTIONS, "by-hand",
         ("spec.launchPlanRef.name", "the LaunchPlan 'daily' is not valid: CronInvalid", "0 (Sunday) to 6"), a_run_of_an_invalid_plan),
    Case("PlanDeleted", LAUNCH_PLAN_EXECUTIONS, "by-hand",
         ("spec.launchPlanRef.name", "the LaunchPlan 'daily' was deleted", "expected the one"), a_run_of_a_deleted_plan,
         before=the_plan_again),
    Case("InvalidSpec", LAUNCH_PLAN_EXECUTIONS, "by-hand",
         ("spec.launchPlanRef", "found LaunchPlan daily", "expected LaunchPlan weekly"), a_run_of_another_plan_once_more),
    a_run("ExecutionNotFound", ("spec.relaunchOf", "found no LaunchPlanExecution 'gone'", "kubectl get lpx"), {"relaunchOf": "gone"}),
    a_run("FixedInputOverride", ("spec.inputs.days", "found a value for the input 'days'", "nobody may override it"),
          {"inputs": {"days": 1, "city": "São Paulo"}}, of=FREE),
    a_run("MissingInput", ("spec.inputs.city", "found no value", "required input 'city'"), {}, of=FREE),
    a_run("UnexpectedInput-run", ("spec.inputs.dayz", "found the input 'dayz'", "it declares city, days"),
          {"inputs": {"dayz": 1, "city": "Rome"}}),
    a_run("TypeMismatch-run", ("spec.inputs.days", "found the string '3'", "expected integer"),
          {"inputs": {"days": "3", "city": "Rome"}}),
    a_run("NotPermitted-run", ("spec.env[MODE]", "found the environment variable 'MODE'", "expected what spec.allow.env"),
          {"inputs": {"days": 3}, "env": [{"name": "MODE", "value": "x"}]}),
    a_run("VersionNotFound-run", ("spec.launchPlanRef.version", "found no version 'v9'", "the newest that it has"),
          {"launchPlanRef": {"name": "daily", "version": "v9"}}),
    a_run("SlotNameTaken", ("metadata.name", "found the name 'daily-29923098'", "kept for a schedule's slots"), {},
          name="daily-29923098"),
    Case("JobNameTaken", LAUNCH_PLAN_EXECUTIONS, "by-hand",
         ("metadata.name", "found a Job 'by-hand'", "expected none of that name"), a_run_on_a_jobs_name),
)  # fmt: skip

REFERENCES = (
    a_reference("ReferenceToItself", ("spec.name", "found the reference's own namespace and name", "expected those of a LaunchPlan"),
                {"name": "itself"}, name="itself", edits="/^spec:/,$s/^  name: itself/  name: daily/"),
    a_reference("ReferenceToReference", ("spec.name", "is a ReferenceLaunchPlan", "expected a LaunchPlan"), {"name": "fitting"}),
    a_reference("InterfaceMismatch", ("spec.inputs[city].type", "passes integer", "takes string", "'town'", "'row'", "did you mean 'rows'"),
                {"inputs": [{"name": "city", "type": "integer"}, {"name": "town", "type": "string"}],
                 "outputs": [{"name": "row", "type": "integer"}]}),
    a_reference("InterfaceMismatch-needed", ("spec.inputs", "the plan needs string", "passes none"), {"inputs": []},
                plan={"defaultInputs": None}),
    a_reference("TargetInactive", ("spec.version", "found no active version", "expected one"), {}, plan={"autoActivate": False}),
    a_reference("VersionNotFound-reference", ("spec.version", "found no version 'v9'", "the newest that it has"), {"version": "v9"}),
    a_reference("TypeInvalid-reference", ("spec.outputs[rows].type", "'int'", "integer"), {"outputs": [{"name": "rows", "type": "int"}]}),
    a_run_through("ReferenceNotFound", ("spec.launchPlanRef.name", "found no ReferenceLaunchPlan 'thiers'", "did you mean 'theirs'?"),
                  "thiers", {"city": "Rome"}),
    a_run_through("ReferenceInvalid", ("spec.launchPlanRef.name", "the ReferenceLaunchPlan 'theirs'", "InterfaceMismatch"),
                  "theirs", {"city": "Rome"}, outputs=[{"name": "rows", "type": "float"}]),
    a_run_through("UnexpectedInput-reference", ("spec.inputs.town", "found the input 'town'", "the reference does not declare"),
                  "theirs", {"town": "Rome"}),
)  # fmt: skip

#: Those that take long come last, as they go on beside the others.
CASES = sorted((*WORKFLOWS, *PLANS, *RUNS, *REFERENCES), key=lambda case: case.slow)
