"""YAML as a real kubectl reads it: what the table of odd scalars says of it is so."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from localcluster.places import LocalClusterError
from tests.unit.cliscalars import LOSSY, REFUSED, VALUES, as_stored

Kubectl = Callable[..., str]


def sent(kubectl: Kubectl, text: str) -> Any:
    """Return the value that kubectl reads from a text, without asking the server."""
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\nx: {text}\n"
    return as_stored(kubectl("annotate", "--local", "-f", "-", "a=b", "-o", "json", stdin=manifest))["x"]


def test_every_value_is_as_the_table_says(kubectl: Kubectl) -> None:
    """What kubectl sends is what the unit level expects of us."""
    found = {text: json.dumps(sent(kubectl, text), sort_keys=True) for text in VALUES}
    assert found == {text: json.dumps(as_stored(expected), sort_keys=True) for text, expected in VALUES.items()}


@pytest.mark.parametrize("text", REFUSED)
def test_kubectl_refuses_it_too(kubectl: Kubectl, text: str) -> None:
    """What we refuse for good, kubectl does not read."""
    with pytest.raises(LocalClusterError):
        sent(kubectl, text)


@pytest.mark.parametrize("text", LOSSY)
def test_kubectl_takes_it_and_loses_something(kubectl: Kubectl, text: str) -> None:
    """What we refuse for its reader's sake, kubectl takes: a key or a tag less than was written."""
    assert json.dumps(sent(kubectl, text))
