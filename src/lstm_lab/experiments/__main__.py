"""Run an experiment, check its stored rows, or say how many there are."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from lstm_lab.experiments import ExperimentError, check, run, status
from lstm_lab.experiments.running import BOOK


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; exit with a message if it fails."""
    parser = argparse.ArgumentParser(
        prog="python -m lstm_lab.experiments", description=__doc__
    )
    add = parser.add_argument
    add("action", choices=("run", "check", "status"))
    add("name", help="such as phase, or a module of your own")
    add("--store", metavar="PATH", help="a file instead of the module's STORE")
    add("--jobs", type=int, default=-1, metavar="N", help="processes")
    add("--dask", metavar="ADDRESS", help="scheduler of a cluster to run on")
    add("--renew", action="store_true", help="run all again if it is stale")
    options = parser.parse_args(arguments)
    name, path = options.name, options.store
    if "." not in name and find_spec(BOOK + name):
        name = BOOK + name
    where = {"jobs": options.jobs, "dask": options.dask}
    try:
        experiment = import_module(name)
        if options.action == "run":
            run(experiment, path, renew=options.renew, **where)
        elif options.action == "check":
            if differences := check(experiment, path, **where):
                sys.exit("\n".join(differences))
            print("All rows agree with the store.")
        print(status(experiment, path))
    except (ExperimentError, ImportError, OSError, ValueError) as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. Finished rows are stored; the next run continues.")


if __name__ == "__main__":
    main()
