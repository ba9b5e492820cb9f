"""How many plans, references and executions there are, and how they stand: kept up to date with the caches, one change at a time.

A walk over all of them at each scrape would hold up the event loop; this costs a few microseconds an event.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from launchplan_operator.api.conditions import ConditionType, Reason, find_condition
from launchplan_operator.api.execution import Phase
from launchplan_operator.observe.catalogue import EXECUTIONS, PLANS, QUEUED, REFERENCES, RUNNING, STALLED
from launchplan_operator.observe.series import Namespaces, Values

Object = Mapping[str, Any]

#: Executions and references that nobody looked at yet.
NEW: Final = "New"
_WAITING: Final = frozenset({NEW, Phase.Queued})


class Standing:
    """Counts what three caches hold; `…_changed` are their listeners.

    Args:
        namespaces: Which have series of their own.
    """

    definitions = (EXECUTIONS, RUNNING, QUEUED, PLANS, STALLED, REFERENCES)

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        # By namespace, phase, and whether there is a Job; by namespace, and whether the plan is stalled; by namespace, and
        # the reason for which the reference stands as it does.
        self._runs: Counter[tuple[str, str, bool]] = Counter()
        self._plans: Counter[tuple[str, bool]] = Counter()
        self._references: Counter[tuple[str, str]] = Counter()

    def execution_changed(self, old: Object | None, new: Object | None) -> None:
        """Take a change of an execution."""
        _move(self._runs, _run_key(old), _run_key(new))

    def plan_changed(self, old: Object | None, new: Object | None) -> None:
        """Take a change of a plan."""
        _move(self._plans, _plan_key(old), _plan_key(new))

    def reference_changed(self, old: Object | None, new: Object | None) -> None:
        """Take a change of a reference."""
        _move(self._references, _reference_key(old), _reference_key(new))

    def read(self) -> Iterable[Values]:
        """Return the values of the definitions."""
        phases: Counter[tuple[str, ...]] = Counter()
        running, queued = self._zero(), self._zero()
        for (namespace, phase, has_job), count in self._runs.items():
            label = (self._namespaces.label(namespace),)
            phases[phase,] += count
            running[label] += count * (has_job and _is_open(phase))
            # What runs without a Job has it where the plan is that it was asked of through a reference.
            queued[label] += count * (not has_job and phase in _WAITING)
        plans, stalled = self._zero(), self._zero()
        for (namespace, is_stalled), count in self._plans.items():
            label = (self._namespaces.label(namespace),)
            plans[label] += count
            stalled[label] += count * is_stalled
        return (phases, running, queued, plans, stalled, self._read_references())

    def _read_references(self) -> Values:
        # A namespace none of whose references is well shows that as 0.
        found: Counter[tuple[str, ...]] = Counter(
            {(self._namespaces.label(namespace), str(Reason.Resolved)): 0 for namespace, _ in self._references}
        )
        for (namespace, reason), count in self._references.items():
            found[self._namespaces.label(namespace), reason] += count
        return found

    def _zero(self) -> Counter[tuple[str, ...]]:
        """Return a 0 for each namespace with a plan, so that a series does not end where its value does."""
        return Counter({(self._namespaces.label(namespace),): 0 for namespace, _ in self._plans})


def _move(counts: Counter[Any], old: object, new: object) -> None:
    if old == new:
        return
    if new is not None:
        counts[new] += 1
    if old is not None:
        counts[old] -= 1
        if not counts[old]:
            del counts[old]


def _run_key(run: Object | None) -> tuple[str, str, bool] | None:
    if run is None:
        return None
    status = run.get("status") or {}
    return run["metadata"]["namespace"], status.get("phase", NEW), "jobRef" in status


def _plan_key(plan: Object | None) -> tuple[str, bool] | None:
    if plan is None:
        return None
    stalled = find_condition((plan.get("status") or {}).get("conditions") or (), ConditionType.Stalled)
    return plan["metadata"]["namespace"], stalled is not None and stalled["status"] == "True"


def _reference_key(reference: Object | None) -> tuple[str, str] | None:
    if reference is None:
        return None
    ready = find_condition((reference.get("status") or {}).get("conditions") or (), ConditionType.Ready)
    return reference["metadata"]["namespace"], NEW if ready is None else ready["reason"]


def _is_open(phase: str) -> bool:
    return phase == NEW or not Phase(phase).terminal
