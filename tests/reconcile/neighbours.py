"""Two namespaces with one operator: in one a plan, in the other those who refer to it."""

from typing import Any

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from tests.fake.store import Object, copy
from tests.reconcile.world import NAMESPACE, World, plan, workflow

ASKING = "team-a"
_KINDS = {
    kind.kind: kind for kind in (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS)
}
#: The interface of the plan, as a reference declares it.
FITTING: dict[str, Any] = {
    "inputs": [{"name": "name", "type": "string"}, {"name": "times", "type": "integer"}],
    "outputs": [{"name": "greeting", "type": "string"}],
}
ALL = {"from": "All"}


def reference(name: str = "theirs", /, **spec: Any) -> Object:
    """Return a reference to the plan, from the other namespace."""
    place = {} if "project" in spec else {"namespace": NAMESPACE}
    return _manifest(REFERENCE_LAUNCH_PLANS, name, place | {"name": "hello"} | FITTING | spec)


def asked(name: str = "asked", /, **spec: Any) -> Object:
    """Return a run through the reference."""
    return _manifest(
        LAUNCH_PLAN_EXECUTIONS, name, {"launchPlanRef": {"kind": "ReferenceLaunchPlan", "name": "theirs"}} | spec
    )


def _manifest(kind: Kind, name: str, spec: dict[str, Any]) -> Object:
    metadata = {"name": name, "namespace": ASKING}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


class Neighbours(World):
    """The world with a second namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.api.add_namespace(ASKING)

    def ask(self, obj: Object) -> Object:
        """Create an object in its own namespace, as a person does."""
        return self.api.do("POST", _KINDS[obj["kind"]].path(obj["metadata"]["namespace"]), copy(obj))

    def see(self, kind: Kind, name: str, namespace: str = ASKING) -> Object:
        """Return an object of the other namespace; it must exist."""
        found = self.api.store.get(kind, (namespace, name))
        assert found is not None, f"no {kind.kind} {namespace}/{name}"
        return found

    def change(self, kind: Kind, name: str, namespace: str = ASKING, /, **spec: Any) -> Object:
        """Merge into the spec of an object of the other namespace."""
        return self.api.do("PATCH", kind.path(namespace, name), {"spec": spec})

    def drop(self, kind: Kind, name: str, namespace: str = ASKING) -> None:
        """Delete an object of the other namespace."""
        self.api.do("DELETE", kind.path(namespace, name), {"propagationPolicy": "Background"})
        self.api.collect_garbage()

    def label(self, namespace: str, **labels: str | None) -> None:
        """Label a namespace."""
        self.api.do("PATCH", NAMESPACES.path(None, namespace), {"metadata": {"labels": labels}})

    def stands(self, name: str = "theirs") -> tuple[str, str, str]:
        """Return (Ready, Stalled, reason of Ready) of a reference."""
        conditions = {c["type"]: c for c in self.see(REFERENCE_LAUNCH_PLANS, name)["status"]["conditions"]}
        return conditions["Ready"]["status"], conditions["Stalled"]["status"], conditions["Ready"]["reason"]

    def run_of(self, name: str = "asked") -> dict[str, Any]:
        """Return the status of a run through a reference."""
        status: dict[str, Any] = self.see(LAUNCH_PLAN_EXECUTIONS, name).get("status") or {}
        return status

    def remotes(self) -> list[Object]:
        """Return the executions in the plan's namespace that somebody asks for from elsewhere."""
        return [each for each in self.all(LAUNCH_PLAN_EXECUTIONS) if each["metadata"]["name"].startswith("ref-")]

    def remote(self) -> Object:
        """Return the one of them that there is."""
        (found,) = self.remotes()
        return found


async def neighbours(consent: Any = ALL, **spec: Any) -> Neighbours:
    """Return a world with a plan, that allows references as `consent` says, a reference to it, and an operator at rest."""
    world = Neighbours()
    world.create(workflow())
    world.create(plan(None, **({"allowReferencesFrom": consent} if consent else {}) | spec))
    world.ask(reference())
    await world.start()
    return world
