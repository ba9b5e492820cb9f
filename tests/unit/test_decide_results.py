"""Outputs and last words: what is read from a pod, and what is not believed."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.decide.results import (
    LastWords,
    ResultContract,
    failed_pod,
    failure_words,
    last_words,
    parse_outputs,
    read_outputs,
    succeeded_pod,
)
from tests.unit.strategies import JSON, VALUES

CONTRACT = ResultContract("main", {"rows": "integer", "file": "string"})
GOOD = '{"file": "s3://x", "rows": 3}'


def ended(name: str, message: str = "", code: int = 0, reason: str = "") -> dict[str, Any]:
    """Return the status of a container that ended."""
    terminated = {"exitCode": code, "reason": reason or ("Error" if code else "Completed"), "message": message}
    return {"name": name, "state": {"terminated": terminated}}


def pod(phase: str, *containers: Mapping[str, Any], at: str = "2026-01-31T09:00:00Z", **status: Any) -> dict[str, Any]:
    """Return a pod in a phase."""
    return {
        "metadata": {"name": f"run-{at}", "creationTimestamp": at},
        "status": {"phase": phase, "containerStatuses": list(containers), **status},
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "found no text", id="nothing was written"),
        pytest.param("done", "found the text 'done', expected one JSON object", id="a word is no JSON"),
        pytest.param("[1]", "found the text '[1]'", id="an array is no object"),
        pytest.param('"x"', "found the text '\"x\"'", id="a JSON text is no object"),
        pytest.param("null", "found the text 'null'", id="null is no object"),
        pytest.param(GOOD[:-1], "found the text", id="an object cut off at 4 KiB is no JSON"),
        pytest.param("[" * 4096, "found the text '[[[", id="brackets without end do not overflow the reader"),
        pytest.param("x" * 81, f"found the text '{'x' * 80}'…", id="a long text is cut"),
        pytest.param('{"rows": 3}', "found no value for the output file,", id="an output is missing"),
        pytest.param("{}", "found no value for the output file, rows,", id="all outputs are missing"),
        pytest.param(
            '{"file": "x", "rows": 3, "more": 1}', "found the undeclared output more,", id="an output is undeclared"
        ),
        pytest.param(
            '{"file": "x", "rows": "3"}', "output 'rows': expected integer, found the string '3'", id="one is mistyped"
        ),
        pytest.param('{"file": "x", "rows": NaN}', "output 'rows': expected integer", id="NaN is no integer"),
        pytest.param(
            '{"file": null, "rows": 1.5}',
            "output 'rows': expected integer, found the number 1.5; output 'file': expected string, found null",
            id="two are mistyped",
        ),
    ],
)
def test_a_message_that_breaks_the_contract_is_invalid(text: str, problem: str) -> None:
    """The finding says what was found and, unless it is about a type, what was expected."""
    finding = parse_outputs(CONTRACT, text)
    assert isinstance(finding, Finding)
    assert (finding.reason, finding.path) == (Reason.OutputInvalid, "status.outputs")
    assert finding.message.startswith(problem)
    if "output '" not in problem and "NaN" not in text:
        assert finding.message.endswith("expected one JSON object with file, rows in the termination message")


OPTIONAL = ResultContract("main", {"rows": "integer", "file": "optional[blob]"})


@pytest.mark.parametrize(
    ("outputs", "text", "expected"),
    [
        pytest.param(
            OPTIONAL.outputs, '{"rows": 3}', {"rows": 3, "file": None}, id="an absent optional output is null"
        ),
        pytest.param(
            OPTIONAL.outputs, '{"rows": 3, "file": null}', {"rows": 3, "file": None}, id="and so it may be given"
        ),
        pytest.param(
            OPTIONAL.outputs, '{"rows": 3, "file": "/x"}', {"rows": 3, "file": "/x"}, id="what is given is taken"
        ),
        pytest.param(
            {"a": "optional[integer]"}, "", {"a": None}, id="with optional ones alone nothing need be written"
        ),
        pytest.param(
            {"a": "list[optional[integer]]"}, '{"a": [1, null]}', {"a": [1, None]}, id="a list has its own nulls"
        ),
    ],
)
def test_an_optional_output_may_be_absent(outputs: dict[str, str], text: str, expected: dict[str, Any]) -> None:
    """The run succeeds, and each declared output stands in its status."""
    assert parse_outputs(ResultContract("main", outputs), text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"file": "/x"}', "found no value for the output rows,"),
        ("", "found no text, expected one JSON object"),
        ('{"rows": 3, "file": "x"}', "output 'file': expected blob (a URI"),
        ('{"rows": 3, "file": 7}', "output 'file': expected blob (a URI"),
    ],
)
def test_an_optional_output_makes_no_other_optional(text: str, problem: str) -> None:
    """And it has its type."""
    finding = parse_outputs(OPTIONAL, text)
    assert isinstance(finding, Finding)
    assert finding.message.startswith(problem)


def test_a_part_that_does_not_fit_is_named() -> None:
    """With the path from the output to it."""
    finding = parse_outputs(ResultContract("main", {"x": "list[map[integer]]"}), '{"x": [{}, {"a": "1"}]}')
    assert isinstance(finding, Finding)
    assert finding.message == "output 'x': at [1].a: expected integer, found the string '1'"


def test_outputs_come_in_the_order_of_their_declaration() -> None:
    """Blanks around the object do not matter."""
    outputs = parse_outputs(CONTRACT, f"\n {GOOD}\n")
    assert outputs == {"rows": 3, "file": "s3://x"}
    assert list(outputs) == ["rows", "file"]


def test_an_output_of_an_unreadable_type_is_invalid() -> None:
    """The Job may have been rendered by another version of ours."""
    finding = parse_outputs(ResultContract("main", {"x": "list[y"}), '{"x": 1}')
    assert isinstance(finding, Finding)
    assert finding.message == "output 'x' is declared as 'list[y', which is no type"


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])))
def test_whatever_fits_its_type_is_read_back_as_it_was_written(output: tuple[str, Any]) -> None:
    """A value of each type survives the termination message."""
    kind, value = output
    assert parse_outputs(ResultContract("main", {"x": kind}), json.dumps({"x": value})) == {"x": value}


@given(
    st.text(max_size=40)
    | JSON.map(json.dumps)
    | st.dictionaries(st.sampled_from(["rows", "file"]), JSON).map(json.dumps)
)
def test_outputs_are_whole_and_typed_or_there_are_none(text: str) -> None:
    """Nothing that a container writes raises, and nothing half-right passes."""
    outputs = parse_outputs(CONTRACT, text)
    if isinstance(outputs, dict):
        assert type(outputs["rows"]) in {int, float}
        assert isinstance(outputs["file"], str)
        assert set(outputs) == {"rows", "file"}
    else:
        assert outputs.reason is Reason.OutputInvalid


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param([pod("Succeeded", ended("main", GOOD))], {"rows": 3, "file": "s3://x"}, id="from the pod"),
        pytest.param(
            [
                pod("Succeeded", ended("main", GOOD), at="2026-01-31T09:05:00Z"),
                pod("Succeeded", ended("main", "{}")),
                pod("Failed", ended("main", "{}", 1), at="2026-01-31T09:09:00Z"),
            ],
            {"rows": 3, "file": "s3://x"},
            id="from the newest pod that succeeded",
        ),
        pytest.param(
            [pod("Succeeded", ended("side", "{}"), ended("main", GOOD))],
            {"rows": 3, "file": "s3://x"},
            id="from the container of the contract",
        ),
        pytest.param([], Reason.OutputsLost, id="without a pod they are lost"),
        pytest.param([pod("Running")], Reason.OutputsLost, id="a pod that was not seen to succeed does not count"),
        pytest.param(
            [pod("Succeeded", ended("side", GOOD))], Reason.OutputsLost, id="another container does not count"
        ),
        pytest.param([pod("Succeeded", ended("main", "x"))], Reason.OutputInvalid, id="a wrong message is invalid"),
    ],
)
def test_outputs_are_read_from_the_pods(pods: list[dict[str, Any]], expected: dict[str, Any] | Reason) -> None:
    """Or the reason says why there are none."""
    outputs = read_outputs(CONTRACT, pods)
    assert (outputs.reason if isinstance(outputs, Finding) else outputs) == expected


def test_a_run_without_outputs_needs_no_pod() -> None:
    """What it wrote, if anything, is not looked at."""
    assert read_outputs(ResultContract("main", {}), []) == {}
    assert read_outputs(ResultContract("main", {}), [pod("Succeeded", ended("main", "not JSON"))]) == {}


def test_the_newest_pod_of_a_phase_is_looked_at() -> None:
    """By the time of its creation, whatever the order of the listing."""
    old, new = pod("Failed", at="2026-01-31T09:00:00Z"), pod("Failed", at="2026-01-31T09:00:01Z")
    for listing in ([old, new], [new, old]):
        assert failed_pod(listing) == new
        assert succeeded_pod(listing) is None
    assert failed_pod([{"metadata": {"name": "x"}}]) is None


@pytest.mark.parametrize(
    ("seen", "container", "expected"),
    [
        pytest.param(pod("Failed", ended("main", "no", 3)), "main", LastWords(3, "Error", "no"), id="as it ended"),
        pytest.param(pod("Failed", ended("main", "no", 3)), "other", None, id="an unknown container said nothing"),
        pytest.param(pod("Running", {"name": "main", "state": {"running": {}}}), "main", None, id="it has not ended"),
        pytest.param({"metadata": {}, "status": {"phase": "Pending"}}, "main", None, id="no container was started"),
        pytest.param(
            pod("Failed", {"name": "main", "state": {"terminated": {}}}), "main", LastWords(0, "", ""), id="bare facts"
        ),
    ],
)
def test_last_words_are_those_of_one_container(
    seen: dict[str, Any], container: str, expected: LastWords | None
) -> None:
    """None while it has not ended."""
    assert last_words(seen, container) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            pod("Failed", ended("side", "x", 1), ended("main", "no", 3)),
            LastWords(3, "Error", "no"),
            id="the container of the contract is asked first",
        ),
        pytest.param(
            pod("Failed", ended("main"), ended("side", "port in use", 1)),
            LastWords(1, "Error", "port in use"),
            id="where it did well, the one that failed is asked",
        ),
        pytest.param(
            pod("Failed", initContainerStatuses=[ended("init", "no such file", 2)]),
            LastWords(2, "Error", "no such file"),
            id="an init container that failed is asked",
        ),
        pytest.param(pod("Failed", ended("main")), None, id="nobody failed: the pod did"),
    ],
)
def test_a_failure_is_told_in_the_words_of_who_failed(seen: dict[str, Any], expected: LastWords | None) -> None:
    """A message of a container that ended well explains nothing."""
    assert failure_words(seen, "main") == expected
