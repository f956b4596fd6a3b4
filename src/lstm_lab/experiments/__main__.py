"""Run an experiment, or check its stored rows."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import joblib  # type: ignore[import-untyped]

from lstm_lab.experiments import ExperimentError, check, run


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; exit with a message if it fails."""
    parser = argparse.ArgumentParser(prog="python -m lstm_lab.experiments", description=__doc__)
    add = parser.add_argument
    add("action", choices=("run", "check"))
    add("name", help="such as phase, or a module of your own")
    add("--store", metavar="PATH", help="a file instead of the module's STORE")
    add("--jobs", type=int, default=-1, metavar="N", help="processes")
    add("--dask", metavar="ADDRESS", help="scheduler of a cluster to run on")
    add("--renew", action="store_true", help="run all again if it is stale")
    options = parser.parse_args(arguments)
    name, path = options.name, options.store
    if "." not in name and find_spec(f"lstm_lab.experiments.{name}"):
        name = f"lstm_lab.experiments.{name}"
    where = {"backend": "dask", "scheduler_host": options.dask}
    try:
        experiment = import_module(name)
        with joblib.parallel_config(**where if options.dask else {}):
            if options.action == "run":
                run(experiment, path, jobs=options.jobs, renew=options.renew)
                print("All rows are stored.")
            elif differences := check(experiment, path, jobs=options.jobs):
                sys.exit("\n".join(differences))
            else:
                print("All rows agree with the store.")
    except (ExperimentError, ImportError, OSError, ValueError) as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. Finished rows are stored; the next run continues.")


if __name__ == "__main__":
    main()
