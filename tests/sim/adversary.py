"""The adversary: decides, from its seed alone, what becomes of each call and each line of a watch."""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from launchplan_operator.api.kinds import CRON_JOBS, EVENTS, JOBS, LAUNCH_PLAN_EXECUTIONS
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.sim.faults import ANSWERS, Profile
from tests.sim.sites import OFTEN, RAREST, Site, all_sites

#: Seconds of a call's way there and back.
_WAY = 0.004
#: Seconds after which a caller gives up.
_PATIENCE = 30.0
#: Seconds after its sending in which a late write arrives, or never: within the 15 minutes that the design assumes.
LATEST = 870.0
#: The list that fills a cache: it may come from a server that lags behind.
_CACHE_LIST = "watch._list:chunks"
_BEFORE, _AFTER = "before", "after"
#: What starts a run, or is one.
_RUNS = (JOBS, LAUNCH_PLAN_EXECUTIONS)
#: How many adversaries lie in wait for seldom calls, and at how many of them they strike in one seed.
_KEEN, _MOST = 0.8, 6
_HANGING = {False: "time-out, not done", True: "time-out, done"}
_DROPPED = {False: "answer lost, not done", True: "answer lost, done"}


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a call.

    Attributes:
        there: seconds until it arrives.
        back: seconds until its answer does.
        fault: what goes wrong at the server, if anything.
        kill: "before" if the caller dies as it sends, "after" if it dies once the server has done the work.
        past: how many resource versions ago a list shows; 0 is the present.
    """

    there: float = _WAY
    back: float = _WAY
    fault: Fault | None = None
    kill: str = ""
    past: int = 0


@dataclass(slots=True)
class _Target:
    site: str
    moment: str
    visits: int


class Adversary:
    """One seed's ill will.

    Attributes:
        profile: how much of what it does.
        struck: how often each kind of fault struck.
        crashed: how often the operator died at each (site, moment).
        visited: how often each site was reached.
        active: whether it still does anything.
    """

    def __init__(self, rng: Random, zeal: Random) -> None:
        self._rng = rng
        self._zeal = zeal
        #: The chance that the operator dies at a call that it seldom makes, and at which of them it did.
        self._keen = zeal.uniform(0.7, 1.0) if zeal.random() < _KEEN else 0.0
        self._lain: set[str] = set()
        self.profile = draw_profile(rng)
        self.struck: Counter[str] = Counter()
        self.crashed: Counter[tuple[str, str]] = Counter()
        self.visited: Counter[str] = Counter()
        self.active = True
        self._targets = [self._target() for _ in range(self.profile.targets)]

    def strike(self, kind: str) -> None:
        """Count a fault."""
        self.struck[kind] += 1

    def fate(self, site: Site | None, call: Call) -> Fate:
        """Decide what becomes of a call."""
        if site is not None:
            self.visited[site.name] += 1
        if not self.active:
            return Fate()
        fate = self._way(site, call)
        if site is not None and (moment := self._hit(site)):
            return replace(fate, fault=None, kill=moment)
        return fate

    def watch_moment(self, site: Site | None) -> str:
        """Decide whether a process dies as it opens a watch, and when."""
        if site is None:
            return ""
        self.visited[site.name] += 1
        return self._hit(site) if self.active else ""

    def chance(self, probability: float) -> bool:
        """Throw dice, while active."""
        return self.active and probability > 0 and self._rng.random() < probability

    def between(self, low: float, high: float) -> float:
        """Return a number."""
        return self._rng.uniform(low, high)

    def _way(self, site: Site | None, call: Call) -> Fate:
        profile, rng = self.profile, self._rng
        # A list that proves an absence asks for no version, so that the server answers from its storage.
        fills_cache = site is not None and site.name == _CACHE_LIST
        if fills_cache and self.chance(profile.travelling):
            self.strike("list from the past")
            return Fate(past=rng.randrange(1, 30))
        if self.chance(profile.rough):
            return Fate(fault=self._fault(call))
        if self.chance(_lateness(profile, call)):
            self.strike("late write")
            return Fate(there=_PATIENCE + rng.random() ** 3 * (LATEST - _PATIENCE))
        if self.chance(profile.slow):
            self.strike("slow call")
            return Fate(there=rng.uniform(0.0, 20.0), back=rng.uniform(0.0, 9.0))
        return Fate(there=_WAY * rng.random(), back=_WAY * rng.random())

    def _fault(self, call: Call) -> Fault:
        rng = self._rng
        kind = rng.randrange(4)
        applied = call.writes and rng.random() < 0.5
        if kind == 0:
            self.strike(_DROPPED[applied])
            return Fault(Lost.DROPPED, applied)
        if kind == 1:
            self.strike(_HANGING[applied])
            return Fault(Lost.HANGS, applied)
        answer = rng.choice(ANSWERS)
        if answer == 409 and (not call.writes or call.kind == EVENTS):
            # Only a write can conflict, and one that does was not done.
            answer = 503
        if call.verb == "list" and "continue" in call.request.query:
            answer = 410
        self.strike(f"answer {answer}")
        applied = applied and answer not in {409, 429}
        return Fault(answer, applied, retry_after=rng.choice([None, 1]) if answer == 429 else None)

    def _target(self) -> _Target:
        rng = self._rng
        visits = 1 + min(int(rng.expovariate(0.7)), 8)
        return _Target(rng.choice(all_sites()).name, rng.choice((_BEFORE, _AFTER)), visits)

    def _hit(self, site: Site) -> str:
        for target in self._targets:
            if target.site != site.name:
                continue
            target.visits -= 1
            if target.visits == 0:
                return self._die(site, target.moment)
        seldom = site.name in RAREST or (site.name not in OFTEN and len(self._lain) < _MOST)
        may = seldom and site.name not in self._lain
        if may and self._zeal.random() < self._keen:
            self._lain.add(site.name)
            return self._die(site, self._zeal.choice((_BEFORE, _AFTER)))
        return ""

    def _die(self, site: Site, moment: str) -> str:
        self.crashed[site.name, moment] += 1
        self.strike(f"crash {moment} a call")
        return moment


def may_be_late(call: Call) -> bool:
    """Tell whether a call may arrive minutes after its caller gave up.

    Nothing occupies a CronJob's name: one that is made late, with no operator there, starts slots that nobody wants.
    """
    return not (call.verb == "create" and call.kind == CRON_JOBS)


def _lateness(profile: Profile, call: Call) -> float:
    if not call.writes or not may_be_late(call):
        return 0.0
    return profile.held if call.verb == "create" and call.kind in _RUNS else profile.late


def draw_profile(rng: Random) -> Profile:
    """Draw which families of faults a seed has: each alone, and in all mixtures."""

    def maybe(probability: float, low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return value if rng.random() < probability else 0.0

    def often(probability: float, most: int) -> int:
        value = rng.randrange(1, most + 1)
        return value if rng.random() < probability else 0

    return Profile(
        rough=maybe(0.35, 0.01, 0.12),
        late=maybe(0.2, 0.01, 0.08),
        held=maybe(0.2, 0.05, 0.5),
        slow=maybe(0.2, 0.01, 0.1),
        lossy=maybe(0.12, 0.01, 0.1),
        muddled=maybe(0.25, 0.02, 0.2),
        lagging=maybe(0.25, 0.02, 0.2),
        silent=maybe(0.1, 0.005, 0.03),
        travelling=maybe(0.15, 0.1, 0.5),
        targets=often(0.7, 12),
        sudden=often(0.3, 3),
        stops=often(0.2, 2),
        pauses=often(0.2, 2),
        sleep=maybe(0.04, 920.0, 1100.0),
        clocks=often(0.15, 3),
        skew=maybe(0.25, 0.1, 2.0),
        restarts=often(0.25, 3),
        outages=often(0.4, 2),
        doubles=often(0.35, 2),
        nodes=often(0.15, 3),
    )
