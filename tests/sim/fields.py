"""For every field of our specs the values that people give it, good and bad; a field without any fails a test."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.api.workflow import WorkflowDefinitionSpec

#: Stands for leaving the field out.
ABSENT = None


@dataclass(frozen=True, slots=True)
class Values:
    """What a field may be given.

    Attributes:
        good: values that make sense beside the defaults of all other fields.
        bad: values that are refused at apply or found wrong later.
    """

    good: tuple[Any, ...]
    bad: tuple[Any, ...] = ()


_ENV = Values(
    (ABSENT, [{"name": "MODE", "value": "fast"}], [{"name": "MODE", "value": "slow"}]),
    ([{"name": "LP_INPUT_X", "value": "1"}], [{"name": "FORBIDDEN", "value": "1"}], [{"name": "1", "value": ""}]),
)
_PREFIX = Values(("s3://bucket/out", ""), ("with blank s",))
_LABELS = Values((ABSENT, {"team": "sun"}, {"team": "moon"}), ({"launchplan.dev/plan": "x"}, {"-": "y"}))
_NOTES = Values((ABSENT, {"note": "one"}, {"note": "two"}), ({"launchplan.dev/inputs": "{}"},))
_TIMEOUT = Values((ABSENT, "20s", "90s", "1h"), ("0s", "1.5s", "soon"))
_PARALLEL = Values((ABSENT, 0, 1), (-1,))
_FLAG = Values((ABSENT, True, False))
_SECRETS = Values(
    (ABSENT, [{"name": "db", "key": "password", "env": "PASSWORD"}], [{"name": "db", "key": "password", "file": "p"}]),
    ([{"name": "root", "key": "password", "env": "PASSWORD"}], [{"name": "db", "key": "password"}]),
)
_ACCOUNT = Values((ABSENT, "runner"), ("root",))

_SUN = {"from": "Selector", "selector": {"matchLabels": {"team": "sun"}}}
_NOT_MOON = {"key": "team", "operator": "NotIn", "values": ["moon"]}
#: Whom a plan allows.
CONSENT = Values(
    (
        ABSENT,
        {"from": "Same"},
        {"from": "All"},
        {"from": "All"},
        {"from": "Names", "names": ["asking"]},
        {"from": "Names", "names": ["nowhere"]},
        _SUN,
        {"from": "Selector", "selector": {"matchExpressions": [_NOT_MOON]}},
    ),
    ({"from": "Everyone"}, {"from": "Names"}, {"from": "All", "names": ["asking"]}),
)

#: What stands in a concurrency of the one behavior alone, and in a schedule beside another field alone, is put so.
PLAN: dict[str, Values] = {
    "workflowRef.name": Values(("greet",), ("graet", "")),
    "workflowRef.version": Values((ABSENT, "w1", "w2"), ("w9",)),
    "version": Values((ABSENT, "v1", "v2"), ("no version!",)),
    "defaultInputs": Values(({"name": "moon"}, {"name": "sun"}, {"name": "sun", "times": 2}), ({"nome": 1}, {})),
    "fixedInputs": Values(({}, {"times": 2}, {"times": 3}), ({"times": "many"}, {"tomes": 1})),
    "concurrency.max": Values((1, 1, 2, 3), (0,)),
    "concurrency.behavior": Values(("Skip", "Queue", "Queue", "Replace"), ("Push",)),
    "concurrency.queue.max": Values((ABSENT, 1, 2, 5), (0,)),
    "concurrency.queue.expireAfter": Values((ABSENT, "40s", "3m"), ("0s",)),
    "schedule.engine": Values(("Auto", "Operator", "CronJob"), ("Sundial",)),
    "schedule.cron": Values(
        ("* * * * *", "*/2 * * * *", "*/5 * * * *", "3 * * * *", "0 3 * * *"), ("61 * * * *", "0 0 30 2 *", "@never")
    ),
    "schedule.fixedRate.value": Values((1, 2, 5, 30), (0, 100_001)),
    "schedule.fixedRate.unit": Values(("Minute", "Hour"), ("Fortnight",)),
    "schedule.timeZone": Values(("UTC", "Europe/Berlin", "Asia/Kolkata"), ("Europe/Berlln",)),
    "schedule.kickoffTimeInput": Values((ABSENT, "when"), ("name", "whenn")),
    "schedule.kickoffTimeOffset": Values((ABSENT, "-1h", "90s"), ("soon",)),
    "schedule.startTime": Values((ABSENT, "2025-12-31T23:59:00Z", "2026-01-01T00:03:00Z", "2026-01-01T00:05:30Z")),
    "schedule.endTime": Values((ABSENT, "2026-01-01T00:06:00Z", "2026-01-01T01:09:30+01:00"), ("tomorrow",)),
    "schedule.jitter": Values((ABSENT, "5s", "40s"), ("5h",)),
    "schedule.startingDeadline": Values((ABSENT, "10s", "45s", "200s"), ("0s",)),
    "schedule.catchUp.policy": Values(("Latest", "All", "None"), ("Some",)),
    "schedule.catchUp.window": Values((ABSENT, "24h", "2m", "5m"), ("0s",)),
    "schedule.catchUp.max": Values((ABSENT, 1, 2, 10), (0,)),
    "labels": _LABELS,
    "annotations": _NOTES,
    "autoActivate": Values((True, True, False), ("yes",)),
    "activeVersion": Values((ABSENT, ABSENT, "v1", "v2"), ("v77",)),
    "suspend": Values((False, True), (3,)),
    "history.succeeded": Values((ABSENT, 0, 1, 3), (-1,)),
    "history.failed": Values((ABSENT, 0, 2), (1001,)),
    "history.skipped": Values((ABSENT, 0, 1), ("few",)),
    "history.ttl": Values((ABSENT, "16m", "72h"), ("later",)),
    "timeout": _TIMEOUT,
    "retries": Values((ABSENT, 0, 1), (-1,)),
    "env": _ENV,
    "interruptible": _FLAG,
    "maxParallelism": _PARALLEL,
    "rawOutputDataConfig.outputLocationPrefix": _PREFIX,
    "identity.serviceAccountName": _ACCOUNT,
    "identity.secrets": _SECRETS,
    "allowReferencesFrom": CONSENT,
}
_WHEN = {"name": "when", "type": "datetime", "default": "2026-01-01T00:00:00Z"}
_INPUTS = [{"name": "name", "type": "string"}, {"name": "times", "type": "integer", "default": 1}]
_OUTPUTS = [{"name": "greeting", "type": "string"}]
_POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
WORKFLOW: dict[str, Values] = {
    "version": Values((ABSENT, "w1", "w2"), ("w 3",)),
    "interface.inputs": Values(
        (_INPUTS, [*_INPUTS, _WHEN], [*_INPUTS, {"name": "more", "type": "boolean", "default": True}]),
        ([{"name": "name", "type": "strang"}], [{"name": "needed", "type": "string"}]),
    ),
    "interface.outputs": Values((_OUTPUTS, []), ([{"name": "greeting", "type": "greeting"}],)),
    "job": Values(
        tuple({"backoffLimit": number, "template": {"spec": _POD}} for number in (0, 0, 1)),
        ({"template": {"spec": {}}}, {"backoffLimit": -1, "template": {"spec": _POD}}),
    ),
    "container": Values((ABSENT, "main"), ("sidecar",)),
    "allow.serviceAccounts": Values((["runner"],), (["root", ""],)),
    "allow.secrets": Values((["db"],), ([],)),
    "allow.env": Values((["MODE", "PASSWORD"],), ([],)),
    "allow.podLabels": Values(([], ["team"])),
    "allow.podAnnotations": Values(([], ["note"])),
    "interruptible.nodeSelector": Values(({"spot": "true"}, {})),
    "interruptible.tolerations": Values(([], [{"key": "spot", "operator": "Exists"}])),
}
EXECUTION: dict[str, Values] = {
    "launchPlanRef.kind": Values(("LaunchPlan",), ("WorkflowDefinition",)),
    "launchPlanRef.name": Values(("hello",), ("helo",)),
    "launchPlanRef.version": Values((ABSENT, ABSENT, "v1", "v2"), ("v77",)),
    "inputs": Values((ABSENT, {"name": "Ada"}, {"times": 4}), ({"nome": "Ada"}, {"times": "often"})),
    "labels": _LABELS,
    "annotations": _NOTES,
    "timeout": _TIMEOUT,
    "env": _ENV,
    "interruptible": _FLAG,
    "maxParallelism": _PARALLEL,
    "rawOutputDataConfig.outputLocationPrefix": _PREFIX,
    "identity.serviceAccountName": _ACCOUNT,
    "identity.secrets": _SECRETS,
    "relaunchOf": Values((ABSENT, ABSENT, ABSENT, "run-0", "run-1"), ("nobody",)),
    "terminate": Values((ABSENT, ABSENT, ABSENT, {"cause": "changed my mind"}), ({"cause": ""},)),
}
_NAME = {"name": "name", "type": "string"}
#: Where a reference's plan is: as a rule somewhere where there is one. A place is drawn as a whole.
PLACES = Values(
    (
        {"namespace": "default"},
        {"namespace": "default"},
        {"namespace": "default"},
        {"namespace": "other-side"},
        {"project": "other", "domain": "side"},
    ),
    ({"namespace": "asking"}, {"namespace": "nowhere"}, {"namespace": "default", "project": "other"}, {}),
)
#: What fits most plans is named more often than what does not.
REFERENCE: dict[str, Values] = {
    "namespace": Values(("default", "other-side"), ("asking", "nowhere")),
    "project": Values(("other",), ("Other",)),
    "domain": Values(("side",), ("",)),
    "name": Values(("hello", "hello", "hello", "hi"), ("helo", "theirs", "ours", "No")),
    "version": Values((ABSENT, ABSENT, ABSENT, "v1", "v2"), ("v77", "no version!")),
    "inputs": Values(
        ([_NAME], [_NAME], ABSENT, [_NAME, {"name": "times", "type": "integer"}]),
        (
            [{"name": "nome", "type": "string"}],
            [{"name": "name", "type": "strang"}],
            [{"name": "name", "type": "datetime"}],
        ),
    ),
    "outputs": Values(
        (ABSENT, [{"name": "greeting", "type": "string"}]),
        ([{"name": "greeting", "type": "integer"}], [{"name": "farewell", "type": "string"}]),
    ),
}
TABLES: tuple[tuple[type[BaseModel], dict[str, Values]], ...] = (
    (LaunchPlanSpec, PLAN),
    (WorkflowDefinitionSpec, WORKFLOW),
    (LaunchPlanExecutionSpec, EXECUTION),
    (ReferenceLaunchPlanSpec, REFERENCE),
)


def leaf_fields(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """Yield the paths of a model's fields that hold no model themselves."""
    for name, field in model.model_fields.items():
        path = at + (field.alias or name)
        inner = list(_models_in(field.annotation))
        for each in inner:
            yield from leaf_fields(each, f"{path}.")
        if not inner:
            yield path


def is_covered(path: str, table: dict[str, Values]) -> bool:
    """Tell whether a table gives a field values, itself or with the field that holds it."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in table for length in range(1, len(parts) + 1))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models_in(part)
