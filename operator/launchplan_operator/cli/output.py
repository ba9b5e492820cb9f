"""What commands share in their arguments and their output: formats, tables like kubectl's, and where to look."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

FORMATS: Final = ("text", "json", "yaml")
#: Blanks between two columns, as in kubectl's tables.
_GAP: Final = "   "
#: What a terminal obeys instead of showing it; line breaks and tabs are harmless.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def add_output_option(
    parser: argparse.ArgumentParser, *, formats: Sequence[str] = FORMATS, by_terminal: bool = False
) -> None:
    """Add `-o`; its default is text, or with `by_terminal` text on a terminal and JSON elsewhere."""
    parser.add_argument(
        "-o",
        "--output",
        choices=formats,
        default=None if by_terminal else "text",
        help=f"output format ({'default: text on a terminal, else json' if by_terminal else 'default: text'})",
    )


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Add what kubectl calls the same: namespace, context and kubeconfig."""
    group = parser.add_argument_group("cluster")
    group.add_argument("-n", "--namespace", help="the namespace (default: the context's)")
    group.add_argument("--context", help="the kubeconfig's context (default: the current one)")
    group.add_argument("--kubeconfig", metavar="FILE", help="the kubeconfig (default: $KUBECONFIG, ~/.kube/config)")


def add_examples(parser: argparse.ArgumentParser, text: str) -> None:
    """Set the examples that `--help` ends with, kept as they are."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"examples:\n{text.strip(chr(10))}"


def chosen_format(options: argparse.Namespace) -> str:
    """Return the output format: what `-o` says, else text on a terminal and JSON elsewhere."""
    return str(options.output) if options.output else "text" if sys.stdout.isatty() else "json"


def write_data(data: Any, form: str) -> None:
    """Write plain data to stdout as `json` or `yaml`."""
    sys.stdout.write(format_data(data, form))


def format_data(data: Any, form: str) -> str:
    """Return plain data as a `json` or a `yaml` document."""
    if form == "json":
        return f"{json.dumps(data, indent=2, ensure_ascii=False)}\n"
    from launchplan_operator.cli.yaml_text import write_yaml  # noqa: PLC0415 - only who asks for YAML pays for it

    return write_yaml(data)


def visible(text: str) -> str:
    """Return a text of unknown origin as a terminal may get it: control characters as their escapes."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to stdout."""
    sys.stdout.write(format_table(header, rows))


def format_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows below upper-case headings in columns as wide as need be, each in one line, without blanks at its end."""
    lines = [[cell.upper() for cell in header], *([_cell(str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        f"{_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()}\n" for line in lines
    )


def _cell(text: str) -> str:
    return visible(text).replace("\n", "\\n")
