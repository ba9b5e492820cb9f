"""Specs and edits of specs, drawn from the tables of fields."""

from random import Random
from typing import Any

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from tests.fake.store import Object, copy
from tests.sim.fields import EXECUTION, PLACES, PLAN, REFERENCE, WORKFLOW, Values

_TIMES = ("cron", "fixedRate", "timeZone")
#: What only the operator's own engine can keep, and who keeps the time.
_FINER = sorted(path for path in PLAN if path.startswith("schedule.") and path.split(".")[1] not in _TIMES)
_QUEUE = ("concurrency.queue.max", "concurrency.queue.expireAfter")
#: How often a plain schedule says what becomes of late slots.
_CATCHING_UP = 0.2
#: How often a value is one that makes no sense.
_BAD = 0.12
_TABLES = {
    LAUNCH_PLANS: PLAN,
    WORKFLOW_DEFINITIONS: WORKFLOW,
    LAUNCH_PLAN_EXECUTIONS: EXECUTION,
    REFERENCE_LAUNCH_PLANS: REFERENCE,
}
_PLACE = ("namespace", "project", "domain")
#: What every object begins with: valid, and complete.
_FIRST: dict[Kind, dict[str, Any]] = {
    WORKFLOW_DEFINITIONS: {
        "interface.inputs": WORKFLOW["interface.inputs"].good[0],
        "interface.outputs": WORKFLOW["interface.outputs"].good[0],
        "job": WORKFLOW["job"].good[0],
        "allow.env": ["MODE", "PASSWORD"],
        "allow.secrets": ["db"],
        "allow.serviceAccounts": ["runner"],
    },
    LAUNCH_PLANS: {"workflowRef.name": "greet", "defaultInputs": {"name": "moon"}, "autoActivate": True},
    LAUNCH_PLAN_EXECUTIONS: {"launchPlanRef.name": "hello"},
    REFERENCE_LAUNCH_PLANS: {"namespace": "default", "name": "hello"},
}


def draw_object(rng: Random, kind: Kind, namespace: str, name: str, **given: Any) -> Object:
    """Return a new object with a few fields set beside those that it must have; `given` are paths with `_` for dots."""
    spec: dict[str, Any] = {}
    chosen = dict(_FIRST[kind]) | {path.replace("_", "."): value for path, value in given.items()}
    for path in rng.sample(sorted(_TABLES[kind]), rng.choice((0, 1, 1, 2, 4))):
        if not path.startswith(("schedule.", "concurrency.", *_PLACE)):
            chosen.setdefault(path, draw_value(rng, _TABLES[kind][path]))
    for path, value in chosen.items():
        put(spec, path, value)
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def plain_spec(kind: Kind) -> dict[str, Any]:
    """Return a spec that says no more than it must."""
    spec: dict[str, Any] = {}
    for path, value in _FIRST[kind].items():
        put(spec, path, value)
    return spec


def draw_schedule(rng: Random, finer: float = 0.4) -> dict[str, Any]:
    """Return a schedule; most fire every few minutes, and `finer` says how often it has more than a time."""
    cron = rng.choice(("* * * * *", "*/2 * * * *", "*/2 * * * *", "*/5 * * * *", "*/5 * * * *", "3 * * * *"))
    schedule: dict[str, Any] = {"fixedRate": {"value": rng.choice((1, 2, 5, 7)), "unit": "Minute"}}
    if rng.random() < 0.8:
        zone = {"timeZone": rng.choice(("UTC", "Europe/Berlin", "Asia/Kolkata"))} if rng.random() < 0.3 else {}
        schedule = {"cron": cron} | zone
    if rng.random() < _CATCHING_UP:
        schedule["catchUp"] = {"policy": rng.choice(PLAN["schedule.catchUp.policy"].good)}
    if rng.random() >= finer:
        return schedule
    spec = {"schedule": schedule}
    for path in rng.sample(_FINER, rng.choice((1, 1, 2, 3))):
        put(spec, path, rng.choice(PLAN[path].good))
    _complete_schedule(spec["schedule"])
    return spec["schedule"]


def draw_limit(rng: Random) -> dict[str, Any]:
    """Return a limit."""
    spec: dict[str, Any] = {}
    for path in ("concurrency.max", "concurrency.behavior"):
        put(spec, path, rng.choice(PLAN[path].good))
    if spec["concurrency"]["behavior"] == "Queue" and rng.random() < 0.5:
        for path in _QUEUE:
            put(spec, path, rng.choice(PLAN[path].good))
    return dict(spec["concurrency"])


def draw_edit(rng: Random, kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec with one field, seldom two, changed."""
    edited = copy(spec)
    for _ in range(1 if rng.random() < 0.8 else 2):
        path = rng.choice(sorted(_TABLES[kind]))
        if path.startswith("schedule."):
            _edit_schedule(rng, edited, path)
        elif path.startswith("concurrency."):
            _edit_limit(rng, edited, path)
        elif kind == REFERENCE_LAUNCH_PLANS and path in _PLACE:
            _edit_place(rng, edited)
        else:
            put(edited, path, draw_value(rng, _TABLES[kind][path]))
    return edited


def draw_value(rng: Random, values: Values) -> Any:
    """Return one of a field's values, as a rule a good one."""
    wrong = values.bad and rng.random() < _BAD
    return copy(rng.choice(values.bad if wrong else values.good))


def put(spec: dict[str, Any], path: str, value: Any) -> None:
    """Set a field, or drop it where the value is None."""
    *outer, last = path.split(".")
    for part in outer:
        spec = spec.setdefault(part, {})
    if value is None:
        spec.pop(last, None)
    else:
        spec[last] = copy(value)


def _edit_schedule(rng: Random, spec: dict[str, Any], path: str) -> None:
    """Change a field of the schedule; a rate takes the place of a cron text as a whole, and the other way round."""
    value = draw_value(rng, PLAN[path])
    if rng.random() < 0.1:
        spec.pop("schedule", None)
        return
    schedule = spec.setdefault("schedule", {"cron": "*/5 * * * *"})
    put(spec, path, value)
    if path.startswith("schedule.fixedRate"):
        schedule.pop("cron", None)
        schedule["fixedRate"] = {"value": 2, "unit": "Minute"} | schedule["fixedRate"]
    elif path == "schedule.cron":
        schedule.pop("fixedRate", None)
    _complete_schedule(schedule)


def _complete_schedule(schedule: dict[str, Any]) -> None:
    """Put beside each field what it cannot be without."""
    if "kickoffTimeOffset" in schedule:
        schedule.setdefault("kickoffTimeInput", "when")
    if schedule.get("catchUp") == {}:
        del schedule["catchUp"]


def _edit_place(rng: Random, spec: dict[str, Any]) -> None:
    """Change where a reference's plan is: one of two ways to say it takes the place of the other."""
    for part in _PLACE:
        spec.pop(part, None)
    spec |= draw_value(rng, PLACES)


def _edit_limit(rng: Random, spec: dict[str, Any], path: str) -> None:
    """Change a field of the limit, or take it away; a queue stands beside no other behavior."""
    if rng.random() < 0.15:
        spec.pop("concurrency", None)
        return
    limit = spec.setdefault("concurrency", {"max": 1})
    put(spec, path, draw_value(rng, PLAN[path]))
    if path in _QUEUE:
        limit["behavior"] = "Queue"
    elif limit.get("behavior") != "Queue" or not limit.get("queue"):
        limit.pop("queue", None)
