"""`deactivate`: makes no version of a plan the active one: its schedule starts nothing."""

import argparse

from launchplan_operator.cli.cluster import Cluster, with_cluster
from launchplan_operator.cli.output import add_examples
from launchplan_operator.cli.switches import add_plan_argument, change_plan


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_plan_argument(parser)
    add_examples(parser, "\n  kubectl launchplan deactivate report\n")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _deactivate)


async def _deactivate(cluster: Cluster, options: argparse.Namespace) -> int:
    spec = {"autoActivate": False, "activeVersion": None}
    return await change_plan(cluster, options.plan, spec, "is inactive: its schedule starts nothing, manual runs do")
