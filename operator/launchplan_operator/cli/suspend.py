"""`suspend`: pauses a plan's schedule; what it would have started meanwhile is not started later."""

import argparse

from launchplan_operator.cli.cluster import Cluster, with_cluster
from launchplan_operator.cli.output import add_examples
from launchplan_operator.cli.switches import add_plan_argument, change_plan


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_plan_argument(parser)
    add_examples(parser, "\n  kubectl launchplan suspend report\n")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _suspend)


async def _suspend(cluster: Cluster, options: argparse.Namespace) -> int:
    spec = {"suspend": True}
    return await change_plan(cluster, options.plan, spec, "is suspended: no slot fires, manual runs do")
