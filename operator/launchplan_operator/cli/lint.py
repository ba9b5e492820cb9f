"""`lint`: findings of manifests, without a cluster."""

import argparse
import sys

from launchplan_operator.cli.output import add_examples, add_output_option, visible, write_data
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem

_DESCRIPTION = """\
Check manifests as the API server and the operator would, without a cluster.

What an object names is looked for within what is given. What is absent there may exist in the cluster: WorkflowNotFound,
PlanNotFound and ReferenceNotFound are warnings, unless --strict, and a ReferenceLaunchPlan is compared with its plan only
where that is given, too. A plan that has a schedule and no active version is a warning, too, and so is a run with a fixed
name that is synced from Git: beside a Kustomization or an Argo CD Application, or with --synced.
The exit code is 1 if there is an error, else 0. Kinds of others are ignored."""
_EXAMPLES = """
  kubectl launchplan lint plan.yaml
  kubectl launchplan lint deploy/ -R --strict
  kustomize build overlays/prod | kubectl launchplan lint - --synced
  helm template chart | kubectl launchplan lint - -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lint`."""
    add_examples(parser, _EXAMPLES)
    parser.description = _DESCRIPTION
    parser.add_argument("sources", nargs="*", metavar="FILE|DIR|-", help="files, directories, or - for stdin")
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="FILE", help="as FILE, like kubectl's")
    parser.add_argument("-R", "--recursive", action="store_true", help="also read the directories below a directory")
    parser.add_argument("-n", "--namespace", default="", help="the namespace of objects that name none")
    parser.add_argument("--synced", action="store_true", help="take all as synced from Git, whatever stands beside it")
    parser.add_argument("--strict", action="store_true", help="make every warning an error")
    add_output_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write the findings; returns 1 if one is an error."""
    from launchplan_operator.cli.checks import lint  # noqa: PLC0415 - help and completion need no models
    from launchplan_operator.cli.manifests import read_manifests  # noqa: PLC0415

    sources = [*options.sources, *options.filename]
    if not sources:
        raise Problem(
            "found no file, expected at least one, or - for stdin", hint="see: kubectl launchplan lint --help"
        )
    stream = read_manifests(sources, recursive=options.recursive)
    reports = lint(stream, options.namespace, strict=options.strict, synced=options.synced)
    if options.output == "text":
        sys.stdout.writelines(f"{visible(report.text)}\n" for report in reports)
    else:
        write_data([report.data() for report in reports], options.output)
    errors = sum(report.severity == "error" for report in reports)
    sys.stderr.write(f"{_count(errors, 'error')}, {_count(len(reports) - errors, 'warning')}\n")
    return FAILURE_EXIT if errors else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
