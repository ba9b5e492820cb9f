"""The table of commands: what each is called, what it is for, and the module that is loaded when it is called."""

from dataclasses import dataclass
from typing import Final

_PACKAGE: Final = "launchplan_operator.cli"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Its module has `configure(parser: argparse.ArgumentParser) -> None`, which adds arguments, description and examples,
    and `run(options: argparse.Namespace) -> int`, which returns the exit code.

    Attributes:
        name: what the user types.
        help: one line for the list of commands.
        module: its module's name within this package.
    """

    name: str
    help: str
    module: str

    @property
    def path(self) -> str:
        """The module's whole name."""
        return f"{_PACKAGE}.{self.module}"


COMMANDS: Final = (
    Command("lint", "check manifests without a cluster", "lint"),
    Command("next", "show when a plan, a cron text or a rate fires next", "next_times"),
    Command("resolve", "show the inputs that a run would get", "resolve"),
    Command("run", "start a plan or a workflow", "run"),
    Command("wait", "wait for a run's end", "wait"),
    Command("logs", "show a run's log", "logs"),
    Command("terminate", "end a run", "terminate"),
    Command("relaunch", "run a run once more", "relaunch"),
    Command("list", "list runs, or plans", "list"),
    Command("describe", "tell what a plan, its slots or a run came to, and why", "describe"),
    Command("activate", "make a version of a plan the active one", "activate"),
    Command("deactivate", "make no version of a plan the active one", "deactivate"),
    Command("suspend", "pause a plan's schedule", "suspend"),
    Command("resume", "let a suspended plan's schedule go on", "resume"),
    Command("versions", "list a plan's versions, or compare two of them", "versions"),
    Command("clone", "copy a plan or a workflow under another name", "clone"),
    Command("completion", "print the completion script of a shell", "completion"),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
