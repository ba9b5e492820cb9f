"""A plan's schedule: one step on its CronJob, and the slots that the step accounts for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLANS
from launchplan_operator.decide.cronjob import (
    Announce,
    Create,
    Keep,
    RecordedCronJob,
    Remove,
    Taken,
    Update,
    Wait,
    WantedCronJob,
    decide_cronjob,
    last_fired,
    live_timetable,
    read_live,
    read_timing,
)
from launchplan_operator.decide.planreading import Runnable
from launchplan_operator.decide.planstatus import Engine, ScheduleFacts
from launchplan_operator.decide.schedule import Timetable
from launchplan_operator.decide.slots import slot_at_hand
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.planadopt import meet_foreign
from launchplan_operator.reconcile.planclock import close_books, has_open_books, is_kept_by_us, keep_time, next_hash
from launchplan_operator.reconcile.plancron import (
    create_cronjob,
    job_refused,
    name_taken,
    remove_cronjob,
    update_cronjob,
    wanted_cronjob,
)
from launchplan_operator.reconcile.planforce import Force
from launchplan_operator.reconcile.planpast import account_cronjob
from launchplan_operator.reconcile.plansituation import (
    NOTHING,
    ScheduleStep,
    Situation,
    idle_facts,
    mark_of,
    own_cronjob,
    recorded_facts,
)
from launchplan_operator.reconcile.planslots import account_fired, account_unfired, join_accounts
from launchplan_operator.reconcile.result import Again, Done, Failed
from launchplan_operator.render import labels

_SOON = 0.05
_MARK = (labels.MANAGED_BY, labels.MANAGER)
_UNTIL_GONE = 1.0
#: For how long a CronJob that we saw go is not asked for again.
_LATELY = timedelta(minutes=1)


async def advance_schedule(context: Context, plan: Mapping[str, Any], force: Force) -> ScheduleStep:
    """Take one step towards the schedule of the version in force, and account for the slots that have passed."""
    manifest = None
    if force.scheduled and force.engine == "CronJob" and force.version and force.settings:
        manifest = wanted_cronjob(plan, force.version, force.settings)
    metadata = plan["metadata"]
    live = context.caches.cronjobs.get(metadata["namespace"], metadata["name"])
    recorded = (plan.get("status") or {}).get("schedule") or {}
    text = force.text or (recorded.get("text") if force.has_schedule else None)
    here = Situation(plan, recorded, manifest, live, text, force.version, _own_table(force))
    if force.scheduled is None:
        return await _go_on(context, here)
    step = decide_cronjob(
        (metadata["name"], metadata["uid"]),
        _wanted(manifest),
        read_live(live, _MARK, labels.RENDERED) if live is not None else None,
        RecordedCronJob(
            (recorded.get("cronJob") or {}).get("generation"), recorded.get("replacing"), recorded.get("scheduleHash")
        ),
    )
    match step:
        case Keep():
            return await _keep(context, here)
        case Taken():
            return await _meet_foreign(context, here)
        case Wait():
            return _until_gone(here)
        case Announce():
            return await _announce(context, here, step.uid)
        case Remove():
            return await _remove(context, here)
        case Create():
            return await _create(context, here)
        case Update():
            return await _update(context, here)


def _own_table(force: Force) -> Timetable | None:
    """Return the timetable that the operator itself is to keep."""
    version = force.version
    keeps = force.scheduled is not False and force.engine == "Operator" and version and version.inputs is not None
    return version.timetable if version and keeps else None


async def _go_on(context: Context, here: Situation) -> ScheduleStep:
    """Whatever was scheduled stays as it is, and a CronJob whose end was announced goes."""
    live = here.live
    if live is not None and here.recorded.get("replacing") == live["metadata"]["uid"] and _is_ours(here, live):
        return await _end(context, here, live)
    if is_kept_by_us(here.recorded):
        if here.version is None or here.own_table is None:
            return ScheduleStep(recorded_facts(here))
        return await _keep_time(context, here, here.version, here.own_table)
    cronjob = own_cronjob(here)
    if cronjob is None and has_open_books(here.recorded):
        return ScheduleStep(recorded_facts(here))
    return await _account_live(context, here, cronjob)


def _is_ours(here: Situation, cronjob: Mapping[str, Any]) -> bool:
    return labels.is_owned_by(cronjob, here.plan["metadata"]["uid"])


async def _end(context: Context, here: Situation, cronjob: Mapping[str, Any]) -> ScheduleStep:
    """Let a CronJob of ours go, and wait until it is gone."""
    if cronjob["metadata"].get("deletionTimestamp"):
        return _until_gone(here)
    outcome = await remove_cronjob(context, here.plan, cronjob)
    return ScheduleStep(outcome=Again(_SOON) if isinstance(outcome, Done) else outcome)


async def _keep_time(context: Context, here: Situation, version: Runnable, table: Timetable) -> ScheduleStep:
    """Keep the time ourselves, once there is no CronJob any more that makes Jobs of the same names."""
    asked = here.live is not None or _may_be_foreign(here)
    found = await _find_cronjob(context, here) if asked else None
    if found is None and here.live is None:
        return await keep_time(context, here, version, table)
    if found is None or not _is_ours(here, found):
        return await _meet_other(context, here, found)
    if here.live is None:
        # A list from the past does not show it; its end is decided with it in view.
        context.caches.take(CRON_JOBS, found)
        return ScheduleStep(outcome=Again(_SOON))
    return await _end(context, here, found)


async def _keep(context: Context, here: Situation) -> ScheduleStep:
    """No CronJob is to be made, changed or removed."""
    if here.version is not None and here.own_table is not None:
        return await _keep_time(context, here, here.version, here.own_table)
    if here.live is None and (found := await _find_unseen(context, here)) is not None:
        # A list from the past does not show it.
        context.caches.take(CRON_JOBS, found)
        return ScheduleStep(outcome=Again(_SOON))
    if here.live is not None or not has_open_books(here.recorded):
        return await _account_live(context, here, own_cronjob(here))
    account = await close_books(context, here, None)
    return ScheduleStep(outcome=account) if isinstance(account, Failed) else ScheduleStep(idle_facts(here), account)


def _may_be_foreign(here: Situation) -> bool:
    """Tell whether to ask, before a schedule of our own goes on, for a CronJob that would make Jobs of the same names."""
    return not is_kept_by_us(here.recorded) or bool(here.recorded.get("replacing"))


async def _find_unseen(context: Context, here: Situation) -> dict[str, Any] | None:
    """Ask for a CronJob of ours that is recorded and not seen, unless we saw it go."""
    metadata = here.plan["metadata"]
    gone = context.caches.cronjobs_gone.get(scoped(metadata["namespace"], metadata["name"]))
    seen_gone = gone is not None and context.clock() - gone < _LATELY
    if seen_gone or not (here.recorded.get("cronJob") or here.recorded.get("replacing")):
        return None
    found = await _find_cronjob(context, here)
    return found if found is not None and _is_ours(here, found) else None


async def _find_cronjob(context: Context, here: Situation) -> dict[str, Any] | None:
    """Ask for the CronJob of the plan's name: our watch does not see what bears no label of ours."""
    return await context.client.get(CRON_JOBS, here.plan["metadata"]["namespace"], here.plan["metadata"]["name"])


async def _meet_foreign(context: Context, here: Situation) -> ScheduleStep:
    """What the cache holds that is not ours is asked for again: the watch would not tell that it went."""
    return await _meet_other(context, here, await _find_cronjob(context, here))


async def _meet_other(context: Context, here: Situation, found: Mapping[str, Any] | None) -> ScheduleStep:
    if found is not None:
        return await meet_foreign(context, here, found)
    if here.live is not None:
        context.caches.cronjobs.remove(dict(here.live))
    return ScheduleStep(outcome=Again(_SOON))


def _was_taken(here: Situation) -> bool:
    told = name_taken(here.plan["metadata"]["name"]).message
    conditions = (here.plan.get("status") or {}).get("conditions") or ()
    # Something else may be wrong too, and be the reason.
    return any(told in condition["message"] for condition in conditions)


async def _find_taken(context: Context, here: Situation) -> Mapping[str, Any] | None:
    """Return the CronJob of the plan's name if no plan of that name made it."""
    found = await _find_cronjob(context, here)
    controller = labels.controller_of(found) if found is not None else None
    maker = (controller["kind"], controller["name"]) if controller is not None else None
    return found if maker != (LAUNCH_PLANS.kind, here.plan["metadata"]["name"]) else None


async def _create(context: Context, here: Situation) -> ScheduleStep:
    if here.manifest is None:
        return ScheduleStep(idle_facts(here))
    if _was_taken(here) and (taken := await _find_taken(context, here)):
        return await meet_foreign(context, here, taken)
    reply = await create_cronjob(context, here.manifest)
    if reply.ok:
        if here.recorded.get("cronJob"):
            _tell_changed(context, here, "was deleted by hand and is made again")
        return await _account_live(context, here, reply.body)
    if reply.refused:
        return ScheduleStep(idle_facts(here), findings=(job_refused(reply),))
    if reply.exists and (taken := await _find_taken(context, here)):
        # A list of ours does not show it: once seen absent there, the cache cannot hold it any more.
        return await meet_foreign(context, here, taken)
    # AlreadyExists: the next look finds it in the cache.
    return ScheduleStep(outcome=Failed(reply.message))


async def _update(context: Context, here: Situation) -> ScheduleStep:
    if here.manifest is None or here.live is None:
        return ScheduleStep(idle_facts(here))
    reply = await update_cronjob(context, here.manifest, here.live)
    if reply.refused:
        return ScheduleStep(recorded_facts(here), findings=(job_refused(reply),))
    if not reply.ok:
        return ScheduleStep(outcome=Failed(reply.message))
    same_content = (
        read_live(here.live, _MARK, labels.RENDERED).rendered
        == here.manifest["metadata"]["annotations"][labels.RENDERED]
    )
    if same_content and reply.body["metadata"]["generation"] != here.live["metadata"]["generation"]:
        _tell_changed(context, here, "was changed by hand and is brought back")
    return await _account_live(context, here, reply.body)


async def _announce(context: Context, here: Situation, uid: str | None) -> ScheduleStep:
    """Say since when the next schedule counts, after the old one's last slot was started or given up."""
    now = context.clock()
    table, base = here.live_table, mark_of(here)
    account = NOTHING
    if table is not None and here.live is not None and base is not None:
        fired = last_fired(here.live) or base
        if slot_at_hand(table, max(base, fired), now):
            return ScheduleStep(outcome=Again(1.0))
        covered = await account_fired(context, here.plan, table, base, fired)
        if isinstance(covered, Failed):
            return ScheduleStep(outcome=covered)
        lost = await account_unfired(context, here.plan, table, max(base, fired), now)
        if isinstance(lost, Failed):
            return ScheduleStep(outcome=lost)
        account = join_accounts(covered, lost)
    elif here.live is None and here.recorded.get("scheduleHash"):
        closed = await close_books(context, here, here.version)
        if isinstance(closed, Failed):
            return ScheduleStep(outcome=closed)
        account = closed
    hash_ = next_hash(here)
    if hash_ is not None and hash_ == here.recorded.get("scheduleHash"):
        _tell_changed(context, here, "was changed by hand and is made again")
    engine: Engine = "Operator" if here.own_table else "CronJob"
    facts = ScheduleFacts(None, here.text, schedule_hash=hash_, since=now, replacing=uid, engine=engine)
    return ScheduleStep(facts, account, pending=_pending("the old CronJob is about to go"), again=_SOON)


def _until_gone(here: Situation) -> ScheduleStep:
    return ScheduleStep(recorded_facts(here), pending=_pending("the old CronJob is being deleted"), again=_UNTIL_GONE)


def _is_overtaken(here: Situation) -> bool:
    """Tell whether the plan was edited once more since the end of its CronJob was announced."""
    return next_hash(here) != here.recorded.get("scheduleHash")


async def _remove(context: Context, here: Situation) -> ScheduleStep:
    if here.live is None:
        return ScheduleStep(recorded_facts(here))
    if _is_overtaken(here):
        # The slots from now on are the newer schedule's.
        return await _announce(context, here, here.live["metadata"]["uid"])
    return await _end(context, here, here.live)


async def _account_live(context: Context, here: Situation, cronjob: Mapping[str, Any] | None) -> ScheduleStep:
    """Account for the past of the CronJob in force, and say what comes next."""
    if cronjob is None:
        return ScheduleStep(idle_facts(here) if here.text else None)
    table = live_timetable(cronjob)
    past = await account_cronjob(context, here, cronjob, table)
    if isinstance(past, Failed):
        return ScheduleStep(outcome=past)
    facts = ScheduleFacts(
        timetable=table,
        text=here.text,
        cronjob={key: cronjob["metadata"][key] for key in ("name", "uid", "generation")},
        schedule_hash=cronjob["metadata"]["annotations"].get(labels.SCHEDULE),
        since=past.since,
        last_slot=past.account.last_slot or here.instant("lastSlot"),
        warnings=past.warnings,
    )
    return ScheduleStep(facts, past.account, look_at=past.look_at)


def _tell_changed(context: Context, here: Situation, what: str) -> None:
    message = f"CronJob {here.plan['metadata']['name']} {what}"
    context.events.record(here.plan, "Warning", Reason.CronJobChanged, message)


def _wanted(manifest: Mapping[str, Any] | None) -> WantedCronJob | None:
    if manifest is None:
        return None
    annotations = manifest["metadata"]["annotations"]
    return WantedCronJob(read_timing(manifest["spec"]), annotations[labels.SCHEDULE], annotations[labels.RENDERED])


def _pending(message: str) -> Finding:
    return Finding(Reason.ScheduleChangePending, message, "spec.schedule", transient=True)
