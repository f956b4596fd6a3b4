"""What nbval compares beyond its defaults: glued numbers and the states of widgets.

Nothing is sanitised. An address, a date or a duration on a page is something that no reader can
reproduce, so it should not be there. If an output ever has to be, add its pattern with its reason
to `collector.sanitize_patterns` below.
"""

import hashlib
import json
import re

import pytest
from nbval.plugin import IPyNbFile

STATES = "application/vnd.jupyter.widget-state+json"
GLUED = "application/papermill.record/"
PRINT_STATES = """
import json as _json, ipywidgets as _ipywidgets
print(_json.dumps(_ipywidgets.Widget.get_manager_state()["state"]))
"""


def pytest_collectstart(collector):
    """Leave glued values to `Glued`, as the build takes them out."""
    if isinstance(collector, IPyNbFile):
        mimes = ("text/plain", "text/html", "text/latex", "image/png", "image/svg+xml")
        collector.skip_compare = (*collector.skip_compare, *(GLUED + mime for mime in mimes))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """After a notebook's cells, compare what the cells alone do not hold."""
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        glued = collector.path.with_suffix(".glue.json")
        states = collector.nb.metadata.get("widgets", {}).get(STATES, {}).get("state")
        cells = list(report.result)
        if glued.exists():
            stored = json.loads(glued.read_text(encoding="utf-8"))
            report.result.append(Glued.build(collector, cells=cells, stored=stored))
        if states:
            report.result.append(Widgets.build(collector, cells=cells, stored=states))
    return report


class Rerun(pytest.Item):
    """Compare by name what the build stored with what the cells, run again, made."""

    @classmethod
    def build(cls, collector, *, cells, stored):
        item = cls.from_parent(collector, name=cls.__name__)
        item.cells, item.stored = cells, stored
        return item

    def runtest(self):
        stored, rerun = self.values(self.stored), self.values(self.rerun())
        differing = [
            f"{name}: {str(stored.get(name))[:400]} on the page, {str(rerun.get(name))[:400]} now"
            for name in sorted(stored.keys() | rerun.keys())
            if stored.get(name) != rerun.get(name)
        ]
        if differing:
            pytest.fail(f"{self.name} changed since the build\n" + "\n".join(differing), False)

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, 0, f"{self.path.name}::{self.name}"


class Glued(Rerun):
    """The values that the text takes from hidden outputs."""

    def rerun(self):
        outputs = (output for cell in self.cells for output in cell.test_outputs or ())
        hidden = (o for o in outputs if "scrapbook" in o.get("metadata", {}))
        return {o["metadata"]["scrapbook"]["name"]: o for o in hidden}

    def values(self, outputs):
        """Return the data of each output without the prefix that hides it."""
        return {
            name: {mime.removeprefix(GLUED): "".join(v) for mime, v in output["data"].items()}
            for name, output in outputs.items()
        }


class Widgets(Rerun):
    """The states of all widgets, links between them included."""

    def rerun(self):
        printed = []
        self.parent.kernel.kc.execute_interactive(
            PRINT_STATES,
            store_history=False,
            timeout=600,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
        return json.loads("".join(printed))

    def values(self, states):
        """Return states by model name and digest, with a digest for each random model id."""
        reference = re.compile(r"IPY_MODEL_(\w+)")

        def text(key):
            return reference.sub(
                lambda match: digest(match[1]), json.dumps(states[key], sort_keys=True)
            )

        def digest(key):
            return hashlib.sha256(text(key).encode()).hexdigest()[:12]

        return {f"{states[key]['model_name']} {digest(key)}": text(key) for key in states}
