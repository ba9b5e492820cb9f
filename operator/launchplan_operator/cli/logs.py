"""`logs`: the log of a run's container, as it is written."""

import argparse
import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.cluster import Cluster, Forbidden, with_cluster
from launchplan_operator.cli.logstream import Viewer, copy_log, pods_of
from launchplan_operator.cli.outcomes import await_end, describe_end, has_ended
from launchplan_operator.cli.output import add_cluster_options, add_examples
from launchplan_operator.cli.pods import Choose, asked_container, has_begun, in_order, output_container, waiting_text
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.remotes import Place, await_place, place_of
from launchplan_operator.cli.targets import read_target
from launchplan_operator.kube.transport import Object


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", help="a run's name, or lpx/NAME")
    parser.add_argument("-f", "--follow", action="store_true", help="wait for the pod, and follow until the run ends")
    parser.add_argument("-c", "--container", metavar="NAME", help="another container than that of the outputs")
    add_cluster_options(parser)
    add_examples(parser, "\n  kubectl launchplan logs report-x7k2p\n  kubectl launchplan logs -f report-x7k2p\n")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _logs)


async def _logs(cluster: Cluster, options: argparse.Namespace) -> int:
    name = read_target(options.run, LAUNCH_PLAN_EXECUTIONS).name
    execution = await cluster.read(LAUNCH_PLAN_EXECUTIONS, name)
    asked: str | None = options.container
    choose = partial(asked_container, asked=asked) if asked else None
    if options.follow and not has_ended(execution):
        await show_until_end(cluster, name, None, choose)
        return 0
    place = place_of(cluster, execution)
    if place is None:
        raise Problem(_podless(execution), exit_code=FAILURE_EXIT)
    try:
        await _show_last(place, execution, choose or await _chooser(place, execution))
    except Forbidden as problem:
        raise place.refused(problem) from None
    return 0


async def show_until_end(
    cluster: Cluster, name: str, patience: timedelta | None, choose: Choose | None = None
) -> Object:
    """Show the log of every pod of a run, one after the other, until the run has ended; returns it as it ended.

    Raises:
        Forbidden: the pods may not be seen; the run goes on.
    """
    execution = await cluster.read(LAUNCH_PLAN_EXECUTIONS, name)
    place = place_of(cluster, execution)
    ending = asyncio.create_task(await_end(cluster, name, patience))
    try:
        place = place or await _place_before(ending, cluster, name)
        if place is None:
            return await ending
        return await _show(place, ending, choose or await _chooser(place, execution))
    except Forbidden as problem:
        raise (place.refused(problem) if place else problem) from None
    finally:
        await _stop(ending)


async def _show(place: Place, ending: asyncio.Task[Object], choose: Choose) -> Object:
    viewer = Viewer(place.cluster, place.run, choose)
    showing = asyncio.create_task(viewer.watch())
    try:
        await asyncio.wait({showing, ending}, return_when=asyncio.FIRST_COMPLETED)
        if showing.done():
            showing.result()
        ended = await ending
        await viewer.finish()
        return ended
    finally:
        await _stop(showing)


async def _place_before(ending: asyncio.Task[Object], cluster: Cluster, name: str) -> Place | None:
    """Return where a run's pods are, once it is known; None where the run ends before."""
    seeking = asyncio.create_task(await_place(cluster, name))
    try:
        await asyncio.wait({seeking, ending}, return_when=asyncio.FIRST_COMPLETED)
        return seeking.result() if seeking.done() else None
    finally:
        await _stop(seeking)


async def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _show_last(place: Place, execution: Object, choose: Choose) -> None:
    """Show the log of the last pod that has begun."""
    cluster = place.cluster
    pods = in_order(await pods_of(cluster, place.run))
    begun = [pod for pod in pods if has_begun(pod, choose(pod))]
    if begun:
        await copy_log(cluster, begun[-1], choose(begun[-1]), follow=False)
        return
    if pods:
        raise Problem(waiting_text(pods[-1], choose(pods[-1])), exit_code=FAILURE_EXIT)
    raise Problem(_podless(execution), exit_code=FAILURE_EXIT)


def _podless(execution: Object) -> str:
    """Say why a run has no pod."""
    name, end = execution["metadata"]["name"], describe_end(execution)
    if not has_ended(execution):
        return f"{name} has no pod yet; it is {end}"
    if "startTime" not in (execution.get("status") or {}):
        return f"{name} never had a pod: it ended as {end}"
    return f"the pods of {name} are gone, and its log with them; it ended as {end}"


async def _chooser(place: Place, execution: Object) -> Choose:
    """Return what chooses the container that carries the outputs; who may not see the workflow gets the pod's first."""
    found, cluster = None, place.cluster
    with suppress(Forbidden):
        if place.is_elsewhere:
            execution = await cluster.client.get(LAUNCH_PLAN_EXECUTIONS, cluster.namespace, place.run) or execution
        workflow = await _workflow_name(cluster, execution)
        found = await cluster.client.get(WORKFLOW_DEFINITIONS, cluster.namespace, workflow) if workflow else None
    return partial(output_container, named=((found or {}).get("spec") or {}).get("container"))


async def _workflow_name(cluster: Cluster, execution: Object) -> str | None:
    ran = ((execution.get("status") or {}).get("workflow") or {}).get("name")
    reference = execution["spec"]["launchPlanRef"]
    if ran or reference.get("kind") == WORKFLOW_DEFINITIONS.kind:
        return str(ran or reference["name"])
    plan = await cluster.client.get(LAUNCH_PLANS, cluster.namespace, reference["name"])
    return str(plan["spec"]["workflowRef"]["name"]) if plan else None
