"""Every reason is either shown with the command that mends it, or excused."""

from pathlib import Path

import pytest

from launchplan_operator.api.reasons import Reason

SHOWN = Path(__file__).parents[2] / "docs" / "generated" / "reasons"
_SCHEMA = "The API server refuses it at once; the operator meets it only in what was stored under an older schema."
_LINT = "Only the linter gives it, of manifests that are in no cluster."
_NO_MISTAKE = "It is how things are meant to go."
_OUTCOME = "It is how a run ended; what mends it is in the program, and the run is started once more."
_SLOT = "It is told of what is past, which nothing changes."
_LIMIT = "It is how the plan's limit is meant to work; who wants another one edits it, and starts the run once more."

#: Why there is nothing to mend by a command, or no way to cause it.
EXCUSED = {
    Reason.Active: _NO_MISTAKE,
    Reason.Inactive: "The plan is ready; its message says what would activate it.",
    Reason.Suspended: _NO_MISTAKE,
    Reason.Valid: _NO_MISTAKE,
    Reason.DurationInvalid: _SCHEMA,
    Reason.LabelInvalid: _SCHEMA,
    Reason.ScheduleChangePending: "The operator mends it by itself, in seconds.",
    Reason.Accepted: _NO_MISTAKE,
    Reason.Queued: _NO_MISTAKE,
    Reason.WaitingForSeat: _NO_MISTAKE,
    Reason.LedgerHeld: "The operator mends it by itself, in minutes.",
    Reason.LimitReached: _LIMIT,
    Reason.QueueFull: _LIMIT,
    Reason.QueueExpired: _LIMIT,
    Reason.Superseded: _LIMIT,
    Reason.Replaced: _LIMIT,
    Reason.Deactivated: _LIMIT,
    Reason.ExecutionDeleted: _SLOT,
    Reason.PodLingering: "Its own message ends with the command, for whoever knows that the node is lost for good.",
    Reason.Running: _NO_MISTAKE,
    Reason.Succeeded: _NO_MISTAKE,
    Reason.JobFailed: _OUTCOME,
    Reason.OutputsLost: _OUTCOME,
    Reason.TimedOut: _OUTCOME,
    Reason.Aborting: _NO_MISTAKE,
    Reason.Aborted: _OUTCOME,
    Reason.JobDeleted: _OUTCOME,
    Reason.Missed: _SLOT,
    Reason.CaughtUp: _SLOT,
    Reason.ScheduleDisagreement: "Nothing in the cluster mends it: it ends when the two agree on the time zones' rules.",
    Reason.Unknown: _SLOT,
    Reason.CronJobChanged: "The operator has mended it already.",
    Reason.TerminateIgnored: "The run has ended, as it was wished to.",
    Reason.ManifestUnreadable: _LINT,
    Reason.KindUnknown: _LINT,
    Reason.NameInvalid: _LINT,
    Reason.UnknownField: _LINT,
    Reason.DefinedTwice: _LINT,
}


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_shown_or_excused(reason: Reason) -> None:
    """Whoever adds one makes the mistake on a cluster, in tests/cluster/mistakes.py, or says why there is none."""
    assert (SHOWN / f"{reason}.txt").exists() != (reason in EXCUSED)


@pytest.mark.parametrize("path", sorted(SHOWN.glob("*.txt")), ids=lambda path: path.stem)
def test_what_is_shown_names_its_reason_and_a_command(path: Path) -> None:
    """The file's name is the reason, after which a dash may tell a second case."""
    text = path.read_text(encoding="utf-8")
    assert f"Reason:                {Reason[path.stem.partition('-')[0]]}" in text
    assert text.count(". To mend it, for example: kubectl ") == 1
