"""The documentation: its commands exist, its manifests fit the schemas, its generated parts are as generated."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate import generated
from launchplan_operator.api.crd import RESOURCES, Resource, build_crds
from launchplan_operator.cli.main import build_parser, main
from localcluster import cli
from tests.node.pages import INSTALLATION, PAGES, ROOT, blocks

EXAMPLES = sorted((ROOT / "examples").glob("*/**/*.yaml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
BY_KIND = {resource.kind.kind: resource for resource in RESOURCES}
SCHEMAS = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in build_crds()
}
PRESERVE = "x-kubernetes-preserve-unknown-fields"

Object = dict[str, Any]


def manifests() -> Iterator[tuple[str, Object]]:
    """Yield every manifest of ours in the pages and examples, with where it stands."""
    texts = [(page.name, block.text) for page in PAGES for block in blocks(page) if block.language == "yaml"]
    texts += [(f"{path.parent.name}/{path.name}", path.read_text(encoding="utf-8")) for path in EXAMPLES]
    for where, text in texts:
        for document in yaml.safe_load_all(text):
            if document["apiVersion"].startswith("launchplan.dev/"):
                yield where, document


MANIFESTS = [pytest.param(manifest, id=f"{where}-{number}") for number, (where, manifest) in enumerate(manifests())]
COMMANDS = [
    pytest.param(command, id=f"{page.name}: {command}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "sh"
    for command in block.commands
]

#: What a test of the chart runs.
INSTALLING = {command for block in blocks(INSTALLATION) if block.language == "sh" for command in block.commands}

OFFLINE = [
    each
    for each in COMMANDS
    if re.match(r"kubectl launchplan (lint|completion|(next|resolve) (-f|--cron|--rate))", str(each.values[0]))
]


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_a_generated_part_is_as_generated(path: Path) -> None:
    """`make generate` would change nothing."""
    assert path.read_text(encoding="utf-8") == generated()[path]


def test_no_page_of_the_reference_is_left_over() -> None:
    """A kind that was renamed leaves no page behind."""
    assert {path for path in (ROOT / "docs" / "reference").iterdir() if path not in generated()} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists(command: str) -> None:
    """A make target or a subcommand with its options; kubectl's are run by the node tests, helm's by the chart's."""
    words = shlex.split(command)
    if words[0] == "make":
        assert words[1] in TARGETS
    elif words[0] == "python3":
        assert words[1:3] == ["-m", "localcluster"]
        cli.parse(words[3:])
    elif words[:2] == ["kubectl", "launchplan"]:
        assert words[2] in {"--help", "--version"} or _parses(_until_operator(words[2:]))
    else:
        assert words[0] == "kubectl" or command in INSTALLING


def _parses(words: list[str]) -> bool:
    return bool(build_parser(words[0]).parse_args(words).command == words[0])


def _until_operator(words: list[str]) -> list[str]:
    """Return the words of a command before it is piped or redirected."""
    return list(takewhile(lambda word: word not in {"|", ">"}, words))


@pytest.mark.parametrize("command", OFFLINE)
def test_a_command_that_needs_no_cluster_works(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends well on the files of this repository."""
    monkeypatch.chdir(ROOT)
    assert main(_until_operator(shlex.split(command)[2:])) == 0, capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_target_named_in_a_sentence_exists(page: Path) -> None:
    """So does what stands in backticks."""
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_output_is_quoted_from_a_file_that_a_test_writes(page: Path) -> None:
    """Nobody types what a program prints."""
    assert {block.language for block in blocks(page)} <= {"sh", "yaml"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    """Relative links are files of the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_manifest_fits_its_model(manifest: Object) -> None:
    """It validates, and every field of it exists."""
    resource = BY_KIND[manifest["kind"]]
    assert manifest["apiVersion"] == resource.kind.api_version
    assert len(manifest["metadata"].get("name", "")) <= resource.max_name
    _check_spec(resource, manifest["spec"])


def _check_spec(resource: Resource, spec: Object) -> None:
    resource.spec.model_validate(spec)
    schema = SCHEMAS[resource.kind.kind]["properties"]["spec"]
    assert list(unknown_fields(schema, spec, "spec")) == []


def unknown_fields(schema: Object, value: Any, path: str) -> Iterator[str]:
    """Yield the paths in a value that the schema does not know, which the API server would drop."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from unknown_fields(schema.get("items", {}), item, f"{path}[{number}]")
    if not isinstance(value, dict) or PRESERVE in schema or "additionalProperties" in schema:
        return
    for name, child in value.items():
        if name not in schema["properties"]:
            yield f"{path}.{name}"
        else:
            yield from unknown_fields(schema["properties"][name], child, f"{path}.{name}")


def test_an_unknown_field_would_be_found() -> None:
    """The check above is not empty."""
    schema = SCHEMAS["LaunchPlan"]["properties"]["spec"]
    spec = {"workflowRef": {"name": "x", "nmae": "y"}, "defaultInputs": {"any": 1}, "cron": ""}
    assert list(unknown_fields(schema, spec, "spec")) == ["spec.workflowRef.nmae", "spec.cron"]


@pytest.mark.parametrize(
    "directory", sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_an_example_is_run_by_a_test(directory: Path) -> None:
    """On a real node, or on a control plane whose pods a stub ends."""
    paths = [*(ROOT / "tests" / "node").glob("test_*.py"), ROOT / "tests" / "cluster" / "examples.py"]
    tests = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert f'"{directory.name}"' in tests
