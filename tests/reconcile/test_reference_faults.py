"""Mistakes in references that the search has found, or was built to find, each as one short story."""

from launchplan_operator.api.kinds import REFERENCE_LAUNCH_PLANS
from tests.fake.virtual import virtual_time
from tests.reconcile.neighbours import ASKING, neighbours, reference


@virtual_time
async def test_a_reference_to_what_becomes_a_reference_and_is_none_any_more_says_so_at_once() -> None:
    world = await neighbours()
    world.ask(reference("ours", namespace=ASKING, name="later"))
    await world.settle()
    assert world.stands("ours") == ("False", "False", "TargetUnavailable")
    world.ask(reference("later"))
    await world.settle()
    assert world.stands("ours") == ("False", "True", "ReferenceToReference")
    world.drop(REFERENCE_LAUNCH_PLANS, "later")
    await world.settle()
    assert world.stands("ours") == ("False", "False", "TargetUnavailable")
