"""Which change of which object wakes references, and the two sides of a run through one."""

from typing import Any

from launchplan_operator.kube.queue import Key
from launchplan_operator.render import labels
from tests.unit.test_handlers import PLAN, Case, Object, cases, check, keys, made, plan, run

ASKING = "asking"
THEIRS: Key = ("ReferenceLaunchPlan", ASKING, "theirs")
LOCAL: Key = ("LaunchPlanExecution", ASKING, "asked")
REMOTE: Key = ("LaunchPlanExecution", "team", "ref-u1")


def reference(name: str = "theirs", target: str = "hello", ready: str | None = None, **parts: Any) -> Object:
    """Return a reference to the plan, judged or not."""
    condition = {"type": "Ready", "status": ready, "reason": "R", "message": "m"}
    status = {"observedGeneration": 1, "conditions": [condition]} if ready else {}
    return made("ReferenceLaunchPlan", name, ASKING, spec={"namespace": "team", "name": target}, status=status, **parts)


def asked(name: str = "asked", uid: str = "u1", through: str = "theirs", **status: Any) -> Object:
    """Return a run through the reference."""
    spec = {"launchPlanRef": {"kind": "ReferenceLaunchPlan", "name": through}}
    return made("LaunchPlanExecution", name, ASKING, meta={"uid": uid}, spec=spec, status=status)


def remote(uid: str = "u1", name: str | None = None, **status: Any) -> Object:
    """Return the execution that does what the run asks for."""
    marks = {
        labels.FROM_NAMESPACE: ASKING,
        labels.FROM_REFERENCE: "theirs",
        labels.FROM_EXECUTION: "asked",
        labels.FROM_UID: uid,
    }
    return run(name or f"ref-{uid}", status=status, meta={"labels": marks})


def offering(**status: Any) -> Object:
    """Return the plan as its status has it."""
    return plan(status={"observedGeneration": 1} | status)


def namespace(**marks: str) -> Object:
    """Return the namespace that refers."""
    meta = {"name": ASKING, "uid": "ns", "resourceVersion": "1", "labels": marks}
    return {"kind": "Namespace", "metadata": meta}


NOTED: Any = {"phase": "Queued", "remote": {"namespace": "team", "name": "ref-u1", "uid": "LaunchPlanExecution-ref-u1"}}
WAITING, ELSEWHERE = asked("waiting", "u2"), asked("elsewhere", "u3", through="others")
BESIDE = (reference(), reference("others", "bye"), WAITING, ELSEWHERE, asked(**NOTED))
MOVED: Object = reference(target="bye") | {"metadata": reference()["metadata"] | {"generation": 2}}
WAITING_KEY: Key = ("LaunchPlanExecution", ASKING, "waiting")


@cases(
    Case("a plan that comes wakes those who refer to it", None, plan(), now=(PLAN, THEIRS, WAITING_KEY), beside=BESIDE),
    Case("a plan that goes wakes them", plan(), None, now=(PLAN, THEIRS, WAITING_KEY), beside=BESIDE),
    Case(
        "another active version wakes them",
        offering(activeVersion="v1"),
        offering(activeVersion="v2"),
        now=(THEIRS, WAITING_KEY),
        unhurried=(PLAN,),
        beside=BESIDE,
    ),
    Case(
        "another interface wakes them, by the plan's own look too",
        offering(interface={"outputs": []}),
        offering(interface={}),
        now=(THEIRS, WAITING_KEY),
        beside=BESIDE,
        own=True,
    ),
    Case(
        "how many runs are under way is nothing to them",
        offering(running=1),
        offering(running=2),
        unhurried=(PLAN,),
        beside=BESIDE,
    ),
)
def test_of_a_plan_references_are_woken_by_what_it_offers(case: Case) -> None:
    """At once, and with them the runs that have not asked for another one yet."""
    check(case)


@cases(
    Case("one that comes wakes itself and its plan", None, reference(), now=(THEIRS,), later=(PLAN,), beside=(plan(),)),
    Case("one that goes wakes its plan", reference(), None, now=(THEIRS,), later=(PLAN,), beside=(plan(),)),
    Case(
        "one that is moved wakes both plans",
        reference(),
        MOVED,
        now=(THEIRS,),
        later=(PLAN, ("LaunchPlan", "team", "bye")),
        beside=(plan(), plan("bye")),
    ),
    Case(
        "a verdict wakes the runs that wait for it, and not its plan",
        reference(),
        reference(ready="True"),
        now=(WAITING_KEY,),
        beside=(plan(), WAITING, ELSEWHERE, asked(**NOTED)),
        own=True,
    ),
    Case("to a plan that is not there nothing is told", None, reference(), now=(THEIRS,)),
)
def test_a_reference_wakes_itself_and_whoever_is_told_of_it(case: Case) -> None:
    """The plan's status names it; a run waits for it."""
    check(case)


@cases(
    Case(
        "labels that change wake the references in it, and the plans that they name",
        namespace(tier="silver"),
        namespace(tier="gold"),
        now=(*keys(reference(), reference("others", "bye"), WAITING, ELSEWHERE),),
        later=(PLAN,),
        beside=(plan(), *BESIDE),
    ),
    Case("anything else of it wakes none", namespace(tier="gold"), namespace(tier="gold"), beside=(plan(), *BESIDE)),
)
def test_a_namespace_wakes_references_by_its_labels(case: Case) -> None:
    """Some plans choose by them."""
    check(case)


@cases(
    Case(
        "a note of the other side wakes that",
        asked(phase="Queued"),
        asked(**NOTED),
        now=(REMOTE,),
        beside=(remote(),),
        own=True,
    ),
    Case(
        "an end wakes it and its plan, which may remove it now",
        asked(**NOTED),
        asked(**NOTED | {"phase": "Succeeded"}),
        now=(REMOTE,),
        later=(PLAN, THEIRS),
        beside=(remote(phase="Succeeded"),),
        own=True,
    ),
    Case(
        "a run that is deleted wakes it",
        asked(**NOTED),
        None,
        now=(LOCAL, REMOTE),
        later=(PLAN, THEIRS),
        beside=(remote(),),
    ),
    Case(
        "a phase that is mirrored wakes nobody there",
        asked(**NOTED),
        asked(**NOTED | {"phase": "Running"}),
        later=(),
        unhurried=(THEIRS,),
        beside=(remote(),),
        own=True,
    ),
    Case(
        "what becomes of the other side wakes the run",
        remote(phase="Queued"),
        remote(phase="Running"),
        now=(LOCAL,),
        unhurried=(PLAN,),
        beside=(asked(**NOTED),),
        own=True,
    ),
    Case(
        "whoever made the other side brings it forward", None, remote(), unhurried=(PLAN,), beside=(asked(),), own=True
    ),
    Case("unless that went meanwhile", None, remote(), now=(REMOTE,), unhurried=(PLAN,), own=True),
    Case("or is another one by now", None, remote(), (REMOTE,), unhurried=(PLAN,), beside=(asked(uid="u2"),), own=True),
    Case(
        "labels without the name that goes with them wake nobody",
        remote(name="pretends", phase="Queued"),
        remote(name="pretends", phase="Running"),
        unhurried=(PLAN,),
        own=True,
    ),
)
def test_the_two_sides_of_a_run_wake_each_other(case: Case) -> None:
    """In either direction by what the other has to know."""
    check(case)
