"""Execute the notebooks side by side, while Sphinx reads those that are done.

MyST-NB would execute each alone, when its turn to be read has come.
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.execute import direct
from myst_nb.core.read import create_nb_reader
from myst_nb.ext import execution_tables


class Ahead:
    """Executes notebooks before MyST-NB asks for them."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(max(2, os.cpu_count() or 1))
        self.begun: dict[tuple, Future] = {}

    def begin(self, _app, env, names):
        """Execute those of the pages that are notebooks, in the order of their reading."""
        config = env.mystnb_config
        for name in names:
            file = Path(env.doc2path(name))
            text = file.read_text(encoding="utf-8")
            reader = create_nb_reader(str(file), env.myst_config, config, text)
            if reader is not None and config.execution_mode == "force":
                notebook = reader.read(text)
                self.begun[listing(notebook)] = self.pool.submit(
                    single_nb_execution,
                    notebook,
                    cwd=str(file.parent),
                    timeout=config.execution_timeout,
                    allow_errors=config.execution_allow_errors,
                    # A busy machine sends what a cell prints in more than one message.
                    coalesce_streams=True,
                )

    def take(self, notebook, **options):
        """Do as `single_nb_execution`, with what has been begun for a notebook of these cells."""
        begun = self.begun.get(listing(notebook))
        if begun is None:
            return single_nb_execution(notebook, **options)
        result = begun.result()
        for cell, done in zip(notebook.cells, result.nb.cells, strict=True):
            if cell.cell_type == "code":
                cell.execution_count = done.execution_count
                cell.outputs = done.outputs
        notebook.metadata |= result.nb.metadata
        result.nb = notebook
        return result

    def end(self, _app, _exception):
        """Begin no other notebook: the build is done, or has failed."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        direct.single_nb_execution = single_nb_execution


def listing(notebook):
    """Return the code of all cells."""
    return tuple(cell.source for cell in notebook.cells if cell.cell_type == "code")


def setup(app):
    """Begin when it is known what will be read, and stand where MyST-NB executes a notebook."""
    # In the table of run times each page would have succeeded: another one is not built.
    execution_tables._key2header.pop("succeeded", None)
    ahead = Ahead()
    direct.single_nb_execution = ahead.take
    app.connect("env-before-read-docs", ahead.begin)
    app.connect("build-finished", ahead.end)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
