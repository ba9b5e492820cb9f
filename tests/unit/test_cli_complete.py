"""Completion: the candidates for a word, and the scripts that ask for them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from launchplan_operator.cli import complete
from launchplan_operator.cli.commands import COMMANDS
from launchplan_operator.cli.completion import SCRIPTS
from tests.unit.cli import call


@pytest.mark.parametrize(
    ("words", "candidates", "directive"),
    [
        pytest.param(["lin"], ["lint"], 4, id="a command"),
        pytest.param(["nonsense"], [], 4, id="nothing fits"),
        pytest.param(["lint", ""], [], 0, id="a file"),
        pytest.param(["lint", "--str"], ["--strict"], 4, id="an option"),
        pytest.param(["lint", "-o", ""], ["text", "json", "yaml"], 4, id="a format"),
        pytest.param(["lint", "a.yaml", "--output", "j"], ["json"], 4, id="a format by its long option"),
        pytest.param(["next", "-f", ""], [], 0, id="a file for an option"),
        pytest.param(["next", "--cron", ""], [], 4, id="a value that nobody knows"),
        pytest.param(["completion", ""], ["bash", "zsh", "fish"], 4, id="a choice"),
        pytest.param(["lint", "--strict", "--rec"], ["--recursive"], 4, id="after an option without a value"),
    ],
)
def test_a_word_has_its_candidates(
    capsys: pytest.CaptureFixture[str], words: list[str], candidates: list[str], directive: int
) -> None:
    """One a line, before a tab; then whether files are offered."""
    ended = call(capsys, "__complete", *words)
    *lines, last = ended.out.splitlines()
    assert ended.code == 0
    assert [line.split("\t")[0] for line in lines] == candidates
    assert last == f":{directive}"


@pytest.mark.parametrize("words", [[], [""]], ids=["no word", "an empty word"])
def test_every_command_is_a_candidate(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """With its help behind a tab, as kubectl and fish show it."""
    lines = call(capsys, "__complete", *words).out.splitlines()
    assert lines == [*(f"{command.name}\t{command.help}" for command in COMMANDS), ":4"]


def test_kubectl_asks_the_same_code(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """kubectl_complete-launchplan gets the words as its arguments."""
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-launchplan", "completion", "z"])
    assert complete.main() == 0
    assert capsys.readouterr().out == "zsh\n:4\n"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_is_printed(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    """It asks __complete."""
    ended = call(capsys, "completion", shell)
    assert ended.code == 0
    assert "kubectl-launchplan __complete" in ended.out


@pytest.mark.parametrize("shell", [shell for shell in SCRIPTS if shutil.which(shell)])
def test_a_script_is_one_that_its_shell_reads(shell: str) -> None:
    """The shell finds no syntax error."""
    flag = "--no-execute" if shell == "fish" else "-n"
    run = subprocess.run([shell, flag], input=SCRIPTS[shell], text=True, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_bash_completes(tmp_path: Path) -> None:
    """The script fills COMPREPLY with what the program says."""
    program = tmp_path / "kubectl-launchplan"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m launchplan_operator.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = (
        f'PATH="{tmp_path}:$PATH"\n{SCRIPTS["bash"]}\n'
        "COMP_WORDS=(kubectl-launchplan lint -o j); COMP_CWORD=3; _kubectl_launchplan; echo ${COMPREPLY[@]}\n"
        "COMP_WORDS=(kubectl-launchplan 're'); COMP_CWORD=1; _kubectl_launchplan; echo ${COMPREPLY[@]}\n"
    )
    package = Path(complete.__file__).parents[2]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(package)}
    run = subprocess.run(["bash"], input=script, text=True, capture_output=True, check=True, env=environment)
    first, second = run.stdout.splitlines()
    assert first == "json"
    assert "resolve" in second.split()
