"""`list`: runs, or with `--plans` the plans."""

import argparse
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.cli.ages import age_text
from launchplan_operator.cli.cluster import KINDS, SHORT, Cluster, present, shown, with_cluster
from launchplan_operator.cli.outcomes import phase_of
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option, write_data, write_table
from launchplan_operator.cli.problems import Problem
from launchplan_operator.cli.targets import Target, read_target
from launchplan_operator.kube.transport import Object

#: The phases of a run; Pending is one that the operator has not seen.
PHASES = (
    "Pending",
    "Queued",
    "Running",
    "Aborting",
    "Succeeded",
    "Failed",
    "TimedOut",
    "Aborted",
    "Skipped",
    "Rejected",
)
_RUN_COLUMNS = ("name", "plan", "version", "phase", "origin", "started", "duration", "age")
_PLAN_COLUMNS = ("name", "active", "state", "schedule", "next", "last", "running", "queued", "age")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "plan", metavar="PLAN", nargs="?", help="only runs of this plan, of wfd/NAME, or through rlp/NAME"
    )
    parser.add_argument("--plans", action="store_true", help="list plans instead of runs")
    parser.add_argument(
        "--phase", action="append", default=[], metavar="PHASE", help="only these phases; may be given again, or a,b"
    )
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    add_output_option(parser)
    add_cluster_options(parser)
    add_examples(
        parser,
        """
  kubectl launchplan list
  kubectl launchplan list report --phase Failed,TimedOut
  kubectl launchplan list --plans -A
""",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _list)


async def _list(cluster: Cluster, options: argparse.Namespace) -> int:
    phases = _phases(options.phase)
    if options.plans and (phases or options.plan):
        raise Problem("found --plans with PLAN or --phase, which choose among runs")
    found = await (_plans(cluster, options) if options.plans else _runs(cluster, options, phases))
    if options.output != "text":
        write_data({"apiVersion": "v1", "kind": "List", "items": [shown(obj) for obj in found]}, options.output)
        return 0
    columns: tuple[str, ...]
    columns, row = (_PLAN_COLUMNS, plan_row) if options.plans else (_RUN_COLUMNS, run_row)
    now = present()
    rows = [row(obj, now) for obj in found]
    if options.all_namespaces:
        columns = ("namespace", *columns)
        rows = [(obj["metadata"]["namespace"], *cells) for obj, cells in zip(found, rows, strict=True)]
    write_table(columns, rows)
    return 0


async def _plans(cluster: Cluster, options: argparse.Namespace) -> list[Object]:
    listing = await cluster.client.list(LAUNCH_PLANS, _namespace(cluster, options))
    return sorted(listing.items, key=lambda plan: (plan["metadata"]["namespace"], plan["metadata"]["name"]))


async def _runs(cluster: Cluster, options: argparse.Namespace, phases: frozenset[str]) -> list[Object]:
    kinds = (LAUNCH_PLANS, WORKFLOW_DEFINITIONS, REFERENCE_LAUNCH_PLANS)
    target = read_target(options.plan, *kinds) if options.plan else None
    fields = f"spec.launchPlanRef.name={target.name}" if target else ""
    listing = await cluster.client.list(LAUNCH_PLAN_EXECUTIONS, _namespace(cluster, options), fields=fields)
    found = [run for run in listing.items if _is_of(run, target) and (not phases or phase_of(run) in phases)]
    if target and not found and not options.all_namespaces:
        await cluster.read(target.kind, target.name)  # no run, or no plan of that name?
    return sorted(found, key=_newest_last)


def run_row(execution: Object, now: datetime) -> tuple[str, ...]:
    """Return the cells of a run."""
    status, reference = execution.get("status") or {}, execution["spec"]["launchPlanRef"]
    kind = KINDS[reference.get("kind", LAUNCH_PLANS.kind)]
    prefix = "" if kind == LAUNCH_PLANS else f"{SHORT[kind]}/"
    return (
        execution["metadata"]["name"],
        f"{prefix}{reference['name']}",
        str(status.get("launchPlanVersion") or reference.get("version") or ""),
        phase_of(execution),
        str((status.get("origin") or {}).get("type") or ""),
        str(status.get("startTime") or ""),
        str(status.get("duration") or ""),
        age_text(execution["metadata"]["creationTimestamp"], now),
    )


def plan_row(plan: Object, now: datetime) -> tuple[str, ...]:
    """Return the cells of a plan."""
    status = plan.get("status") or {}
    schedule, last = status.get("schedule") or {}, status.get("lastExecution") or {}
    return (
        plan["metadata"]["name"],
        str(status.get("activeVersion") or ""),
        state_of(plan),
        str(schedule.get("text") or ""),
        next(iter(schedule.get("nextTimes") or ()), ""),
        " ".join(str(last[key]) for key in ("phase", "time") if last.get(key)),
        str(status.get("running") or 0),
        str((status.get("concurrency") or {}).get("queued") or 0),
        age_text(plan["metadata"]["creationTimestamp"], now),
    )


def state_of(plan: Mapping[str, Any]) -> str:
    """Return the reason of a plan's Ready condition: Active, Inactive, Suspended, or what is wrong."""
    conditions = (plan.get("status") or {}).get("conditions") or ()
    return next((str(each["reason"]) for each in conditions if each["type"] == "Ready"), "Unseen")


def _phases(given: list[str]) -> frozenset[str]:
    words = [word for each in given for word in each.split(",") if word]
    known = {phase.lower(): phase for phase in PHASES}
    unknown = [word for word in words if word.lower() not in known]
    if unknown:
        raise Problem(f"found the phase {unknown[0]!r}, expected one of {', '.join(PHASES)}")
    return frozenset(known[word.lower()] for word in words)


def _namespace(cluster: Cluster, options: argparse.Namespace) -> str | None:
    return None if options.all_namespaces else cluster.namespace


def _is_of(execution: Object, target: Target | None) -> bool:
    reference = execution["spec"]["launchPlanRef"]
    return target is None or (reference.get("kind", LAUNCH_PLANS.kind), reference["name"]) == (
        target.kind.kind,
        target.name,
    )


def _newest_last(execution: Object) -> tuple[str, str, str]:
    metadata = execution["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"]
