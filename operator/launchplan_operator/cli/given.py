"""The inputs that a command line gives: `--input name=text` and `--inputs FILE`."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launchplan_operator.cli.problems import Problem


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller gives.

    Attributes:
        texts: by name, to be read by the declared type; they beat the values.
        values: by name, of their JSON kind, from a file.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add `--input` and `--inputs`."""
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="an input, its text read by the declared type; may be given again, and beats --inputs",
    )
    parser.add_argument(
        "--inputs", metavar="FILE", help="inputs as a YAML or JSON map, as in a manifest; - is the standard input"
    )


def read_given(options: argparse.Namespace) -> Given:
    """Return what the options give.

    Raises:
        Problem: a text has no name, a name is given twice, or the file holds no map.
    """
    texts: dict[str, str] = {}
    for each in options.input:
        name, equals, text = each.partition("=")
        if not equals or not name:
            raise Problem(f"found --input {each!r}, expected NAME=TEXT")
        if name in texts:
            raise Problem(f"found --input {name} twice, expected it once")
        texts[name] = text
    return Given(texts, _file_values(options.inputs) if options.inputs else {})


def _file_values(file: str) -> dict[str, Any]:
    from launchplan_operator.cli.yaml_text import YamlProblemError, read_yaml  # noqa: PLC0415 - only who gives a file

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        documents = list(read_yaml(text))
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}") from None
    except YamlProblemError as error:
        raise Problem(f"cannot read {file}, line {error.line}: {error.message}") from None
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise Problem(f"found {len(documents)} documents in {file}, expected one map of inputs by name")
    return documents[0].value
