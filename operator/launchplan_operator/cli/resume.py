"""`resume`: lets a suspended plan's schedule go on."""

import argparse

from launchplan_operator.cli.cluster import Cluster, with_cluster
from launchplan_operator.cli.output import add_examples
from launchplan_operator.cli.switches import add_plan_argument, change_plan


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_plan_argument(parser)
    add_examples(parser, "\n  kubectl launchplan resume report\n")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _resume)


async def _resume(cluster: Cluster, options: argparse.Namespace) -> int:
    spec = {"suspend": False}
    return await change_plan(cluster, options.plan, spec, "is not suspended")
