"""`resolve`: the inputs that a run would get, or why it would not start."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from launchplan_operator.cli.output import (
    add_cluster_options,
    add_examples,
    add_output_option,
    chosen_format,
    format_table,
    write_data,
)
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem

if TYPE_CHECKING:
    from launchplan_operator.api.conditions import Finding
    from launchplan_operator.cli.catalogue import Catalogue
    from launchplan_operator.cli.checks import Report
    from launchplan_operator.decide.declared import Declared

#: How a bare workflow is named where a plan could be.
WORKFLOW_PREFIX: Final = "wfd/"
_PREFIXES: Final = {"lp/": "LaunchPlan", WORKFLOW_PREFIX: "WorkflowDefinition", "rlp/": "ReferenceLaunchPlan"}
_DESCRIPTION = """\
Show the inputs that a run of a plan would get: the caller's over the plan's over the workflow's, and the plan's fixed
ones over all; through a reference, the caller's alone, as the plan's are not to be seen. With -f the plan and its workflow
are taken from manifests, else from the cluster.

A value of --input is a text that is read by the input's declared type; a file of --inputs holds one YAML or JSON
object whose values must be of the JSON kind of their types. --input wins over --inputs.
The exit code is 1 if the run would not start; then the findings are shown."""
_EXAMPLES = """
  kubectl launchplan resolve -f plans/ --plan nightly --input day=2026-01-31 --input retries=3
  kubectl launchplan resolve --plan nightly --inputs values.yaml -o yaml
  kubectl launchplan resolve -f workflow.yaml --plan wfd/report
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What the run is asked for.

    Attributes:
        kind: LaunchPlan, WorkflowDefinition or ReferenceLaunchPlan.
        version: one version of it; None for the one at hand.
        texts: inputs as texts.
        values: inputs as JSON values.
    """

    kind: str
    name: str
    version: str | None
    texts: Mapping[str, str]
    values: Mapping[str, Any]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resolve`."""
    add_examples(parser, _EXAMPLES)
    parser.description = _DESCRIPTION
    parser.add_argument("-f", "--filename", action="append", metavar="FILE", help="a file, a directory, or - for stdin")
    parser.add_argument("-R", "--recursive", action="store_true", help="with -f: read the directories below, too")
    parser.add_argument(
        "--plan", required=True, metavar="NAME", help="the plan; wfd/NAME for a workflow without a plan, rlp/NAME"
    )
    parser.add_argument("--version", dest="plan_version", metavar="V", help="one version of the plan")
    add_input_options(parser)
    add_output_option(parser, by_terminal=True)
    add_cluster_options(parser)


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add `--input` and `--inputs`."""
    parser.add_argument("--input", action="append", default=[], metavar="K=V", help="an input's value as text")
    parser.add_argument("--inputs", metavar="FILE", help="a YAML or JSON object of inputs, or - for stdin")


def run(options: argparse.Namespace) -> int:
    """Write the inputs, or the findings and return 1."""
    request = read_request(options)
    if options.filename:
        catalogue, namespace, file = gather_from_files(options, request)
        found = resolve_request(catalogue, namespace, request)
    else:
        namespace, found = resolve_in_cluster(options, request)
        file = ""
    if isinstance(found, dict):
        _write_inputs(found, chosen_format(options))
        return 0
    _write_findings([_report(finding, file, namespace, request) for finding in found], chosen_format(options))
    return FAILURE_EXIT


def read_request(options: argparse.Namespace) -> Request:
    """Return what the arguments ask for; raises Problem for a text without `=` or a file that is no object."""
    prefix = next((each for each in _PREFIXES if options.plan.startswith(each)), "lp/")
    kind, name = _PREFIXES[prefix], options.plan.removeprefix(prefix)
    return Request(kind, name, options.plan_version, split_inputs(options.input), read_inputs(options.inputs))


def split_inputs(pairs: Sequence[str]) -> dict[str, str]:
    """Return the texts of `k=v` arguments by name; raises Problem for one without `=`, or a name given twice."""
    texts: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise Problem(f"found --input {pair!r}, expected name=value")
        if name in texts:
            raise Problem(f"found --input {name!r} twice, expected it once")
        texts[name] = text
    return texts


def read_inputs(file: str | None) -> dict[str, Any]:
    """Return the values of an inputs file; raises Problem if it is not one object."""
    if file is None:
        return {}
    from launchplan_operator.cli.manifests import read_document, read_source  # noqa: PLC0415 - not for --help

    found = read_document(read_source(file), file)
    if not isinstance(found, dict):
        raise Problem(f"{file}: found no object, expected one of input names and values")
    return found


def gather_from_files(options: argparse.Namespace, request: Request) -> "tuple[Catalogue, str, str]":
    """Return the manifests' objects, and the namespace and the file of the plan among them."""
    from launchplan_operator.cli.catalogue import KINDS, catalogue_of, is_ours, key_of  # noqa: PLC0415 - not for --help
    from launchplan_operator.cli.manifests import read_manifests  # noqa: PLC0415

    stream = read_manifests(options.filename, recursive=options.recursive)
    if stream.unreadable:
        raise Problem(stream.unreadable[0].text, reason="ManifestUnreadable")
    catalogue = catalogue_of(stream.manifests, options.namespace or "")
    kind = KINDS[request.kind]
    namespaces = [options.namespace] if options.namespace else catalogue.named(kind, request.name)
    if len(namespaces) > 1:
        raise Problem(f"found {request.kind} {request.name!r} in {', '.join(namespaces)}", hint="choose one with -n")
    namespace = namespaces[0] if namespaces else ""
    key = (kind.kind, namespace, request.name)
    files = [each.file for each in stream.manifests if is_ours(each) and key_of(each, catalogue.namespace) == key]
    return catalogue, namespace, files[-1] if files else ""


def resolve_in_cluster(
    options: argparse.Namespace, request: Request
) -> "tuple[str, dict[str, Any] | tuple[Finding, ...]]":
    """Return the namespace, and the inputs that the run would get in the cluster or why it would not start."""
    from launchplan_operator.cli.contracts import resolve_live  # noqa: PLC0415 - not without a cluster
    from launchplan_operator.cli.given import Given  # noqa: PLC0415

    given = Given(request.texts, request.values)
    return resolve_live(options, request.kind, request.name, request.version or None, given)


def resolve_request(catalogue: "Catalogue", namespace: str, request: Request) -> "dict[str, Any] | tuple[Finding, ...]":
    """Return the inputs that the run would get, or why it would not start."""
    from launchplan_operator.cli.catalogue import resolve_bare, resolve_plan  # noqa: PLC0415 - not for --help
    from launchplan_operator.decide.references import plan_not_found  # noqa: PLC0415

    if request.kind == "WorkflowDefinition":
        view = catalogue.workflow(namespace, request.name)
        return resolve_bare(
            view, request.version, caller_values(view.spec.interface.inputs if view.spec else (), request)
        )
    if request.kind == "ReferenceLaunchPlan":
        return _resolve_through(catalogue, namespace, request)
    plan = catalogue.plan(namespace, request.name)
    if plan is None:
        return (plan_not_found(request.name),)
    workflow = plan.workflow.spec
    values = caller_values(workflow.interface.inputs if workflow else (), request)
    return resolve_plan(request.name, plan, request.version, values)


def _resolve_through(
    catalogue: "Catalogue", namespace: str, request: Request
) -> "dict[str, Any] | tuple[Finding, ...]":
    from launchplan_operator.cli.references import check_run_through, declared_inputs  # noqa: PLC0415 - not for --help

    values = caller_values(declared_inputs(catalogue, namespace, request.name), request)
    return check_run_through(catalogue, namespace, request.name, request.version, values) or values


def caller_values(parameters: "Sequence[Declared]", request: Request) -> dict[str, Any]:
    """Return the caller's values, texts read by their declared types; a text that is no value stays a text."""
    from launchplan_operator.api.types import TypeProblem, parse_text, parse_type  # noqa: PLC0415 - not for --help

    types = {parameter.name: parse_type(parameter.type) for parameter in parameters}
    values = dict(request.values)
    for name, text in request.texts.items():
        declared = types.get(name)
        # What is not declared, or not with a type, is a finding of the checks that follow.
        value = text if declared is None or isinstance(declared, TypeProblem) else parse_text(declared, text)
        values[name] = text if isinstance(value, TypeProblem) else value
    return values


def _report(finding: "Finding", file: str, namespace: str, request: Request) -> "Report":
    from launchplan_operator.cli.checks import Report  # noqa: PLC0415 - not for --help

    return Report(file, finding, request.kind, namespace, request.name, strict=True)


def _write_inputs(inputs: Mapping[str, Any], form: str) -> None:
    if form != "text":
        write_data({"inputs": dict(inputs)}, form)
        return
    from launchplan_operator.api.canonical import canonical_json  # noqa: PLC0415 - not for --help

    sys.stdout.write(
        format_table(("input", "value"), [(name, canonical_json(value)) for name, value in inputs.items()])
    )


def _write_findings(reports: "Sequence[Report]", form: str) -> None:
    if form == "text":
        sys.stderr.writelines(f"{report.text}\n" for report in reports)
    else:
        write_data([report.data() for report in reports], form)
