"""Writes what the documentation takes from the sources: `python -m docs.generate`, or `make generate`.

The reference pages are made from the CRDs, the reasons, the command line's parsers, the metrics' definitions and the
schema of the chart's values;
Argo CD's ConfigMap from the scripts below gitops/argocd; the quotes in a page, each between `<!-- quote FILE -->` and
`<!-- end -->`, from the file that they name.
"""

# ruff: noqa: INP001 - a folder of pages is no package

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from docs.argocd import CONFIG_MAP, render_config_map
from docs.chartvalues import render_values, render_values_page
from docs.commands import render_commands
from docs.kustomize import render_base
from docs.metrics import render_metrics
from launchplan_operator.api.crd import build_crds, render_crd
from launchplan_operator.api.reasons import Reason

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
CHART = ROOT / "helm" / "launchplan-operator"
#: What a test saw of each mistake, by reason.
SHOWN = ROOT / "docs" / "generated" / "reasons"
#: What a test saw of runs and slots that did not go as somebody thought, by reason.
SIGHTS = ROOT / "docs" / "generated" / "sights"
_SIGHTS = (
    "What `kubectl describe` shows of these, times left out. Nothing is to be mended; each says what is left to do."
)
_EXAMPLES = (
    "What `kubectl describe` shows of an object in the namespace `demo`, times left out. Each command was run as it stands, "
    "after which `Ready` was True; where it opens an editor or shows a quota, a person did the rest."
)
_QUOTE = re.compile(r"(<!-- quote (\S+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_HEADER = "<!-- Made by `make generate`; do not edit. -->\n\n"
_LANGUAGES = {".yaml": "yaml", ".txt": "text"}

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a resource, as a row of its table."""

    path: str
    type: str
    default: str
    meaning: str

    def render(self) -> str:
        """Return the row in Markdown."""
        cells = (f"`{self.path}`", self.type, self.default, self.meaning)
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def generated() -> dict[Path, str]:
    """Return every file that is made or completed here, with the text that it should have."""
    pages = {REFERENCE / f"{crd['spec']['names']['singular']}.md": render_kind(crd) for crd in build_crds()}
    pages[REFERENCE / "reasons.md"] = render_reasons()
    pages[REFERENCE / "cli.md"] = _HEADER + render_commands()
    pages[REFERENCE / "metrics.md"] = _HEADER + render_metrics(_alerts())
    pages |= chart_files()
    pages |= {CONFIG_MAP: render_config_map(), **render_base()}
    quoting = {path: with_quotes(path.read_text(encoding="utf-8")) for path in (ROOT / "README.md", *_own_pages())}
    return pages | quoting


def _alerts() -> list[Node]:
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def chart_files() -> dict[Path, str]:
    """Return what the chart takes from the sources, and the page about its values."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    crds = {
        CHART / "files" / "crds" / f"{crd['spec']['names']['plural']}.yaml": render_crd(crd) for crd in build_crds()
    }
    values = {CHART / "values.yaml": render_values(schema)}
    return crds | values | {REFERENCE / "values.md": _HEADER + render_values_page(schema)}


def render_kind(crd: Node) -> str:
    """Return the reference page of one resource."""
    names, version = crd["spec"]["names"], crd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    intro = f"`{crd['spec']['group']}/{version['name']}`, namespaced, short name `{names['shortNames'][0]}`."
    parts = [f"# {names['kind']}", f"{schema['description']} {intro}", _rules(schema)]
    for part in ("spec", "status"):
        parts += [f"## {part}", _table(schema["properties"][part])]
    parts += ["## Columns", _columns(version)]
    return _HEADER + "\n\n".join(part for part in parts if part) + "\n"


def render_reasons() -> str:
    """Return the page of all reasons, with what `kubectl describe` showed of those that a test has caused."""
    rows = [f"| {_linked(reason)} | {reason.meaning} |" for reason in Reason]
    head = ["# Reasons", "", "What a condition, an event or a decision may give as its cause.", ""]
    table = [*head, "| Reason | Meaning |", "|---|---|", *rows]
    examples = [line for reason in Reason for line in _examples(SHOWN, reason)]
    sights = [line for reason in Reason for line in _examples(SIGHTS, reason)]
    told = ["", "## Runs and slots that did not start or end", "", _SIGHTS, *sights]
    return _HEADER + "\n".join([*table, "", "## Examples", "", _EXAMPLES, *examples, *told]) + "\n"


def _linked(reason: Reason) -> str:
    shown = any((folder / f"{reason}.txt").exists() for folder in (SHOWN, SIGHTS))
    return f"[`{reason}`](#{reason.lower()})" if shown else f"`{reason}`"


def _examples(folder: Path, reason: Reason) -> Iterator[str]:
    found = [path for path in sorted(folder.glob(f"{reason}*.txt")) if path.stem.partition("-")[0] == reason]
    if found:
        yield from ("", f"### {reason}", "", reason.meaning)
    for path in found:
        yield from ("", _quoted(path).rstrip())


def with_quotes(page: str) -> str:
    """Return a page with each quote brought up to date."""
    return _QUOTE.sub(lambda found: found[1] + _quoted(ROOT / found[2]) + found[3], page)


def _own_pages() -> list[Path]:
    return sorted((ROOT / "docs").glob("*.md"))


def _quoted(path: Path) -> str:
    return f"```{_LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8').strip()}\n```\n"


def _table(node: Node) -> str:
    rows = [row.render() for row in _rows(node, "")]
    return "\n".join(["| Field | Type | Default | Meaning |", "|---|---|---|---|", *rows])


def _rows(node: Node, prefix: str) -> Iterator[Row]:
    for name, child in node.get("properties", {}).items():
        path = prefix + name
        required = name in node.get("required", ())
        yield Row(path, _type(child), _default(child, required=required), _meaning(child))
        yield from _rows(child, f"{path}.")
        yield from _rows(child.get("items", {}), f"{path}[].")


def _type(node: Node) -> str:
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if node.get("format") == "date-time":
        return "time (RFC 3339)"
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}, at most {node['maxItems']}"
    if node.get("type") == "object":
        return f"map to {_type(node['additionalProperties'])}" if "additionalProperties" in node else "object"
    return f"{node.get('type', 'any JSON')}{_bounds(node)}"


def _bounds(node: Node) -> str:
    if "maxLength" in node:
        return f", at most {node['maxLength']} characters"
    # The largest integer that JSON carries exactly is no limit that anybody meets.
    if node.get("maximum", 2**53) < 2**53 - 1:
        return f", {node.get('minimum', 0)} to {node['maximum']}"
    return ""


def _default(node: Node, *, required: bool) -> str:
    if required:
        return "required"
    if "default" not in node:
        return ""
    value = node["default"]
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(node: Node) -> str:
    return " ".join(part for part in (node.get("description", ""), _rules(node)) if part)


def _rules(node: Node) -> str:
    messages = [rule["message"] for rule in node.get("x-kubernetes-validations", ())]
    return " ".join(f"{message[0].upper()}{message[1:]}." for message in dict.fromkeys(messages))


def _columns(version: Node) -> str:
    columns = version["additionalPrinterColumns"]
    rows = [
        f"| {each['name']} | `{each['jsonPath']}` | {'-o wide' if each.get('priority') else ''} |" for each in columns
    ]
    lines = ["| Column | Shows | Only with |", "|---|---|---|", *rows]
    if selectable := version.get("selectableFields"):
        fields = ", ".join(f"`{each['jsonPath'].removeprefix('.')}`" for each in selectable)
        lines += ["", f"Field selectors: {fields}."]
    return "\n".join(lines)


def main() -> None:
    """Write every generated file."""
    REFERENCE.mkdir(exist_ok=True)
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
