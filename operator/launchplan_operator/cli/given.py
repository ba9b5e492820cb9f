"""The inputs that a command line gives: `--input name=text` and `--inputs FILE`."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchplan_operator.cli.resolve import read_inputs, split_inputs


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller gives.

    Attributes:
        texts: by name, to be read by the declared type; they beat the values.
        values: by name, of their JSON kind, from a file.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


def read_given(options: argparse.Namespace) -> Given:
    """Return what the options give.

    Raises:
        Problem: a text has no name, a name is given twice, or the file holds no map.
    """
    return Given(split_inputs(options.input), read_inputs(options.inputs))
