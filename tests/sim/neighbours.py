"""People who refer to other people's plans from another namespace, those who let them, and those who forge."""

from random import Random
from typing import Any

from launchplan_operator.api.kinds import (
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.render import labels
from tests.fake.store import Object, copy
from tests.sim.fields import CONSENT, PLACES, REFERENCE, WORKFLOW
from tests.sim.generate import draw_edit, draw_value, put
from tests.sim.newcomers import Newcomers
from tests.sim.people import PLANS
from tests.sim.world import ASKING, OTHER, PLANS_HOME, place_of

#: The references that people have: in the other namespace, seldom beside the plan itself.
_REFERENCES = ("theirs", "theirs", "ours")
_SPACES = (ASKING,) * 5 + (OTHER, PLANS_HOME)
#: What a run through a reference is given, as a rule nothing that would be refused.
_INPUTS: tuple[Any, ...] = (None, None, {"name": "Ada"}, {"name": "Ada"}, {"times": 4}, {"name": 3}, {"nome": "Ada"})
_VERSIONS = (None,) * 6 + ("v1", "v2", "v77")
_LABELS: tuple[Any, ...] = ({"team": "sun"}, {"team": "moon"}, {"team": None})


class Neighbours(Newcomers):
    """People among whom some refer to what others have."""

    def settle_in(self) -> None:
        """Make the first workflow and plan, and a reference to it."""
        super().settle_in()
        plan = self._world.get(LAUNCH_PLANS, PLANS_HOME, "hello")
        if plan is not None:
            self._put(LAUNCH_PLANS, plan, plan["spec"] | {"allowReferencesFrom": {"from": "All"}})
        self._refer(ASKING, "theirs", {"namespace": PLANS_HOME, "name": "hello"})

    def ask(self) -> None:
        """Ask for a run through a reference."""
        self._ask(self._rng.choice(_INPUTS), self._rng.choice(_VERSIONS))

    def ask_for_many(self) -> None:
        """Ask for several plain runs through references at once."""
        for _ in range(self._rng.choice((2, 3, 4))):
            self._ask(None, None)

    def add_reference(self) -> None:
        """Make a reference that is not there."""
        rng = self._rng
        spec = draw_value(rng, PLACES)
        for path in ("name", "version", "inputs", "outputs"):
            put(spec, path, draw_value(rng, REFERENCE[path]))
        self._refer(rng.choice(_SPACES), rng.choice(_REFERENCES), spec)

    def edit_reference(self) -> None:
        """Change a reference."""
        reference = self._any(REFERENCE_LAUNCH_PLANS)
        if reference is not None:
            spec = draw_edit(self._rng, REFERENCE_LAUNCH_PLANS, reference["spec"])
            self._put(REFERENCE_LAUNCH_PLANS, reference, spec)

    def mend_reference(self) -> None:
        """Let a reference stand for the plan that most stand for."""
        reference = self._any(REFERENCE_LAUNCH_PLANS)
        if reference is not None:
            self._put(REFERENCE_LAUNCH_PLANS, reference, {"namespace": PLANS_HOME, "name": "hello"})

    def point_at_reference(self) -> None:
        """Let a reference name one beside it, or itself."""
        reference = self._any(REFERENCE_LAUNCH_PLANS)
        if reference is not None:
            spec = {"namespace": place_of(reference)[0], "name": self._rng.choice(_REFERENCES)}
            self._put(REFERENCE_LAUNCH_PLANS, reference, spec)

    def end_counting(self) -> None:
        """Ask for the end of a run that counts on another one."""
        if (run := self._any_counting()) is not None:
            self._put(LAUNCH_PLAN_EXECUTIONS, run, run["spec"] | {"terminate": {"cause": "no need"}})

    def delete_counting(self) -> None:
        """Delete a run that counts on another one."""
        if (run := self._any_counting()) is not None:
            self._remove_run(run)

    def delete_remote(self) -> None:
        """Delete the execution on which somebody's run counts that has not ended."""
        if (run := self._any_counting()) is not None:
            noted = run["status"]["remote"]
            remote = self._world.get(LAUNCH_PLAN_EXECUTIONS, noted["namespace"], noted["name"])
            if remote is not None:
                self._remove_run(remote)

    def delete_reference(self) -> None:
        """Delete a reference."""
        self._delete(REFERENCE_LAUNCH_PLANS)

    def change_consent(self) -> None:
        """Allow references to a plan from others than before."""
        self.edit_plans({"allowReferencesFrom": draw_value(self._rng, CONSENT)})

    def allow(self) -> None:
        """Allow every reference to a plan."""
        self.edit_plans({"allowReferencesFrom": {"from": "All"}})

    def forbid(self) -> None:
        """Allow no reference to a plan any more."""
        self.edit_plans({"allowReferencesFrom": {"from": "Same"}})

    def edit_plans(self, fields: Object) -> None:
        """Change some fields of a plan."""
        plan = self._any(LAUNCH_PLANS)
        if plan is not None:
            self._put(LAUNCH_PLANS, plan, plan["spec"] | fields)

    def label_namespace(self) -> None:
        """Give a namespace other labels."""
        body = {"metadata": {"labels": self._rng.choice(_LABELS)}}
        self._world.do("person", "PATCH", NAMESPACES.path(None, self._rng.choice((ASKING, ASKING, OTHER))), body)

    def remake_otherwise(self) -> None:
        """Delete a plan and make it again with another interface."""
        plan = self._any(LAUNCH_PLANS)
        if plan is None:
            return
        workflow = self._world.get(WORKFLOW_DEFINITIONS, plan["metadata"]["namespace"], "greet")
        self._remove(LAUNCH_PLANS, plan)
        if workflow is not None:
            inputs = self._rng.choice(WORKFLOW["interface.inputs"].good)
            outputs = self._rng.choice(WORKFLOW["interface.outputs"].good)
            interface = {"inputs": inputs, "outputs": outputs}
            self._put(WORKFLOW_DEFINITIONS, workflow, workflow["spec"] | {"interface": interface})
        spec = {"workflowRef": {"name": "greet"}, "defaultInputs": {"name": "moon"}, "autoActivate": True}
        spec["allowReferencesFrom"] = {"from": "All"}
        self._create(LAUNCH_PLANS, _manifest(LAUNCH_PLANS, *place_of(plan), spec))

    def end_asked(self) -> None:
        """Ask for the end of a run through a reference, or of the one that does its work."""
        run = self._any_crossing()
        if run is not None:
            self._put(LAUNCH_PLAN_EXECUTIONS, run, run["spec"] | {"terminate": {"cause": "enough of it"}})

    def delete_asked(self) -> None:
        """Delete a run through a reference, or the one that does its work if everybody took note of its Job."""
        run = self._any_crossing()
        if run is not None:
            self._remove_run(run)

    def forge_remote(self) -> None:
        """Make the execution that somebody's run would ask for oneself, before or without it, or in another place."""
        rng, asking = self._rng, self._any_local()
        if asking is None:
            return
        space = rng.choice((PLANS_HOME, PLANS_HOME, OTHER, ASKING))
        uid = rng.choice((asking["metadata"]["uid"], f"{rng.getrandbits(32):08x}-0000-4000-8000-000000000000"))
        obj = _manifest(LAUNCH_PLAN_EXECUTIONS, space, f"ref-{uid}", {"launchPlanRef": {"name": rng.choice(PLANS)}})
        if inputs := asking["spec"].get("inputs"):
            obj["spec"]["inputs"] = copy(inputs)
        obj["metadata"]["labels"] = self._marks(asking, uid)
        self._create(LAUNCH_PLAN_EXECUTIONS, obj)

    def forge_marks(self) -> None:
        """Make a run of one's own that says that somebody asks for it from elsewhere."""
        asking = self._any(LAUNCH_PLAN_EXECUTIONS)
        if asking is None:
            return
        name = self._next_name()
        obj = _manifest(LAUNCH_PLAN_EXECUTIONS, PLANS_HOME, name, {"launchPlanRef": {"name": "hello"}})
        obj["metadata"]["labels"] = self._marks(asking, asking["metadata"]["uid"])
        self._create(LAUNCH_PLAN_EXECUTIONS, obj)

    def forge_note(self) -> None:
        """Write into the status of a run through a reference that another execution does its work."""
        asking, other = self._any_local(), self._any(LAUNCH_PLAN_EXECUTIONS)
        if asking is None or other is None or is_terminal(asking.get("status") or {}):
            return
        noted = {field: other["metadata"][field] for field in ("namespace", "name", "uid")}
        path = f"{LAUNCH_PLAN_EXECUTIONS.path(*place_of(asking))}/status"
        self._world.do("person", "PATCH", path, {"status": {"remote": noted}})

    def take_remote_name(self) -> None:
        """Make a Job of one's own, of the name that the one has or will have that does a run's work."""
        asking = self._any_local()
        if asking is None:
            return
        pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
        name = labels.remote_name(asking["metadata"]["uid"])
        self._create(JOBS, _manifest(JOBS, PLANS_HOME, name, {"template": {"spec": pod}}))

    def _ask(self, inputs: Any, version: str | None) -> None:
        found = self._world.all(REFERENCE_LAUNCH_PLANS)
        space, name = place_of(self._rng.choice(found)) if found else (ASKING, "theirs")
        spec: dict[str, Any] = {"launchPlanRef": {"kind": "ReferenceLaunchPlan", "name": name}}
        put(spec, "inputs", inputs)
        put(spec, "launchPlanRef.version", version)
        self._create(LAUNCH_PLAN_EXECUTIONS, _manifest(LAUNCH_PLAN_EXECUTIONS, space, self._next_name(), spec))

    def _refer(self, space: str, name: str, spec: dict[str, Any]) -> None:
        self._create(REFERENCE_LAUNCH_PLANS, _manifest(REFERENCE_LAUNCH_PLANS, space, name, spec))

    def _any_local(self) -> Object | None:
        return _choose(self._rng, [run for run in self._world.all(LAUNCH_PLAN_EXECUTIONS) if _is_local(run)])

    def _any_counting(self) -> Object | None:
        found = [run for run in self._world.all(LAUNCH_PLAN_EXECUTIONS) if _is_counting(run)]
        return self._rng.choice(found) if found else None

    def _any_crossing(self) -> Object | None:
        """Return a run on one of the two sides, as a rule one that has not ended."""
        found = [run for run in self._world.all(LAUNCH_PLAN_EXECUTIONS) if _is_local(run) or labels.requester_of(run)]
        return _choose(self._rng, found)

    def _marks(self, asking: Object, uid: str) -> dict[str, str]:
        namespace, name = place_of(asking)
        reference = asking["spec"]["launchPlanRef"]["name"]
        said = (namespace, reference, name, uid)
        marks = (labels.FROM_NAMESPACE, labels.FROM_REFERENCE, labels.FROM_EXECUTION, labels.FROM_UID)
        return dict(zip(marks, said, strict=True))


def _choose(rng: Random, runs: list[Object]) -> Object | None:
    """Return one of some runs, as a rule one that has not ended."""
    open_ = [run for run in runs if not is_terminal(run.get("status") or {})]
    chosen = open_ if open_ and rng.random() < 0.8 else runs
    return rng.choice(chosen) if chosen else None


def _is_local(run: Object) -> bool:
    return labels.is_through_reference(run)


def _is_counting(run: Object) -> bool:
    status = run.get("status") or {}
    return _is_local(run) and "remote" in status and not is_terminal(status)


def _manifest(kind: Kind, namespace: str, name: str, spec: dict[str, Any]) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}
