"""Slots' runs that a person deleted while they waited: the plan's decisions are all that is left to tell of them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.planstatus import MAX_DECISIONS
from launchplan_operator.decide.decisions import plain_decision
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planslots import SlotAccount
from launchplan_operator.render import labels

_MESSAGE: Final = "the execution was deleted while it waited (start a run by hand if it is still wanted)"
#: No more by one write than its decisions name, by which a write whose answer was lost is known again.
_AT_ONCE: Final = MAX_DECISIONS // 2


def account_lost(context: Context, plan: Mapping[str, Any]) -> tuple[SlotAccount, tuple[str, ...]]:
    """Return what to tell of the plan's lost runs, and the uids that need not be remembered once it is written."""
    settled = [uid for uid, run in _lost_runs(context, plan) if not _is_open(plan, run)]
    untold = list(islice(((uid, run) for uid, run in _lost_runs(context, plan) if uid not in settled), _AT_ONCE))
    decisions = tuple(_tell(context, run) for _, run in untold)
    counts = {"skipped": len(untold)} if untold else {}
    return SlotAccount(None, counts, decisions), (*settled, *(uid for uid, _ in untold))


def forget_lost(context: Context, uids: tuple[str, ...]) -> bool:
    """Forget runs that were told of; tells whether others of them are left."""
    for uid in uids:
        context.caches.lost_runs.pop(uid, None)
    return len(uids) >= _AT_ONCE


def _lost_runs(context: Context, plan: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    uid = plan["metadata"]["uid"]
    return ((each, run) for each, run in context.caches.lost_runs.items() if labels.is_owned_by(run, uid))


def _is_open(plan: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Tell whether nobody else accounts for a lost run: its slot starts no more, and it had no seat."""
    status, slot = plan.get("status") or {}, run["metadata"]["annotations"][labels.SLOT]
    schedule, ledger = status.get("schedule") or {}, status.get("concurrency")
    # Without a limit, a run that was not accepted may have been starting just then.
    never_started = ledger is not None or (run.get("status") or {}).get("phase")
    has_seat = any(seat["uid"] == run["metadata"]["uid"] for seat in (ledger or {}).get("running") or ())
    is_settled = slot <= max(schedule.get("since") or "", schedule.get("lastSlot") or "")
    told = {(each.get("execution"), each["reason"]) for each in status.get("decisions") or ()}
    is_told = (run["metadata"]["name"], Reason.ExecutionDeleted) in told
    return bool(never_started and is_settled and not has_seat and not is_told)


def _tell(context: Context, run: Mapping[str, Any]) -> Mapping[str, Any]:
    name, slot = run["metadata"]["name"], run["metadata"]["annotations"][labels.SLOT]
    return plain_decision(context.clock(), "Skipped", Reason.ExecutionDeleted, _MESSAGE, execution=name, slot=slot)
