"""Every reason is either shown, as a mistake with the command that mends it or as what is told at night, or excused."""

from pathlib import Path

import pytest

from launchplan_operator.api.reasons import Reason

GENERATED = Path(__file__).parents[2] / "docs" / "generated"
#: What is wrong, with the command that mends it.
SHOWN = GENERATED / "reasons"
#: What became of runs and slots, with what is left to do.
SIGHTS = GENERATED / "sights"
_SCHEMA = "The API server refuses it at once; the operator meets it only in what was stored under an older schema."
_LINT = "Only the linter gives it, of manifests that are in no cluster."
_NO_MISTAKE = "It is how things are meant to go."
_THEIRS = (
    "The other namespace's people mend it: no command of one's own would; docs/how-to-refer-to-a-plan.md says how."
)
_OUTCOME = "It is how a run ended; what mends it is in the program, and the run is started once more."

#: Why there is nothing to mend by a command, or no way to cause it.
EXCUSED = {
    Reason.Active: _NO_MISTAKE,
    Reason.Inactive: "The plan is ready; its message says what would activate it.",
    Reason.Valid: _NO_MISTAKE,
    Reason.Resolved: _NO_MISTAKE,
    Reason.TargetUnavailable: _THEIRS,
    Reason.SelectorNeedsClusterMode: "Only an operator of some namespaces gives it; tests/reconcile/test_references.py mends it.",
    Reason.ReferenceNotAllowed: _THEIRS,
    Reason.RemoteRefused: _THEIRS,
    Reason.RemoteNameTaken: _THEIRS,
    Reason.RemoteDeleted: _OUTCOME,
    Reason.RequesterGone: "The run was not wanted any more; tests/reconcile/test_remote_runs.py brings it about.",
    Reason.AwaitingRequester: "The operator mends it by itself; tests/reconcile/test_reference_crashes.py brings it about.",
    Reason.DurationInvalid: _SCHEMA,
    Reason.LabelInvalid: _SCHEMA,
    Reason.ScheduleChangePending: "The operator mends it by itself, in seconds.",
    Reason.Accepted: _NO_MISTAKE,
    Reason.Queued: _NO_MISTAKE,
    Reason.LedgerHeld: "The operator mends it by itself, in minutes; tests/reconcile/test_why.py reads what is said meanwhile.",
    Reason.Running: _NO_MISTAKE,
    Reason.Succeeded: _NO_MISTAKE,
    Reason.JobFailed: _OUTCOME,
    Reason.OutputsLost: _OUTCOME,
    Reason.TimedOut: _OUTCOME,
    Reason.Aborting: _NO_MISTAKE,
    Reason.Aborted: _OUTCOME,
    Reason.CronJobAdopted: _NO_MISTAKE,
    Reason.CronJobChanged: "The operator has mended it already.",
    Reason.TerminateIgnored: "The run has ended, as it was wished to.",
    Reason.ManifestUnreadable: _LINT,
    Reason.KindUnknown: _LINT,
    Reason.NameInvalid: _LINT,
    Reason.UnknownField: _LINT,
    Reason.DefinedTwice: _LINT,
    Reason.RunNameFixed: _LINT,
}


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_shown_or_excused(reason: Reason) -> None:
    """Whoever adds one brings it about on a cluster, in tests/cluster/mistakes.py or sights.py, or says why not."""
    shown = any((folder / f"{reason}.txt").exists() for folder in (SHOWN, SIGHTS))
    assert shown != (reason in EXCUSED)


@pytest.mark.parametrize("path", sorted(SHOWN.glob("*.txt")), ids=lambda path: path.stem)
def test_what_is_shown_names_its_reason_and_a_command(path: Path) -> None:
    """The file's name is the reason, after which a dash may tell a second case."""
    text = path.read_text(encoding="utf-8")
    assert f"Reason:                {Reason[path.stem.partition('-')[0]]}" in text
    assert text.count(". To mend it, for example: kubectl ") == 1


@pytest.mark.parametrize("path", sorted(SIGHTS.glob("*.txt")), ids=lambda path: path.stem)
def test_what_is_told_at_night_is_one_sentence_of_its_reason(path: Path) -> None:
    """No message is longer than what a tired person reads, and each is of the file's reason."""
    lines = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line]
    reasons = {line[1] for line in lines if line[0] == "Reason:"}
    assert reasons - {"Accepted"} == {str(Reason[path.stem.partition("-")[0]])}
    messages = [line[1] for line in lines if line[0] == "Message:" and len(line) > 1]
    assert messages
    assert [message for message in messages if len(message) > 250] == []
