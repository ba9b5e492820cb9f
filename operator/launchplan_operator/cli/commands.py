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
    Command("completion", "print the completion script of a shell", "completion"),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
