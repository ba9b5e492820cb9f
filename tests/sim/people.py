"""What people do to a cluster: apply, edit, delete, terminate, forge. Never more than their rights let them."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    PODS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.run import is_finished
from launchplan_operator.render import labels
from tests.fake.errors import ApiError
from tests.fake.store import Object, copy
from tests.sim.checks import SHORT_HISTORY
from tests.sim.fields import EXECUTION, WORKFLOW
from tests.sim.generate import draw_edit, draw_limit, draw_object, draw_schedule, draw_value, plain_spec
from tests.sim.world import OTHER, PLANS_HOME, World

if TYPE_CHECKING:
    from tests.sim.tastes import Taste

PLANS = ("hello", "hi")
_SPACES = (PLANS_HOME,) * 5 + (OTHER,)
#: How often people act in the second before a full minute.
_SHARP = 0.2
_PROPAGATION = ("Background",) * 4 + ("Foreground", "Orphan")


class People:
    """All people together: one action after the other.

    Args:
        world: where they live.
        rng: what they draw from.
        taste: what their plans are like.
        actions: what they do, as often as it is named.

    Attributes:
        patient: whether they wait at the end until every name is free again.
    """

    def __init__(self, world: World, rng: Random, taste: "Taste", actions: "tuple[Action, ...]") -> None:
        self._world = world
        self._rng = rng
        self._runs = 0
        self.taste = taste
        self.patient = rng.random() < 0.2
        self._actions = actions
        self._busy = self._rng.choice((20.0, 60.0, 150.0))

    def settle_in(self) -> None:
        """Make the first workflow and plan."""
        self._make(WORKFLOW_DEFINITIONS, "default", "greet")
        self._make_plan("default", "hello", certain=True)
        if self._rng.random() < 0.25:
            self._make(WORKFLOW_DEFINITIONS, OTHER, "greet")
            self._make_plan(OTHER, "hello")

    async def live(self, until: float) -> None:
        """Act until a time of the loop."""
        loop = asyncio.get_running_loop()
        while True:
            pause = self._rng.expovariate(1 / self._busy)
            if self._rng.random() < _SHARP:
                # Just before a slot: what is under way then meets it.
                pause += 60.0 - (loop.time() + pause) % 60.0 - 1.5 * self._rng.random() ** 4
            pause = max(0.0, pause)
            if loop.time() + pause >= until:
                return
            await asyncio.sleep(pause)
            for _ in range(self._rng.choice((1, 1, 1, 2, 3))):
                self.act()

    def act(self) -> None:
        """Do one thing; what the server refuses is not done."""
        action = self._rng.choice(self._actions)
        try:
            action(self)
        except ApiError as error:
            self._world.note(f"refused: {error.code} {error.reason}")

    def start_run(self) -> None:
        """Ask for a run."""
        rng, space = self._rng, self._space()
        name = self._next_name()
        given = {"launchPlanRef.name": rng.choice(PLANS)} if rng.random() < 0.3 else {}
        if rng.random() < 0.1:
            given = {"launchPlanRef.kind": "WorkflowDefinition", "launchPlanRef.name": "greet"}
        obj = draw_object(rng, LAUNCH_PLAN_EXECUTIONS, space, name)
        for path, value in given.items():
            obj["spec"]["launchPlanRef"][path.removeprefix("launchPlanRef.")] = value
        version = draw_value(rng, EXECUTION["launchPlanRef.version"])
        if version:
            obj["spec"]["launchPlanRef"]["version"] = version
        self._create(LAUNCH_PLAN_EXECUTIONS, obj)

    def start_many(self) -> None:
        """Ask for several plain runs of a plan at once, as a rule of one with a limit."""
        plans = self._world.all(LAUNCH_PLANS)
        limited = [plan for plan in plans if "concurrency" in plan["spec"]]
        if not plans:
            return
        meta = self._rng.choice(limited or plans)["metadata"]
        for _ in range(self._rng.choice((1, 2, 3, 5))):
            reference = {"launchPlanRef": {"name": meta["name"]}}
            metadata = {"name": self._next_name(), "namespace": meta["namespace"]}
            kind = {"apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version, "kind": LAUNCH_PLAN_EXECUTIONS.kind}
            self._create(LAUNCH_PLAN_EXECUTIONS, kind | {"metadata": metadata, "spec": reference})

    def change_limit(self) -> None:
        """Give a plan another limit, or none."""
        plan = self._any(LAUNCH_PLANS)
        if plan is not None:
            limit = draw_limit(self._rng) if self._rng.random() < 0.75 else None
            self._put(LAUNCH_PLANS, plan, plan["spec"] | {"concurrency": limit})

    def change_schedule(self) -> None:
        """Give a plan another schedule, or the same one another keeper."""
        plan = self._any(LAUNCH_PLANS)
        if plan is None:
            return
        schedule = draw_schedule(self._rng, self.taste.finer)
        if "schedule" in plan["spec"] and self._rng.random() < 0.4:
            schedule = plan["spec"]["schedule"] | {"engine": self._rng.choice(("Auto", "Operator"))}
        self._put(LAUNCH_PLANS, plan, plan["spec"] | {"schedule": schedule})

    def edit_schedule(self, fields: Object) -> None:
        """Change some fields of a plan's schedule."""
        plan = self._any(LAUNCH_PLANS)
        if plan is not None and "schedule" in plan["spec"]:
            self._put(LAUNCH_PLANS, plan, plan["spec"] | {"schedule": plan["spec"]["schedule"] | fields})

    def remake_plan(self) -> None:
        """Delete a plan and make one of its name at once."""
        plan = self._any(LAUNCH_PLANS)
        if plan is None:
            return
        how = self._rng.choice((*_PROPAGATION, "Orphan", "Orphan"))
        self._world.do("person", "DELETE", _path(LAUNCH_PLANS, plan), {"propagationPolicy": how})
        self._make_plan(plan["metadata"]["namespace"], plan["metadata"]["name"])

    def lose_status(self) -> None:
        """Lose what a plan's status says, as a cluster does that is restored from its manifests."""
        plan = self._any(LAUNCH_PLANS)
        if plan is not None:
            self._world.do("person", "PATCH", f"{_path(LAUNCH_PLANS, plan)}/status", {"status": None})

    def edit_plan(self) -> None:
        """Change a plan."""
        self._edit(LAUNCH_PLANS)

    def edit_workflow(self) -> None:
        """Change a workflow."""
        self._edit(WORKFLOW_DEFINITIONS)

    def pin_version(self) -> None:
        """Make one of a plan's versions the active one, or let go of it."""
        plan = self._any(LAUNCH_PLANS)
        if plan is not None:
            known = [each["version"] for each in (plan.get("status") or {}).get("versions") or ()]
            self._put(LAUNCH_PLANS, plan, plan["spec"] | {"activeVersion": self._rng.choice([None, *known])})

    def toggle(self) -> None:
        """Suspend or resume a plan."""
        plan = self._any(LAUNCH_PLANS)
        if plan is not None:
            self._put(LAUNCH_PLANS, plan, plan["spec"] | {"suspend": not plan["spec"].get("suspend", False)})

    def terminate(self) -> None:
        """Ask for the end of a run."""
        run = self._any_run()
        if run is not None:
            spec = run["spec"] | {"terminate": {"cause": "enough"}}
            self._put(LAUNCH_PLAN_EXECUTIONS, run, spec)

    def add_plan(self) -> None:
        """Make a plan that is not there."""
        self._make_plan(self._space(), self._rng.choice(PLANS))

    def add_workflow(self) -> None:
        """Make a workflow that is not there."""
        self._make(WORKFLOW_DEFINITIONS, self._space(), "greet")

    def delete_plan(self) -> None:
        """Delete a plan."""
        self._delete(LAUNCH_PLANS)

    def delete_workflow(self) -> None:
        """Delete a workflow."""
        self._delete(WORKFLOW_DEFINITIONS)

    def delete_run(self) -> None:
        """Delete an execution."""
        run = self._any_run()
        if run is not None:
            self._remove_run(run)

    def delete_cronjob(self) -> None:
        """Delete a CronJob by hand, and its Jobs with it unless one is not noted yet."""
        cronjob = self._any(CRON_JOBS)
        if cronjob is None:
            return
        uid = cronjob["metadata"]["uid"]
        jobs = [job for job in self._world.all(JOBS) if labels.is_owned_by(job, uid)]
        if all(self._is_noted(job) for job in jobs):
            self._remove(CRON_JOBS, cronjob)
        else:
            self._world.do("person", "DELETE", _path(CRON_JOBS, cronjob), {"propagationPolicy": "Orphan"})

    def delete_pod(self) -> None:
        """Delete a pod."""
        self._delete(PODS)

    def hold_job(self) -> None:
        """Suspend a Job that has not ended, and ask for its run's end."""
        jobs = {(job["metadata"]["namespace"], job["metadata"]["name"]): job for job in self._world.all(JOBS)}
        run = self._any_run()
        job = jobs.get((run["metadata"]["namespace"], run["metadata"]["name"])) if run is not None else None
        if run is None or job is None or is_finished(job) or not self._is_noted(job) or "terminate" in run["spec"]:
            return
        self._world.do("person", "PATCH", _path(JOBS, job), {"spec": {"suspend": True}})
        self._put(LAUNCH_PLAN_EXECUTIONS, run, run["spec"] | {"terminate": {"cause": "held"}})

    def delete_job(self) -> None:
        """Delete a Job that its execution knows already, as a rule one that runs."""
        running = [job for job in self._world.all(JOBS) if not is_finished(job) and not labels.is_tombstone(job)]
        job = self._rng.choice(running) if running and self._rng.random() < 0.7 else self._any(JOBS)
        if job is None or not self._is_noted(job):
            return
        # Where two work at once without an election, neither knows what the other asked for.
        meta = job["metadata"]
        if self._world.elected or not self._world.network.coming[meta["namespace"], meta["name"]]:
            self._remove(JOBS, job)

    def start_from_cronjob(self) -> None:
        """Do what `kubectl create job --from=cronjob/x` does."""
        cronjob = self._any(CRON_JOBS)
        if cronjob is None:
            return
        template, meta = copy(cronjob["spec"]["jobTemplate"]), cronjob["metadata"]
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": meta["name"], "uid": meta["uid"]}
        name = self._next_name("from")
        annotations = (template["metadata"].get("annotations") or {}) | {"cronjob.kubernetes.io/instantiate": "manual"}
        metadata = template["metadata"] | {"name": name, "annotations": annotations}
        metadata |= {"namespace": meta["namespace"], "ownerReferences": [owner | {"controller": True}]}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}
        self._create(JOBS, job)

    def change_cronjob(self) -> None:
        """Change what the operator rendered."""
        cronjob = self._any(CRON_JOBS)
        if cronjob is None:
            return
        changes: tuple[dict[str, Any], ...] = (
            {"suspend": True},
            {"schedule": "*/7 * * * *"},
            {"startingDeadlineSeconds": 30},
            {"successfulJobsHistoryLimit": SHORT_HISTORY},
        )
        body = {"spec": self._rng.choice(changes)}
        self._world.do("person", "PATCH", _path(CRON_JOBS, cronjob), body)

    def take_job_name(self) -> None:
        """Make a Job of one's own, of the name that a coming slot or run will have."""
        pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
        metadata = {"name": self._coming_name(), "namespace": self._space()}
        spec = {"template": {"spec": pod}}
        self._create(JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})

    def take_run_name(self) -> None:
        """Make an execution of one's own, of the name that a coming slot will have."""
        obj = draw_object(self._rng, LAUNCH_PLAN_EXECUTIONS, self._space(), self._coming_name())
        self._create(LAUNCH_PLAN_EXECUTIONS, obj)

    def break_revision(self) -> None:
        """Delete or falsify what keeps a version."""
        revision = self._any(CONTROLLER_REVISIONS)
        if revision is None:
            return
        if self._rng.random() < 0.5:
            self._remove(CONTROLLER_REVISIONS, revision)
            return
        meta = copy(revision["metadata"])
        for field in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
            meta.pop(field, None)
        self._remove(CONTROLLER_REVISIONS, revision)
        self._create(CONTROLLER_REVISIONS, copy(revision) | {"metadata": meta, "data": {"forged": True}})

    def _remove_run(self, run: Object) -> None:
        """Delete an execution; its Job goes with it, so that it must be one that everybody took note of."""
        meta = run["metadata"]
        job = self._world.get(JOBS, meta["namespace"], meta["name"])
        again = self._world.network.coming[meta["namespace"], meta["name"]] > 0
        if job is None or (self._is_noted(job) and not again and self._is_accounted(run)):
            self._remove(LAUNCH_PLAN_EXECUTIONS, run)

    def _is_noted(self, job: Object) -> bool:
        """Nobody deletes a Job in the instant between its creation and the note of it: the design assumes that."""
        meta = job["metadata"]
        execution = self._world.get(LAUNCH_PLAN_EXECUTIONS, meta["namespace"], meta["name"])
        noted = ((execution or {}).get("status") or {}).get("jobRef") or {}
        return bool(noted.get("uid") == meta["uid"])

    def _is_accounted(self, run: Object) -> bool:
        """Tell whether a slot's run is in its plan's books: else the slot is one that nobody has started."""
        meta = run["metadata"]
        plan = self._world.get(LAUNCH_PLANS, meta["namespace"], run["spec"]["launchPlanRef"].get("name", ""))
        slot = (meta.get("annotations") or {}).get(labels.SLOT)
        mark = (((plan or {}).get("status") or {}).get("schedule") or {}).get("lastSlot")
        return slot is None or (mark is not None and slot <= mark)

    def _coming_name(self) -> str:
        minutes = int(self._world.now().timestamp()) // 60 + self._rng.randrange(1, 4)
        return f"{self._rng.choice(PLANS)}-{minutes}"

    def _next_name(self, kind: str = "run") -> str:
        self._runs += 1
        return f"{kind}-{self._runs - 1}"

    def _space(self) -> str:
        return self._rng.choice(_SPACES)

    def _any(self, kind: Kind) -> Object | None:
        found = self._world.all(kind)
        return self._rng.choice(found) if found else None

    def _any_run(self) -> Object | None:
        """Return a run, as a rule one that has not ended."""
        found = self._world.all(LAUNCH_PLAN_EXECUTIONS)
        open_ = [run for run in found if not is_terminal(run.get("status") or {})]
        chosen = open_ if open_ and self._rng.random() < 0.7 else found
        return self._rng.choice(chosen) if chosen else None

    def _make_plan(self, space: str, name: str, *, certain: bool = False) -> None:
        obj = self._draw(LAUNCH_PLANS, space, name)
        if certain or self._rng.random() < 0.7:
            obj["spec"]["schedule"] = draw_schedule(self._rng, self.taste.finer)
        if self._rng.random() < self.taste.limited:
            obj["spec"]["concurrency"] = draw_limit(self._rng)
        self._create(LAUNCH_PLANS, obj)

    def _make(self, kind: Kind, space: str, name: str) -> None:
        obj = self._draw(kind, space, name)
        if kind == WORKFLOW_DEFINITIONS and not self.taste.plain:
            obj["spec"]["interface"]["inputs"] = copy(self._rng.choice(WORKFLOW["interface.inputs"].good))
        self._create(kind, obj)

    def _draw(self, kind: Kind, space: str, name: str) -> Object:
        obj = draw_object(self._rng, kind, space, name)
        return obj | {"spec": plain_spec(kind)} if self.taste.plain else obj

    def _create(self, kind: Kind, obj: Object) -> None:
        space = obj["metadata"]["namespace"]
        try:
            self._world.do("person", "POST", kind.path(space), copy(obj))
        except ApiError as error:
            self._world.note(f"refused: {error.code} {error.reason}")

    def _edit(self, kind: Kind) -> None:
        obj = self._any(kind)
        if obj is not None:
            self._put(kind, obj, draw_edit(self._rng, kind, obj["spec"]))

    def _put(self, kind: Kind, obj: Object, spec: dict[str, Any]) -> None:
        whole = {key: value for key, value in spec.items() if value is not None}
        self._world.do("person", "PUT", _path(kind, obj), copy(obj) | {"spec": whole})

    def _delete(self, kind: Kind) -> None:
        obj = self._any(kind)
        if obj is not None:
            self._remove(kind, obj)

    def _remove(self, kind: Kind, obj: Object) -> None:
        how = self._rng.choice(_PROPAGATION)
        self._world.do("person", "DELETE", _path(kind, obj), {"propagationPolicy": how})


def _path(kind: Kind, obj: Object) -> str:
    return kind.path(obj["metadata"]["namespace"], obj["metadata"]["name"])


#: Of people, or of such as only they do.
Action = Callable[[Any], None]
