"""Those who come from CronJobs: they have one, and let a plan of its name take it over."""

from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLANS
from launchplan_operator.decide.adoption import ADOPT
from launchplan_operator.render import labels
from tests.fake.store import Object, copy
from tests.sim.people import PLANS, People
from tests.sim.world import place_of

_TIMES = ("* * * * *", "*/2 * * * *", "*/3 * * * *")
_POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}


class Newcomers(People):
    """People some of whom had CronJobs before they had plans."""

    def take_cronjob_name(self) -> None:
        """Make a CronJob of one's own, of a plan's name."""
        spec = {"schedule": self._rng.choice(_TIMES), "jobTemplate": {"spec": {"template": {"spec": _POD}}}}
        metadata = {"name": self._rng.choice(PLANS), "namespace": self._space()}
        self._create(CRON_JOBS, {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec})

    def move_in(self) -> None:
        """Let a plan take over a CronJob of one's own, or make one that it may take over later."""
        found = [cronjob for cronjob in self._world.all(CRON_JOBS) if labels.controller_of(cronjob) is None]
        if not found:
            self.take_cronjob_name()
            return
        place = place_of(self._rng.choice(found))
        if self._world.get(LAUNCH_PLANS, *place) is None:
            self._make_plan(*place)
        if (plan := self._world.get(LAUNCH_PLANS, *place)) is not None:
            self._annotate(plan, "true")

    def think_again(self) -> None:
        """Let a plan take over no CronJob, after all."""
        asking = [
            plan for plan in self._world.all(LAUNCH_PLANS) if ADOPT in (plan["metadata"].get("annotations") or {})
        ]
        if asking:
            self._annotate(self._rng.choice(asking), "false")

    def _annotate(self, plan: Object, answer: str) -> None:
        annotations = (plan["metadata"].get("annotations") or {}) | {ADOPT: answer}
        body = copy(plan) | {"metadata": plan["metadata"] | {"annotations": annotations}}
        self._world.do("person", "PUT", LAUNCH_PLANS.path(*place_of(plan)), body)
