"""Runs in real containers: the first example, what a container is told, and what it says at its end."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.node.support import Space, eventually

Object = dict[str, Any]

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-hello"
NASTY = {
    "quotes": """it's "quoted" and `ticked`""",
    "references": "$(LP_INPUT_QUOTES) $$(X) $HOME ${HOME} $(reboot)",
    "lines": "first\nsecond\r\n\tthird\n",
    "unicode": "Grüße, Ελλάδα, 日本, עברית, 🙂\u200d\u0301\ufeff",
    "escapes": r"\n \\ \u0041 %s %% {{ .Values }} &lt; #",
    "markup": "key: [a, b]\n---\n- !!python/object x\n",
    "spaces": "  \u00a0 both ends \t ",
    "empty": "",
    "long": "0123456789" * 1024,
}
#: Declared type → value in the manifest → text in the environment.
SCALARS = {
    "count": ("integer", 9_007_199_254_740_993, "9007199254740993"),
    "ratio": ("float", 0.1, "0.1"),
    "dry": ("boolean", True, "true"),
    "day": ("datetime", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
    "pause": ("duration", "90m", "90m"),
}


@pytest.fixture(scope="module")
def hello(space: Space) -> Iterator[Space]:
    """A namespace with the first example in it, ready."""
    space.kubectl("apply", "-f", str(EXAMPLE / "workflow.yaml"), "-f", str(EXAMPLE / "plan.yaml"))
    space.kubectl("wait", "lp/hello", "--for=condition=Ready", "--timeout=30s")
    yield space
    space.kubectl("delete", "lp/hello")


def test_the_example_runs_by_hand_with_an_overridden_input(hello: Space) -> None:
    """The caller's name beats the plan's default, the fixed input stays, and what the container wrote is the output."""
    name = hello.kubectl("create", "-f", str(EXAMPLE / "run.yaml"), "-o", "name").strip().rpartition("/")[2]
    status = hello.ended(name)
    assert status["phase"] == "Succeeded", status
    assert status["inputs"] == {"name": "Ada", "times": 3}
    assert status["outputs"] == {"greeting": "Hello, Ada!", "length": 11}
    assert status["origin"] == {"type": "Manual"}
    assert hello.log(name) == "Hello, Ada!\n" * 3
    hello.kubectl("wait", f"lpx/{name}", "--for=condition=Succeeded", "--timeout=5s")


def test_the_example_runs_by_its_schedule(hello: Space) -> None:
    """At the next full minute a Job starts; its record has the plan's own inputs, typed outputs, and the slot."""

    def scheduled() -> list[Object]:
        items = json.loads(hello.kubectl("get", "lpx", "-l", "launchplan.dev/origin=Schedule", "-o", "json"))["items"]
        return [item for item in items if item.get("status", {}).get("phase") == "Succeeded"]

    eventually(lambda: bool(scheduled()), "a scheduled run", seconds=100)
    run = scheduled()[0]
    name, status = run["metadata"]["name"], run["status"]
    assert status["inputs"] == {"name": "world", "times": 3}
    assert status["outputs"] == {"greeting": "Hello, world!", "length": 13}
    assert status["origin"]["type"] == "Schedule"
    assert status["origin"]["slot"].endswith(":00Z")
    assert hello.log(name) == "Hello, world!\n" * 3


def test_nasty_texts_arrive_byte_for_byte(space: Space) -> None:
    """Whatever a text holds, the environment, the JSON in it and the inputs file hold it unchanged."""
    words = [f'printf %s "$LP_INPUT_{name.upper()}" | base64 -w 0; echo' for name in NASTY]
    words += ['printf %s "$LAUNCHPLAN_INPUTS" | base64 -w 0; echo', "base64 -w 0 /etc/launchplan/inputs.json"]
    space.define("nasty", "\n".join(words), dict.fromkeys(NASTY, "string"))
    name = space.run("nasty", NASTY)
    status = space.ended(name)
    assert status["phase"] == "Succeeded", status
    *texts, in_environment, in_file = [base64.b64decode(line).decode() for line in space.log(name).split("\n")]
    assert dict(zip(NASTY, texts, strict=True)) == NASTY
    assert json.loads(in_environment) == NASTY
    assert json.loads(in_file) == NASTY
    assert status["inputs"] == NASTY


def test_typed_values_arrive_in_their_text_form(space: Space) -> None:
    """The text is the declared type's own, and the file keeps the JSON kinds."""
    words = [f'echo "$LP_INPUT_{name.upper()}"' for name in SCALARS]
    space.define("scalars", "\n".join([*words, "cat /etc/launchplan/inputs.json"]), _types())
    name = space.run("scalars", {name: value for name, (_, value, _) in SCALARS.items()})
    status = space.ended(name)
    assert status["phase"] == "Succeeded", status
    *texts, file = space.log(name).split("\n", len(SCALARS))
    assert dict(zip(SCALARS, texts, strict=True)) == {name: text for name, (_, _, text) in SCALARS.items()}
    assert json.loads(file) == status["inputs"]
    assert json.loads(file)["count"] == SCALARS["count"][1]


def _types() -> dict[str, str]:
    return {name: kind for name, (kind, _, _) in SCALARS.items()}


def test_a_container_knows_whose_run_it_is(space: Space) -> None:
    """Its workflow, version, run and namespace are in the environment, and `$(NAME)` in its arguments is one of them."""
    script = 'echo "$LAUNCHPLAN_NAME $LAUNCHPLAN_VERSION $LAUNCHPLAN_EXECUTION $LAUNCHPLAN_NAMESPACE $0"'
    space.define("who", script, {"word": "string"}, args=["$(LP_INPUT_WORD)"])
    name = space.run("who", {"word": "as argument"})
    status = space.ended(name)
    assert status["phase"] == "Succeeded", status
    assert space.log(name) == f"who {status['launchPlanVersion']} {name} {space.name} as argument\n"


def test_a_failing_containers_last_words_are_the_runs_error(space: Space) -> None:
    """Who writes no termination message is quoted by the end of the log."""
    # One stream: the runtime reads the two of a container side by side, in no order.
    space.define("fails", "{ echo reading orders; echo 'no such table: orders'; } >&2; exit 3")
    status = space.ended(space.run("fails"))
    assert status["phase"] == "Failed"
    assert status["error"]["kind"] == "User"
    assert status["error"]["code"] == "Exit3"
    assert status["error"]["message"] == "reading orders\nno such table: orders"
    assert "outputs" not in status


def test_an_image_that_cannot_be_pulled_is_named_in_the_condition(space: Space) -> None:
    """The run waits, and says for what."""
    space.define("unpullable", "true", image="127.0.0.1:1/nobody/nothing:1")
    name = space.run("unpullable")

    def said() -> str:
        conditions = {each["type"]: each for each in space.status(name).get("conditions", [])}
        return str(conditions.get("Succeeded", {}).get("message", ""))

    eventually(lambda: "image" in said().lower(), "a word about the image")
    assert "main" in said()
    assert space.status(name)["phase"] == "Running"
    space.kubectl("delete", f"lpx/{name}")


def test_terminate_ends_a_sleeping_container(space: Space) -> None:
    """The run is Aborted, its cause is kept, and its pod is over."""
    space.define("sleeps", "echo asleep; trap 'exit 0' TERM; sleep 1000 & wait")
    name = space.run("sleeps")
    eventually(lambda: _ready_pods(space, name) == 1, "the container's start")
    patch = {"spec": {"terminate": {"cause": "changed my mind"}}}
    space.kubectl("patch", f"lpx/{name}", "--type=merge", "-p", json.dumps(patch))
    status = space.ended(name)
    assert status["phase"] == "Aborted"
    eventually(lambda: not _pods(space, name), "the end of the pod")


def _pods(space: Space, execution: str) -> list[str]:
    """The names of a run's pods that are not over."""
    items = json.loads(space.kubectl("get", "pods", "-l", f"job-name={execution}", "-o", "json"))["items"]
    return [each["metadata"]["name"] for each in items if each["status"]["phase"] in {"Pending", "Running"}]


def _ready_pods(space: Space, execution: str) -> int:
    job = json.loads(space.kubectl("get", "jobs", "--field-selector", f"metadata.name={execution}", "-o", "json"))
    return sum(each.get("status", {}).get("ready", 0) for each in job["items"])
