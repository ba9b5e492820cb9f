"""`clone`: a plan or a workflow once more, under another name."""

import argparse
import copy
import sys
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.cluster import SHORT, Cluster, accepted, shown, with_cluster
from launchplan_operator.cli.output import add_cluster_options, add_examples, add_output_option, write_data
from launchplan_operator.cli.paths import assign, read_assignment
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.targets import find_target
from launchplan_operator.kube.transport import Object


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "name", metavar="NAME", help="a plan, a workflow or a reference: its name, or lp/NAME, wfd/NAME, rlp/NAME"
    )
    parser.add_argument("new", metavar="NEW", help="the new name")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a field of the copy; the value is JSON, or else a text; null removes the field",
    )
    parser.add_argument("--dry-run", action="store_true", help="let the server check it, print it, create nothing")
    add_output_option(parser)
    add_cluster_options(parser)
    add_examples(
        parser,
        """
  kubectl launchplan clone report report-oslo --set defaultInputs.city=Oslo
  kubectl launchplan clone report report-weekly --set 'schedule.cron=0 6 * * 1' --set autoActivate=false
  kubectl launchplan clone wfd/report report-2 --set job.template.spec.containers.main.image=busybox:1.37 --dry-run
""",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return with_cluster(options, _clone)


async def _clone(cluster: Cluster, options: argparse.Namespace) -> int:
    assignments = [read_assignment(text) for text in options.set]
    kinds = (LAUNCH_PLANS, WORKFLOW_DEFINITIONS, REFERENCE_LAUNCH_PLANS)
    target, original = await find_target(cluster, options.name, *kinds)
    clone = build_clone(original, options.new, assignments)
    reply = await cluster.client.create(target.kind, clone, dry_run=options.dry_run, strict=True)
    if reply.exists:
        raise Problem(
            f"found a {target.kind.kind} {options.new!r} already: expected a new name", exit_code=FAILURE_EXIT
        )
    made = accepted(reply)
    if options.output != "text" or options.dry_run:
        write_data(clone if options.dry_run else shown(made), "json" if options.output == "json" else "yaml")
        return 0
    sys.stdout.write(f"{SHORT[target.kind]}/{options.new} created{_consequence(clone)}\n")
    return 0


def build_clone(original: Object, name: str, assignments: list[tuple[list[str], Any]]) -> Object:
    """Return the manifest of a copy: the spec alone, and of that no pin to a version that the copy does not have."""
    spec = copy.deepcopy(original["spec"])
    spec.pop("activeVersion", None)
    for keys, value in assignments:
        assign(spec, keys, value)
    return {
        "apiVersion": original["apiVersion"],
        "kind": original["kind"],
        "metadata": {"name": name, "namespace": original["metadata"]["namespace"]},
        "spec": spec,
    }


def _consequence(clone: Object) -> str:
    spec = clone["spec"]
    if spec.get("autoActivate") and spec.get("schedule") and not spec.get("suspend"):
        return "; it is active: its schedule starts runs"
    return ""
