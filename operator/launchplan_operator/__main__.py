"""`python -m launchplan_operator run|crds`."""

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from pathlib import Path
from typing import Any

import yaml

from launchplan_operator import __version__

_JSON_DEPTH = 30_000
#: New objects until the collector looks at them, and looks until it goes further back. By default it goes through all
#: that the caches hold several times in a burst of some hundred runs, a tenth of a second each time.
_COLLECTION = (20_000, 20, 10)


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; returns the exit code."""
    parser = argparse.ArgumentParser(prog="launchplan-operator", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the operator against the cluster of the environment")
    crds = commands.add_parser("crds", help="print the custom resource definitions")
    crds.add_argument("--write", metavar="DIR", type=Path, help="write one file each instead")
    options = parser.parse_args(arguments)
    if options.command == "crds":
        return _crds(options.write)
    return _run()


def _crds(directory: Path | None) -> int:
    from launchplan_operator.api.crd import build_crds, write_crds  # noqa: PLC0415 - each command loads what it needs

    if directory is None:
        sys.stdout.write(yaml.safe_dump_all(build_crds(), sort_keys=False))
    else:
        write_crds(directory)
    return 0


def _run() -> int:
    from launchplan_operator.app import run  # noqa: PLC0415 - each command loads what it needs
    from launchplan_operator.settings import read_settings  # noqa: PLC0415

    try:
        settings = read_settings()
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2

    # The API server stores up to ten thousand levels of nested JSON; one such object must not hide all others.
    sys.setrecursionlimit(_JSON_DEPTH)
    gc.set_threshold(*_COLLECTION)

    async def until_stopped() -> int:
        task = asyncio.ensure_future(run(settings))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                return await task
            return 0
        finally:
            loop.set_exception_handler(_end_quietly)

    return asyncio.run(until_stopped())


def _end_quietly(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of a generator of kopf's watches that is just closing when the loop, at its end, closes it too."""
    if "asyncgen" not in context:
        loop.default_exception_handler(context)


if __name__ == "__main__":
    sys.exit(main())
