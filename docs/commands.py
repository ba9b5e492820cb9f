"""The reference page of the command line, made from what its parsers say."""

# ruff: noqa: INP001 - a folder of pages is no package

import argparse
from collections.abc import Iterator

from launchplan_operator.cli.commands import COMMANDS
from launchplan_operator.cli.main import PROGRAM, command_parser


def render_commands() -> str:
    """Return the page of all commands."""
    lines = [f"- [`{command.name}`](#{command.name}): {command.help}" for command in COMMANDS]
    exits = (
        "Every command ends with 0 if all went well, 1 for findings or a failure, 2 for a text that is refused or a wrong "
        "call, unless its own text says otherwise."
    )
    parts = [f"# {PROGRAM}", "\n".join(lines), exits]
    for command in COMMANDS:
        parts += [f"## {command.name}", *_command(command_parser(command.name))]
    return "\n\n".join(parts) + "\n"


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield str(parser.description)
    rows = [row for action in parser._actions if (row := _row(action))]  # noqa: SLF001 - argparse has no public way
    yield "\n".join(["| Argument | Meaning |", "|---|---|", *rows])
    if parser.epilog:
        examples = "\n".join(line.strip() for line in parser.epilog.splitlines()[1:])
        yield f"```text\n{examples}\n```"


def _row(action: argparse.Action) -> str:
    if action.help == argparse.SUPPRESS or "--help" in action.option_strings:
        return ""
    names = [f"{name} {_value(action)}".strip() for name in action.option_strings or ("",)]
    cells = (", ".join(f"`{name}`" for name in names), str(action.help))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(action: argparse.Action) -> str:
    """Return how an argument's value is called; an option without one has an empty text."""
    if action.nargs == 0:
        return ""
    choices = "|".join(map(str, action.choices or ()))
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return metavar or choices or (action.dest.upper() if action.option_strings else action.dest)
