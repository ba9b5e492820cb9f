"""Calling the command line in this process, as the tests of all commands do."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from launchplan_operator.cli.main import main
from launchplan_operator.cli.manifests import parse_manifests


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it wrote, as JSON."""
        return json.loads(self.out)


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Call:
    """Run the command line."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    return Call(code, *capsys.readouterr())


def objects(text: str) -> list[Any]:
    """Return the manifests of a text that is known to be good."""
    return list(parse_manifests(text.encode(), "x"))
