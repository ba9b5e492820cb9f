"""The steps on a plan's CronJob: a schedule is never changed in place, and every road leads to the one that is wanted."""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.decide.cronjob import (
    Announce,
    Create,
    CronJobStep,
    Keep,
    LiveCronJob,
    RecordedCronJob,
    Remove,
    Taken,
    Update,
    Wait,
    WantedCronJob,
    decide_cronjob,
    read_live,
    read_timing,
)

PLAN = ("report", "plan-uid")
OURS = ("LaunchPlan", *PLAN)
DAILY: tuple[Any, ...] = ("0 9 * * *", "UTC", False, 200)
HOURLY: tuple[Any, ...] = ("0 * * * *", "UTC", False, 200)
WANTED = WantedCronJob(DAILY, "daily", "r1")
LIVE = LiveCronJob("cj", 3, OURS, DAILY, "r1")
RECORDED = RecordedCronJob(3, None, "daily")


@pytest.mark.parametrize(
    ("wanted", "live", "recorded", "expected"),
    [
        pytest.param(WANTED, LIVE, RECORDED, Keep(), id="a CronJob as wanted is kept"),
        pytest.param(None, None, RecordedCronJob(), Keep(), id="nothing wanted and nothing there is kept"),
        pytest.param(WANTED, None, RecordedCronJob(), Create(), id="a first schedule is created"),
        pytest.param(WANTED, None, RECORDED, Create(), id="one that was deleted by hand is made again"),
        pytest.param(
            WANTED, replace(LIVE, rendered="r0"), RECORDED, Update(), id="another template is written in place"
        ),
        pytest.param(
            WANTED, replace(LIVE, generation=4), RECORDED, Update(), id="a spec that somebody touched is written again"
        ),
        pytest.param(
            WANTED, replace(LIVE, rendered=None), RECORDED, Update(), id="marks that somebody took are written again"
        ),
        pytest.param(
            WANTED,
            LIVE,
            RecordedCronJob(None, None, "daily"),
            Update(),
            id="before the first note one that was changed since it was made is mended",
        ),
        pytest.param(
            WANTED,
            replace(LIVE, generation=1),
            RecordedCronJob(None, None, "daily"),
            Keep(),
            id="before the first note one as it was made is kept",
        ),
        pytest.param(
            WANTED, replace(LIVE, timing=HOURLY), RECORDED, Announce("cj"), id="another schedule is announced first"
        ),
        pytest.param(
            WANTED,
            replace(LIVE, timing=("0 9 * * *", "UTC", True, 200)),
            RECORDED,
            Announce("cj"),
            id="one that was suspended by hand is replaced: un-suspending would fire its past",
        ),
        pytest.param(None, LIVE, RECORDED, Announce("cj"), id="the end of a schedule is announced first"),
        pytest.param(
            WANTED,
            replace(LIVE, timing=HOURLY),
            RecordedCronJob(None, "cj", "daily"),
            Remove("cj"),
            id="what was announced is removed",
        ),
        pytest.param(None, LIVE, RecordedCronJob(None, "cj", None), Remove("cj"), id="an announced end is carried out"),
        pytest.param(
            WANTED,
            LIVE,
            RecordedCronJob(None, "cj", "hourly"),
            Remove("cj"),
            id="an announced end is carried out even if the plan went back meanwhile",
        ),
        pytest.param(
            WANTED,
            None,
            RecordedCronJob(None, "cj", "hourly"),
            Announce(None),
            id="a plan that was edited once more announces its schedule before it is made",
        ),
        pytest.param(
            WANTED, None, RecordedCronJob(None, "cj", "daily"), Create(), id="once the old one is gone the next is made"
        ),
        pytest.param(
            WANTED,
            LIVE,
            RecordedCronJob(3, "another", "daily"),
            Keep(),
            id="an announcement about a CronJob that is gone means nothing",
        ),
        pytest.param(
            WANTED, replace(LIVE, deleting=True), RECORDED, Wait(), id="one that is being deleted is waited for"
        ),
        pytest.param(
            WANTED,
            replace(LIVE, owner=("LaunchPlan", "report", "earlier-uid")),
            RecordedCronJob(),
            Wait(),
            id="the garbage collector takes that of an earlier plan of this name",
        ),
        pytest.param(WANTED, replace(LIVE, owner=None), RECORDED, Taken(), id="nobody's CronJob is left untouched"),
        pytest.param(
            WANTED,
            replace(LIVE, owner=("LaunchPlan", "other", "plan-uid")),
            RecordedCronJob(),
            Taken(),
            id="another plan's CronJob is left untouched",
        ),
        pytest.param(
            WANTED,
            replace(LIVE, owner=("App", *PLAN)),
            RECORDED,
            Taken(),
            id="another operator's CronJob is left untouched",
        ),
        pytest.param(None, replace(LIVE, owner=None), RECORDED, Keep(), id="a name that we do not need may be taken"),
        pytest.param(
            None,
            replace(LIVE, owner=None),
            RecordedCronJob(None, "cj", None),
            Keep(),
            id="even an announced one is not removed once it is not ours",
        ),
    ],
)
def test_the_next_step(
    wanted: WantedCronJob | None, live: LiveCronJob | None, recorded: RecordedCronJob, expected: CronJobStep
) -> None:
    """Each row is one look at what is wanted, what lives and what was written down."""
    assert decide_cronjob(PLAN, wanted, live, recorded) == expected


HASHES = {DAILY: "daily", HOURLY: "hourly"}


@dataclass
class Cluster:
    """A tiny model of what each step does to the CronJob and to the status."""

    live: LiveCronJob | None
    recorded: RecordedCronJob
    uids: "count[int]" = field(default_factory=count)

    def step(self, wanted: WantedCronJob | None, *, crash: bool = False) -> CronJobStep:
        """Decide and obey; a crash comes after the CronJob's write and before the status'."""
        step = decide_cronjob(PLAN, wanted, self.live, self.recorded)
        noted = self._obey(step, wanted)
        self.recorded = self.recorded if crash else noted
        return step

    def _obey(self, step: CronJobStep, wanted: WantedCronJob | None) -> RecordedCronJob:
        match step:
            case Announce():
                return RecordedCronJob(None, step.uid, wanted.schedule_hash if wanted else None)
            case Remove():
                # What the status announced is what goes, and nothing else.
                assert self.live is not None
                assert self.live.owner == OURS
                assert step.uid == self.live.uid == self.recorded.replacing
                self.live = None
                return self.recorded
            case Wait():
                self.live = None
                return self.recorded
            case Create():
                assert self.live is None
                assert wanted is not None
                self.live = LiveCronJob(f"new-{next(self.uids)}", 1, OURS, wanted.timing, wanted.rendered)
            case Update():
                assert self.live is not None
                assert wanted is not None
                assert wanted.timing == self.live.timing
                self.live = replace(self.live, generation=self.live.generation + 1, rendered=wanted.rendered)
        return self._noted()

    def _noted(self) -> RecordedCronJob:
        if self.live is None or self.live.owner != OURS:
            return RecordedCronJob()
        return RecordedCronJob(self.live.generation, None, HASHES.get(self.live.timing))


WANTS = st.none() | st.builds(
    lambda timing, rendered: WantedCronJob(timing, HASHES[timing], rendered),
    st.sampled_from([DAILY, HOURLY]),
    st.sampled_from(["r1", "r2"]),
)
OWNERS = st.sampled_from([OURS, OURS, ("LaunchPlan", "report", "earlier-uid"), None])
LIVES = st.none() | st.builds(
    LiveCronJob,
    uid=st.just("cj"),
    generation=st.integers(1, 3),
    owner=OWNERS,
    timing=st.sampled_from([DAILY, HOURLY, ("0 9 * * *", "UTC", True, 200)]),
    rendered=st.sampled_from(["r1", "r2", None]),
    deleting=st.booleans(),
)
NOTES = st.builds(
    RecordedCronJob,
    generation=st.none() | st.integers(1, 3),
    replacing=st.sampled_from([None, "cj", "gone"]),
    schedule_hash=st.sampled_from([None, "daily", "hourly"]),
)


@given(LIVES, NOTES, st.lists(st.tuples(WANTS, st.booleans()), max_size=6), WANTS)
def test_every_state_leads_to_the_cronjob_that_is_wanted(
    live: LiveCronJob | None,
    recorded: RecordedCronJob,
    disturbances: list[tuple[WantedCronJob | None, bool]],
    wanted: WantedCronJob | None,
) -> None:
    """After any edits and crashes, a few quiet steps end in Keep, for ever; what is not ours is never touched."""
    cluster = Cluster(live, recorded)
    for earlier, crash in disturbances:
        cluster.step(earlier, crash=crash)
    for _ in range(6):
        cluster.step(wanted)
    last = cluster.step(wanted)
    if live is not None and live.owner is None:
        assert cluster.live == live
        assert last == (Keep() if wanted is None else Taken())
        return
    assert last == Keep()
    assert (cluster.live and (cluster.live.timing, cluster.live.rendered)) == (
        wanted and (wanted.timing, wanted.rendered)
    )


@given(LIVES, NOTES, WANTS)
def test_no_schedule_is_ever_changed_in_place(
    live: LiveCronJob | None, recorded: RecordedCronJob, wanted: WantedCronJob | None
) -> None:
    """Kubernetes fires the latest slot of the past if one is."""
    step = decide_cronjob(PLAN, wanted, live, recorded)
    if isinstance(step, Update):
        assert live is not None
        assert wanted is not None
        assert live.timing == wanted.timing
    assert not isinstance(step, Create) or live is None


CRONJOB: dict[str, Any] = {
    "metadata": {
        "uid": "cj",
        "generation": 3,
        "labels": {"managed": "us"},
        "annotations": {"rendered": "r1"},
        "ownerReferences": [
            {"kind": "Audit", "name": "a", "uid": "b"},
            {"kind": "LaunchPlan", "name": "report", "uid": "plan-uid", "controller": True},
        ],
    },
    "spec": {"schedule": "0 9 * * *", "timeZone": "UTC", "suspend": False, "startingDeadlineSeconds": 200},
}


def read(metadata: dict[str, Any] | None = None) -> LiveCronJob:
    """Return the facts of the CronJob with other metadata."""
    return read_live(
        {**CRONJOB, "metadata": {**CRONJOB["metadata"], **(metadata or {})}}, ("managed", "us"), "rendered"
    )


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, LIVE, id="a CronJob of ours"),
        pytest.param({"ownerReferences": None}, replace(LIVE, owner=None), id="nobody's"),
        pytest.param({"labels": {}}, replace(LIVE, rendered=None), id="one that lost its label is not as we left it"),
        pytest.param({"labels": None, "annotations": None}, replace(LIVE, rendered=None), id="one without any marks"),
        pytest.param({"annotations": {}}, replace(LIVE, rendered=None), id="one that lost its hash"),
        pytest.param({"annotations": None}, replace(LIVE, rendered=None), id="one that lost all annotations"),
        pytest.param({"deletionTimestamp": "2026-01-31T09:00:00Z"}, replace(LIVE, deleting=True), id="one that goes"),
    ],
)
def test_facts_are_read_from_the_object(metadata: dict[str, Any], expected: LiveCronJob) -> None:
    """Only the controller among its owners counts."""
    assert read(metadata) == expected


@pytest.mark.parametrize("changed", ["schedule", "timeZone", "suspend", "startingDeadlineSeconds"])
def test_whatever_decides_when_it_fires_is_timing(changed: str) -> None:
    """A change of any asks for a new CronJob; absent is not the same as ours."""
    spec = {key: value for key, value in CRONJOB["spec"].items() if key != changed}
    spec |= {"suspend": True} if changed == "suspend" else {"schedule": "1 9 * * *"} if changed == "schedule" else {}
    assert read_timing(spec) != read_timing(CRONJOB["spec"])


def test_other_fields_are_no_timing() -> None:
    """History limits and the template are mended in place."""
    assert read_timing({**CRONJOB["spec"], "failedJobsHistoryLimit": 1, "jobTemplate": {}}) == DAILY
