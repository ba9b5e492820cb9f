"""How a run's end becomes an exit code and a sentence."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final

from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.cli.cluster import Cluster, shown
from launchplan_operator.cli.output import visible, write_data
from launchplan_operator.cli.problems import Problem
from launchplan_operator.cli.watching import follow_one
from launchplan_operator.kube.transport import Object

#: The exit code for each phase in which a run ends.
EXIT_CODES: Final = {"Succeeded": 0, "Failed": 3, "TimedOut": 4, "Aborted": 5, "Rejected": 6, "Skipped": 8}
#: The run was deleted before its end was seen.
DELETED_EXIT: Final = 7
#: The run goes on, but `--timeout` is over; timeout(1) says the same.
TIMEOUT_EXIT: Final = 124
EXIT_TEXT: Final = """exit codes:
  0 Succeeded · 3 Failed · 4 TimedOut · 5 Aborted · 6 Rejected · 7 deleted before its end · 8 Skipped
  124 --timeout is over · 1 refused, nothing was started · 2 wrong usage, or the API server cannot be asked"""


def phase_of(execution: Mapping[str, Any]) -> str:
    """Return a run's phase; one that the operator has not seen yet is Pending."""
    return str((execution.get("status") or {}).get("phase") or "Pending")


def has_ended(execution: Mapping[str, Any]) -> bool:
    """Tell whether a run has ended."""
    return phase_of(execution) in EXIT_CODES


def exit_code(execution: Mapping[str, Any]) -> int:
    """Return the exit code for a run that has ended."""
    return EXIT_CODES[phase_of(execution)]


def describe_end(execution: Mapping[str, Any]) -> str:
    """Return how a run ended in one sentence: phase, duration, and why."""
    status = execution.get("status") or {}
    duration = f" in {status['duration']}" if status.get("duration") else ""
    return f"{phase_of(execution)}{duration}{_why(*end_cause(status), phase_of(execution))}"


def end_cause(status: Mapping[str, Any]) -> tuple[str, str]:
    """Return why a run ended as it did, in one word and in words on one line: its error, or why it was skipped."""
    error = status.get("error") or {}
    code, message = error.get("code"), error.get("message")
    if status.get("phase") == "Skipped":
        told = [each for each in status.get("conditions") or () if each["type"] == "Ready"]
        code, message = (told[0]["reason"], told[0]["message"]) if told else ("", "")
    return str(code or ""), " ".join(str(message or "").split())


def add_timeout_option(parser: argparse.ArgumentParser) -> None:
    """Add `--timeout`."""
    parser.add_argument(
        "--timeout", type=read_timeout, metavar="DURATION", help="how long to wait at most, such as 90s or 1h30m"
    )


def read_timeout(text: str) -> timedelta:
    """Return a positive Go duration."""
    duration = parse_go_duration(text)
    if duration is None or duration <= timedelta():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a duration such as 90s or 1h30m")
    return duration


async def await_end(cluster: Cluster, name: str, patience: timedelta | None) -> Object:
    """Wait until a run has ended, and tell its phases on stderr as they come.

    Raises:
        Problem: there is no such run, it was deleted meanwhile, or `patience` is over.
    """
    try:
        async with asyncio.timeout(patience.total_seconds() if patience else None):
            return await _end(cluster, name)
    except TimeoutError:
        hint = f"it goes on: kubectl launchplan wait {name}"
        raise Problem(f"{name} has not ended in time", hint=hint, exit_code=TIMEOUT_EXIT) from None


async def _end(cluster: Cluster, name: str) -> Object:
    told = ""
    async with aclosing(follow_one(cluster, LAUNCH_PLAN_EXECUTIONS, name)) as states:
        async for execution in states:
            if execution is None:
                break
            if has_ended(execution):
                return execution
            told = _tell_phase(execution, told)
    if not told:
        return await cluster.missing(LAUNCH_PLAN_EXECUTIONS, name)
    raise deleted(name)


def deleted(name: str) -> Problem:
    """Return the problem that a run is gone before its end was seen."""
    return Problem(f"{name} was deleted before its end was seen", exit_code=DELETED_EXIT)


def write_end(execution: Object, form: str) -> int:
    """Write how a run ended and what came out; returns the exit code."""
    if form in ("json", "yaml"):
        write_data(shown(execution), form)
        return exit_code(execution)
    sys.stdout.write(f"lpx/{execution['metadata']['name']}: {describe_end(execution)}\n")
    for name, value in ((execution.get("status") or {}).get("outputs") or {}).items():
        sys.stdout.write(f"  {name}: {value_text(value)}\n")
    return exit_code(execution)


def value_text(value: Any) -> str:
    """Return a value as a person reads it: a text as it is, all else as JSON."""
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def waiting_reason(execution: Mapping[str, Any]) -> str:
    """Return what a run that has not ended waits for, if its conditions say so."""
    conditions = (execution.get("status") or {}).get("conditions") or ()
    found = next((each for each in conditions if each["type"] == "Reconciling" and each["status"] == "True"), None)
    return f"{found['reason']}: {found['message']}" if found and found.get("message") else ""


def _tell_phase(execution: Mapping[str, Any], told: str) -> str:
    reason = waiting_reason(execution)
    phase = phase_of(execution)
    text = f"lpx/{execution['metadata']['name']}: {phase}{f', {reason}' if reason else ''}".replace(f", {phase}:", ":")
    if text != told:
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()
    return text


def _why(code: str, message: str, phase: str) -> str:
    """Return code and message of an end; a code that the phase says already is left out."""
    words = ("" if code == phase else code, message)
    return visible("".join(f": {word}" for word in words if word))
