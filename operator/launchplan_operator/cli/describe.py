"""`describe`: what a plan is up to and what became of its slots, what a reference stands for, or how a run went."""

import argparse
import sys

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.cli.cluster import Cluster, present, shown, with_cluster
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option, write_data
from launchplan_operator.cli.problems import Problem
from launchplan_operator.cli.targets import find_target
from launchplan_operator.kube.transport import Object

_MAX_HOURS = 24 * 366


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "name", metavar="PLAN|RUN", help="a plan's or a run's name, or lp/NAME, lpx/NAME, wfd/NAME, rlp/NAME"
    )
    parser.add_argument(
        "--hours", type=float, default=6.0, metavar="N", help="of how many hours a plan's slots are shown (default: 6)"
    )
    add_output_option(parser)
    add_cluster_options(parser)
    add_examples(
        parser,
        """
  kubectl launchplan describe report --hours 24
  kubectl launchplan describe report-x7k2p
  kubectl launchplan describe rlp/their-report
""",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if not 0 < options.hours <= _MAX_HOURS:
        raise Problem(f"found --hours {options.hours:g}, expected more than 0 and at most {_MAX_HOURS}")
    return with_cluster(options, _describe)


async def _describe(cluster: Cluster, options: argparse.Namespace) -> int:
    kinds = (LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS, WORKFLOW_DEFINITIONS, REFERENCE_LAUNCH_PLANS)
    target, obj = await find_target(cluster, options.name, *kinds)
    if target.kind == LAUNCH_PLANS:
        await _describe_plan(cluster, options, obj)
    elif options.output != "text":
        write_data(shown(obj), options.output)
    else:
        _write_description(obj)
    return 0


async def _describe_plan(cluster: Cluster, options: argparse.Namespace, plan: Object) -> None:
    from launchplan_operator.cli.describeplan import describe_plan  # noqa: PLC0415 - a run has no slots
    from launchplan_operator.cli.slots import slot_outcomes  # noqa: PLC0415

    fields = f"spec.launchPlanRef.name={plan['metadata']['name']}"
    runs = (await cluster.client.list(LAUNCH_PLAN_EXECUTIONS, cluster.namespace, fields=fields)).items
    own = [each for each in runs if each["spec"]["launchPlanRef"].get("kind", LAUNCH_PLANS.kind) == LAUNCH_PLANS.kind]
    now = present()
    slots = slot_outcomes(plan, own, now, options.hours)
    if options.output != "text":
        write_data({"plan": shown(plan), "slots": [slot.plain() for slot in slots]}, options.output)
        return
    sys.stdout.write(describe_plan(plan, slots, now, options.hours))


def _write_description(obj: Object) -> None:
    from launchplan_operator.cli.describereference import describe_reference  # noqa: PLC0415
    from launchplan_operator.cli.describerun import describe_run, describe_workflow  # noqa: PLC0415

    write = {LAUNCH_PLAN_EXECUTIONS.kind: describe_run, REFERENCE_LAUNCH_PLANS.kind: describe_reference}
    sys.stdout.write(write.get(obj["kind"], describe_workflow)(obj))
