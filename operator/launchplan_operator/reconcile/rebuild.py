"""Making a plan's ledger from nothing but what the server says: a new limit, a lost status, a restored cluster."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, PODS
from launchplan_operator.decide.concurrency import Seat
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.ledger import Ledger
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.retention import MINIMUM_AGE
from launchplan_operator.decide.run import is_finished, is_open
from launchplan_operator.reconcile.context import CLOCKS, Context, may_be_starting
from launchplan_operator.reconcile.standing import is_accepted
from launchplan_operator.render import labels


async def rebuild_ledger(context: Context, plan: Mapping[str, Any]) -> Ledger:
    """Return a ledger in which everything that runs, or may be about to, has a seat, be it above the limit.

    Jobs that this process asked for and got no answer about have seats. For runs that an earlier leader may have been
    starting nothing is admitted until its writes can arrive no more.
    """
    namespace, name, uid = (plan["metadata"][key] for key in ("namespace", "name", "uid"))
    of_plan = {labels.PLAN: name}
    # An answer may overtake the list: what was asked for before it counts too.
    asked = context.flights.uids(context.clock())
    # In this order: a Job that ends meanwhile is seen running, a run that is made meanwhile has no seat and asks for one.
    executions = (
        await context.client.list(LAUNCH_PLAN_EXECUTIONS, namespace, fields=f"spec.launchPlanRef.name={name}")
    ).items
    pods = (await context.client.list(PODS, namespace, of_plan)).items
    jobs = (await context.client.list(JOBS, namespace, of_plan)).items
    uids = {e["metadata"]["name"]: e["metadata"]["uid"] for e in executions}
    running = {j["metadata"]["name"]: j for j in jobs if not labels.is_tombstone(j) and not is_finished(j)}
    open_pods = {_job_name(pod): pod for pod in pods if is_open(pod) and _job_name(pod)}
    seats = [_seat(each, uids) for each in {**open_pods, **running}.items()]
    named = {job["metadata"]["name"] for job in jobs}
    starting = [e for e in executions if _has_no_job(e, named, uid)]
    asked |= context.flights.uids(context.clock())
    flying = [e for e in starting if e["metadata"]["uid"] in asked]
    seats += [_seat((e["metadata"]["name"], e), uids) for e in flying]
    hold = _hold_until(context, plan, starting)
    return Ledger(tuple(sorted(seats, key=lambda seat: (seat.admitted_at, seat.name))), hold, uid)


def _has_no_job(execution: Mapping[str, Any], named: set[str], plan_uid: str) -> bool:
    status = execution.get("status") or {}
    bound = status.get("planUid", plan_uid)
    return not is_terminal(status) and execution["metadata"]["name"] not in named and bound == plan_uid


def _hold_until(context: Context, plan: Mapping[str, Any], starting: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return until when an earlier leader's request for a Job may arrive, where one may be under way."""
    since = context.leader_since()
    if since is None or to_instant(plan["metadata"]["creationTimestamp"]) > since + CLOCKS:
        return None
    edited = plan["metadata"].get("generation", 1) > 1
    doubtful = [e for e in starting if may_be_starting(context, e) and (edited or is_accepted(e))]
    return since + MINIMUM_AGE if doubtful else None


def _seat(item: tuple[str, Mapping[str, Any]], uids: Mapping[str, str]) -> Seat:
    name, obj = item
    metadata = obj["metadata"]
    return Seat(name, uids.get(name, metadata["uid"]), to_instant(metadata["creationTimestamp"]))


def _job_name(pod: Mapping[str, Any]) -> str:
    return str((pod["metadata"].get("labels") or {}).get(labels.JOB_NAME, ""))
