"""The command line: ``python -m lstm_lab.sweeps``."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from lstm_lab.sweeps import Sweep, SweepError, check, run, status

EPILOG = """\
exit codes: 0 the store is complete, current or confirmed; 1 it is not, and the
message says why; 2 the command was not understood; 130 stopped with Ctrl-C.

A store that is current is never run again; to run it all again, delete it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process, where they are not given.

    Returns
    -------
    int
        The exit code.
    """
    options = _parser().parse_args(arguments)
    actions = {"run": _run, "check": _check, "status": _status}
    try:
        return actions[options.action](_find(options.sweep), options)
    except (SweepError, OSError, ValueError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"Stopped. {options.store} keeps every row so far; the same command goes on.",
            file=sys.stderr,
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lstm_lab.sweeps",
        description="Run a sweep of experiments into a store, and look after the store.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True)

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=purpose, description=purpose)
        action.add_argument(
            "sweep",
            metavar="MODULE:SWEEP",
            help="where the sweep is imported from, such as lstm_lab.memory:SWEEP",
        )
        action.add_argument(
            "--store",
            required=True,
            metavar="FILE",
            help="the file of its rows",
        )
        return action

    def add_jobs(action: argparse.ArgumentParser) -> None:
        action.add_argument(
            "--jobs",
            type=int,
            default=-1,
            metavar="N",
            help="processes on this machine; one on each core, if not given",
        )

    action = add("run", "Run what the store has no row of yet.")
    add_jobs(action)
    action.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run on the workers of this Dask scheduler, such as tcp://host:8786",
    )
    action.add_argument(
        "--renew",
        action="store_true",
        help="begin afresh, if the store is of other code or another grid",
    )
    action.add_argument(
        "--quiet", action="store_true", help="show no progress, say nothing"
    )

    action = add("check", "Run rows again, and compare them with the store.")
    add_jobs(action)
    chosen = action.add_mutually_exclusive_group()
    chosen.add_argument(
        "--rows",
        type=int,
        nargs="+",
        metavar="ROW",
        help="these rows, counted from 0; all, if not given",
    )
    chosen.add_argument(
        "--every", type=int, metavar="N", help="row 0, N, 2 N and so on"
    )

    add("status", "Say how many rows are there, and if the code is the same.")
    return parser


def _find(target: str) -> Sweep:
    module, _, name = target.partition(":")
    try:
        sweep = getattr(importlib.import_module(module), name, None)
    except (Exception, SystemExit) as error:
        raise SweepError(
            f"{module!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(sweep, Sweep):
        raise SweepError(
            f"{target} is no sweep; MODULE:SWEEP is what was expected"
        )
    return sweep


def _run(sweep: Sweep, options: argparse.Namespace) -> int:
    rows = run(
        sweep,
        options.store,
        jobs=options.jobs,
        dask=options.dask,
        renew=options.renew,
        progress=not options.quiet,
    )
    if not options.quiet:
        print(f"{options.store} is complete: {len(rows)} rows.")
    return 0


def _check(sweep: Sweep, options: argparse.Namespace) -> int:
    rows = options.rows
    if options.every is not None:
        if options.every < 1:
            raise ValueError(f"--every must be 1 or more, got {options.every}")
        rows = range(0, len(sweep.cases), options.every)
    mismatches = check(sweep, options.store, rows=rows, jobs=options.jobs)
    for mismatch in mismatches:
        print(mismatch)
    if not mismatches:
        done = status(sweep, options.store).done
        compared = done if rows is None else len(set(rows))
        print(
            f"{options.store} is confirmed: {compared} of {len(sweep.cases)} rows."
        )
    return 1 if mismatches else 0


def _status(sweep: Sweep, options: argparse.Namespace) -> int:
    found = status(sweep, options.store)
    print(f"{options.store}: {found.done} of {found.total} rows")
    for change in found.changes:
        print(f"stale: {change}")
    return 1 if found.changes or found.done < found.total else 0


if __name__ == "__main__":
    sys.exit(main())
