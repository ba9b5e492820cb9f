"""What each alert is for: series of metrics by which it fires, and others by which it must not."""

from dataclasses import dataclass

from tests.cluster.support import Object

#: Of one pod that is scraped as two are.
_ONE, _TWO = 'job="lp", instance="one"', 'job="lp", instance="two"'
_OTHERS = 'job="another", instance="elsewhere"'
_UP = {f'launchplan_build_info{{version="1", {pod}}}': "1x240" for pod in (_ONE, _TWO)}


@dataclass(frozen=True, slots=True)
class Case:
    """Series, and whether an alert fires by them.

    Attributes:
        series: promtool's notation, a value a minute, by series.
        at: when it is looked at, a duration.
        labels: the labels of the alerts that fire then, without name and severity; none where nothing does.
        is_up: whether operators are scraped.
    """

    alert: str
    series: dict[str, str]
    at: str
    labels: tuple[Object, ...] = ()
    is_up: bool = True

    @property
    def all_series(self) -> dict[str, str]:
        """The series, those of the operators that are scraped among them."""
        return (_UP if self.is_up else {}) | self.series


def _slots(outcome: str, values: str, pod: str = _ONE) -> dict[str, str]:
    return {f'launchplan_slots_total{{namespace="team", outcome="{outcome}", {pod}}}': values}


def _gauge(name: str, first: str, second: str) -> dict[str, str]:
    return {f'{name}{{namespace="team", {_ONE}}}': first, f'{name}{{namespace="team", {_TWO}}}': second}


def _leads(first: str, second: str) -> dict[str, str]:
    series = {_ONE: first, _TWO: second}
    others = {f'leader_election_master_status{{name="other", {_OTHERS}}}': "0x240"}
    return {f'leader_election_master_status{{name="lease", {pod}}}': each for pod, each in series.items()} | others


def _queue(longest: str = "0x240", depth: str = "0x240", looks: str = "0+60x240", pod: str = _ONE) -> dict[str, str]:
    labels = f'{{name="LaunchPlan", {pod}}}'
    return {
        f"workqueue_longest_running_processor_seconds{labels}": longest,
        f"workqueue_depth{labels}": depth,
        f"workqueue_work_duration_seconds_count{labels}": looks,
    }


def _requests(good: str, bad: str, code: str, pod: str = _ONE) -> dict[str, str]:
    name = "rest_client_requests_total"
    return {f'{name}{{code="200", method="GET", {pod}}}': good, f'{name}{{code="{code}", method="GET", {pod}}}': bad}


def _references(**values: str) -> dict[str, str]:
    return {
        f'launchplan_references{{namespace="team", reason="{reason}", {pod}}}': each
        for reason, each in values.items()
        for pod in (_ONE, _TWO)
    }


_TEAM: tuple[Object, ...] = ({"namespace": "team"},)
_PLANS: tuple[Object, ...] = ({"name": "LaunchPlan"},)

CASES: dict[str, Case] = {
    "one missed slot is told": Case("LaunchPlanSlotsMissed", _slots("missed", "0x5 1x30"), "7m", _TEAM),
    "a slot of which nothing is known is told": Case(
        "LaunchPlanSlotsMissed", _slots("unknown", "0x5 1x30"), "7m", _TEAM
    ),
    "a missed slot is told for a quarter of an hour": Case(
        "LaunchPlanSlotsMissed", _slots("missed", "0x5 1x60"), "25m"
    ),
    "a slot that is skipped as the plan says is not told": Case(
        "LaunchPlanSlotsMissed", _slots("skipped", "0x5 1x30") | _slots("started", "0+1x30"), "7m"
    ),
    "a process that starts anew misses nothing": Case("LaunchPlanSlotsMissed", _slots("missed", "3x5 0x30"), "7m"),
    "a plan that stays stalled is told": Case(
        "LaunchPlanPlansStalled", _gauge("launchplan_plans_stalled", "1x60", "1x60"), "20m", _TEAM
    ),
    "a plan that is mended soon is not told": Case(
        "LaunchPlanPlansStalled", _gauge("launchplan_plans_stalled", "1x10 0x60", "1x10 0x60"), "20m"
    ),
    "a reference that stays broken is told": Case(
        "LaunchPlanReferencesBroken", _references(Resolved="3x60", InterfaceMismatch="1x60"), "20m", _TEAM
    ),
    "a reference that is broken now for this and now for that is told": Case(
        "LaunchPlanReferencesBroken",
        _references(TargetUnavailable="1x9 _x60", InterfaceMismatch="_x10 2x60"),
        "20m",
        _TEAM,
    ),
    "a reference that is mended soon is not told": Case(
        "LaunchPlanReferencesBroken", _references(Resolved="0x10 1x60", InterfaceMismatch="1x10 _x60"), "20m"
    ),
    "references that are well, or new, are not told": Case(
        "LaunchPlanReferencesBroken", _references(Resolved="3x60", New="1x60"), "20m"
    ),
    "a queue that grows for an hour is told": Case(
        "LaunchPlanQueueGrows", _gauge("launchplan_runs_queued", "0+1x120", "0+1x120"), "80m", _TEAM
    ),
    "a long queue that shrinks is not told": Case(
        "LaunchPlanQueueGrows", _gauge("launchplan_runs_queued", "200-1x120", "200-1x120"), "80m"
    ),
    "a short queue is not told": Case(
        "LaunchPlanQueueGrows", _gauge("launchplan_runs_queued", "0+0.1x90", "0+0.1x90"), "80m"
    ),
    "that nobody leads is told": Case("LaunchPlanNoLeader", _leads("0x60", "0x60"), "3m", ({"name": "lease"},)),
    "that one of two leads is as it must be": Case("LaunchPlanNoLeader", _leads("0x60", "1x60"), "3m"),
    "a change of leaders is not told": Case("LaunchPlanNoLeader", _leads("1x3 0x60", "0x4 1x60"), "4m"),
    "an operator without an election has no leader to miss": Case("LaunchPlanNoLeader", {}, "10m"),
    "that no operator is scraped is told": Case("LaunchPlanOperatorDown", {}, "10m", ({},), is_up=False),
    "one operator is enough": Case("LaunchPlanOperatorDown", {}, "10m"),
    "a look that does not end is told": Case("LaunchPlanQueueStuck", _queue("0+60x240"), "20m", _PLANS),
    "objects that wait while none is looked at are told": Case(
        "LaunchPlanQueueStuck", _queue(depth="5x240", looks="7x240"), "20m", _PLANS
    ),
    "a queue that is worked at is not told, however long": Case("LaunchPlanQueueStuck", _queue(depth="500x240"), "20m"),
    "an operator that rests is not told": Case("LaunchPlanQueueStuck", _queue(looks="7x240"), "20m"),
    "another controller's queue is not told": Case(
        "LaunchPlanQueueStuck", _queue("0+60x240", "5x240", "7x240", _OTHERS), "20m"
    ),
    "a tenth of errors is told": Case("LaunchPlanApiErrors", _requests("0+90x60", "0+10x60", "503"), "20m", ({},)),
    "requests without an answer are errors": Case(
        "LaunchPlanApiErrors", _requests("0+90x60", "0+10x60", "<error>"), "20m", ({},)
    ),
    "requests that are turned away are errors": Case(
        "LaunchPlanApiErrors", _requests("0+90x60", "0+10x60", "429"), "20m", ({},)
    ),
    "conflicts are no errors": Case("LaunchPlanApiErrors", _requests("0+50x60", "0+50x60", "409"), "20m"),
    "a few errors are not told": Case("LaunchPlanApiErrors", _requests("0+990x60", "0+10x60", "503"), "20m"),
    "another controller's errors are not told": Case(
        "LaunchPlanApiErrors", _requests("0+90x60", "0+90x60", "503", _OTHERS), "20m"
    ),
    "a kind of which nothing is heard is told": Case(
        "LaunchPlanWatchStale",
        {f'launchplan_watch_staleness_seconds{{kind="jobs", {_ONE}}}': "0+60x60"},
        "20m",
        ({"kind": "jobs"},),
    ),
    "a kind of which bookmarks come is not told": Case(
        "LaunchPlanWatchStale", {f'launchplan_watch_staleness_seconds{{kind="jobs", {_ONE}}}': "60x60"}, "20m"
    ),
}
