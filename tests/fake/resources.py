"""The kinds that the fake serves, and how each of them differs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from launchplan_operator.api import kinds
from launchplan_operator.api.kinds import Kind
from tests.fake import defaults

Object = dict[str, Any]


def _as_it_is(_obj: Object, _old: Object | None) -> None:
    pass


def _anything(_obj: Object, _old: Object | None) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One served kind.

    Attributes:
        namespaced: Whether its objects live in a namespace.
        custom: Whether a CRD defines it.
        status: Whether it has the status subresource.
        generation: Whether a change of its spec is counted.
        selectable: Fields beyond the name that a field selector may use.
        short_names: For discovery.
        orphans: Whether a delete that names no propagation leaves the dependents.
        unconditional: Whether a PUT without resourceVersion is taken.
        schema: What a custom one's CRD says, for clients that ask.
        prepare: Fills defaults into (new, old or None).
        validate: Findings about (new, old or None).
    """

    kind: Kind
    namespaced: bool = True
    custom: bool = False
    status: bool = True
    generation: bool = True
    selectable: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    orphans: bool = False
    unconditional: bool = True
    schema: Object = field(default_factory=dict, hash=False, compare=False)
    prepare: Callable[[Object, Object | None], None] = _as_it_is
    validate: Callable[[Object, Object | None], Iterable[str]] = _anything


CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
CONTROLLER_REVISIONS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")

BUILT_IN = (
    Resource(kinds.NAMESPACES, namespaced=False, generation=False),
    Resource(
        kinds.PODS,
        selectable=("status.phase", "spec.nodeName"),
        prepare=defaults.prepare_pod,
        validate=defaults.check_pod,
    ),
    Resource(
        kinds.EVENTS,
        status=False,
        generation=False,
        selectable=("involvedObject.uid", "involvedObject.name", "reason", "type"),
        validate=defaults.check_event,
    ),
    Resource(CONFIG_MAPS, status=False, generation=False),
    Resource(CONTROLLER_REVISIONS, status=False, generation=False),
    Resource(
        kinds.JOBS,
        selectable=("status.successful",),
        orphans=True,
        prepare=defaults.prepare_job,
        validate=defaults.check_job,
    ),
    Resource(kinds.CRON_JOBS, short_names=("cj",), prepare=defaults.prepare_cron_job, validate=defaults.check_cron_job),
    Resource(kinds.LEASES, status=False, generation=False),
    Resource(kinds.CUSTOM_RESOURCE_DEFINITIONS, namespaced=False),
)
