"""What a run gave back: typed outputs from the container's termination message, or its last words."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.types import TypeProblem, check_value, is_optional, parse_type
from launchplan_operator.decide.inputs import listed


@dataclass(frozen=True, slots=True)
class ResultContract:
    """Where a run's outputs are found, and of which types.

    Attributes:
        container: the name of the container that writes them.
        outputs: type text by output name.
    """

    container: str
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LastWords:
    """How a container ended: its exit code, Kubernetes' reason and what it said."""

    exit_code: int
    reason: str
    message: str


def read_outputs(contract: ResultContract, pods: Sequence[Mapping[str, Any]]) -> dict[str, Any] | Finding:
    """Return the declared outputs of a completed run, or why there are none (`OutputsLost`, `OutputInvalid`)."""
    if not contract.outputs:
        return {}
    pod = succeeded_pod(pods)
    words = last_words(pod, contract.container) if pod is not None else None
    if words is None:
        message = f"the pod was gone before the outputs of container {contract.container!r} were read"
        return Finding(Reason.OutputsLost, message, "status.outputs")
    return parse_outputs(contract, words.message)


def parse_outputs(contract: ResultContract, text: str) -> dict[str, Any] | Finding:
    """Return a termination message's JSON object if it holds exactly the declared outputs, each of its type.

    An optional output may be left out, and is null then; without any other, so may the object be.
    """
    expected = f"expected one JSON object with {listed(sorted(contract.outputs))} in the termination message"
    optional = dict[str, Any].fromkeys(_optional_outputs(contract))
    try:
        values = json.loads(text or "{}" if len(optional) == len(contract.outputs) else text)
    except (ValueError, RecursionError):
        return _invalid(f"found {_excerpt(text)}, {expected}")
    if not isinstance(values, dict):
        return _invalid(f"found {_excerpt(text)}, {expected}")
    values = optional | values
    missing = sorted(set(contract.outputs) - set(values))
    if missing:
        return _invalid(f"found no value for the output {listed(missing)}, {expected}")
    extra = sorted(set(values) - set(contract.outputs))
    if extra:
        return _invalid(f"found the undeclared output {listed(extra)}, {expected}")
    mismatches = _mismatches(contract.outputs, values)
    return _invalid("; ".join(mismatches)) if mismatches else {name: values[name] for name in contract.outputs}


def succeeded_pod(pods: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the newest pod that succeeded, or None."""
    return _newest(pod for pod in pods if pod.get("status", {}).get("phase") == "Succeeded")


def failed_pod(pods: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the newest pod that failed, or None."""
    return _newest(pod for pod in pods if pod.get("status", {}).get("phase") == "Failed")


def last_words(pod: Mapping[str, Any], container: str) -> LastWords | None:
    """Return how a container of a pod ended, or None while it has not."""
    return next((words for name, words in _all_words(pod) if name == container), None)


def failure_words(pod: Mapping[str, Any], container: str) -> LastWords | None:
    """Return how the container of a failed pod ended; if it is not the one that failed, how the first of those did."""
    failed = [(name, words) for name, words in _all_words(pod) if words.exit_code]
    own = next((words for name, words in failed if name == container), None)
    return own or next((words for _, words in failed), None)


def _all_words(pod: Mapping[str, Any]) -> Iterator[tuple[str, LastWords]]:
    for field in ("containerStatuses", "initContainerStatuses"):
        for status in pod.get("status", {}).get(field) or ():
            terminated = status.get("state", {}).get("terminated")
            if terminated is not None:
                reason, message = terminated.get("reason", ""), terminated.get("message", "")
                yield status["name"], LastWords(terminated.get("exitCode", 0), reason, message)


def _newest(pods: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)


def _optional_outputs(contract: ResultContract) -> Iterator[str]:
    for name, text in contract.outputs.items():
        declared = parse_type(text)
        if not isinstance(declared, TypeProblem) and is_optional(declared):
            yield name


def _mismatches(outputs: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    found = []
    for name, text in outputs.items():
        declared = parse_type(text)
        if isinstance(declared, TypeProblem):
            found.append(f"output {name!r} is declared as {text!r}, which is no type")
        elif mismatch := check_value(declared, values[name]):
            found.append(f"output {name!r}: {mismatch}")
    return found


def _invalid(message: str) -> Finding:
    return Finding(Reason.OutputInvalid, message, "status.outputs")


def _excerpt(text: str) -> str:
    if not text:
        return "no text"
    return f"the text {text[:80]!r}" + ("…" if len(text) > 80 else "")  # noqa: PLR2004
