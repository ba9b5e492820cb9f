"""`python -m tests.sim --seeds N --first M [--mutation NAME]`, or `--replay SEED`: search, or tell one seed's story."""

import argparse
import sys
import time

from tests.sim.mutations import MUTATIONS
from tests.sim.report import FULL, Report
from tests.sim.run import Outcome
from tests.sim.search import run_mutated, search

#: How many failing seeds are told in full, and how much of a story is shown.
_TOLD, _LINES = 3, 200
#: So many seeds tell what a full search will cover.
_TELLING = 500


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if nothing was violated and, over enough seeds, everything was covered."""
    options = _options().parse_args(arguments)
    if options.replay is not None:
        return _replay(options.replay, options.mutation, options.lines)
    report, start = Report(), time.monotonic()
    for outcome in search(options.first, options.seeds, mutation=options.mutation, jobs=options.jobs):
        report.add(outcome)
        if outcome.problem:
            _tell(outcome, options.mutation)
            if options.mutation or len(report.failed) >= _TOLD:
                break
    sys.stdout.write(report.text(time.monotonic() - start) + "\n")
    if options.mutation:
        return _verdict(options.mutation, report)
    gaps = report.gaps() if options.seeds >= _TELLING and not report.failed else []
    sys.stdout.writelines(f"not covered: {gap}\n" for gap in gaps)
    return 1 if report.failed or (gaps and options.seeds >= FULL) else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sim")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=0, help="how many processes; 0 is one a core")
    parser.add_argument("--replay", type=int, help="tell the story of one seed")
    parser.add_argument("--lines", type=int, default=_LINES, help="how much of the story's end is told; 0 is all")
    parser.add_argument("--mutation", default="", choices=("", *MUTATIONS), help="break the operator in this way first")
    return parser


def _replay(seed: int, mutation: str, lines: int) -> int:
    outcome = run_mutated(seed, mutation, traced=True)
    sys.stdout.write("\n".join(outcome.trace[-lines:]) + "\n")
    sys.stdout.write(f"seed {seed}: {outcome.problem or 'nothing was violated'}; digest {outcome.digest}\n")
    return 1 if outcome.problem else 0


def _tell(outcome: Outcome, mutation: str) -> None:
    changed = f" --mutation {mutation!r}" if mutation else ""
    sys.stdout.write(f"seed {outcome.seed} {outcome.problem}\n")
    sys.stdout.write(f"  its story: python -m tests.sim --replay {outcome.seed}{changed}\n")
    if not mutation:
        story = run_mutated(outcome.seed, mutation, traced=True).trace[-_LINES:]
        sys.stdout.write("".join(f"    {line}\n" for line in story))


def _verdict(mutation: str, report: Report) -> int:
    found = ", ".join(str(seed) for seed in report.failed)
    words = f"found by seed {found}" if found else "not found"
    sys.stdout.write(f"mutation {mutation!r}: {words} in {report.seeds} seeds\n")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
