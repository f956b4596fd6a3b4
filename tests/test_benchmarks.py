"""The comparison with other libraries is fair, and the book's page shows what was stored."""

import json
import re
import sys
import time
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks import contenders, measure, run
from benchmarks.contenders import CONTENDERS, NETWORKS, Shape, draw

PAGE = Path(__file__).parents[1] / "chapters" / "benchmarks.md"
TINY = Shape(2, 3, 4, 5)


@pytest.fixture
def stored():
    return json.loads(run.RESULTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_wrong_result_is_found(network):
    problem = draw(network, TINY, "float64")
    direct = 1 + len(problem.states)
    gradients = contenders.our_training(problem)()
    measure.check("right", gradients, gradients, direct=direct)
    for n in range(direct + 1):
        wrong = [a * (1 + 1e-6 * (k == n)) for k, a in enumerate(gradients)]
        with pytest.raises(ValueError, match="wrong: float64 with the rel"):
            measure.check("wrong", wrong, gradients, direct=direct)
    single = [array.astype(np.float32) for array in gradients]
    with pytest.raises(ValueError, match=r"float32 .* expected float64"):
        measure.check("dtype", single, gradients, direct=direct)


def test_every_round_times_every_function_in_a_random_order(monkeypatch, rng):
    now, called = [0.0], []
    monkeypatch.setattr(time, "process_time", lambda: now[0])

    def function(name, seconds):
        now[0] += seconds
        called.append(name)

    durations = {"a": 0.03, "b": 0.05, "c": 0.004}
    functions = {
        name: lambda item=item: function(*item)
        for name, item in zip(durations, durations.items(), strict=True)
    }
    seconds = measure.interleave(functions, 20, rng=rng)
    for name, duration in durations.items():
        assert_allclose(seconds[name], np.full(20, duration), rtol=1e-9)
    rounds = np.reshape(called[3:], (20, -1))  # after one call each
    assert (np.sort(rounds) == ["a", "b", *"ccccc"]).all()
    assert len(np.unique(rounds, axis=0)) > 3


def test_the_ratio_is_the_median_of_the_ratios_of_rounds():
    ours = np.array([1.0, 2.0, 9.0, 2.0, 4.0])
    theirs = np.array([2.0, 6.0, 9.0, 8.0, 4.0])  # ratios 2, 3, 1, 4, 1
    found = measure.compare(theirs, ours)
    assert found == {"ratio": 2.0, "low": 1.0, "high": 3.0}


def test_a_tiny_run(tmp_path):
    names, layer = ["ONNX Runtime"], Shape(32, 200, 16, 64)
    run.write(tmp_path / "b.json", run.record(names, 2, [TINY], layer))
    found = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert found["machine"]["versions"].keys() == {"numpy", "onnxruntime"}
    assert [r["network"] for r in found["speed"]] == [*NETWORKS]
    for record in found["speed"]:
        assert record["shape"] == [*TINY]
        assert record["instructions"] in found["blas"]
        assert record["low"] <= record["ratio"] <= record["high"]
    if sys.platform == "linux":
        (memory,) = found["memory"]
        output = 32 * 200 * 64 * 4
        assert memory["ours"] > 0.9 * output  # pages that were free before may hide a little


def test_a_part_does_not_replace_the_results_of_the_book(capsys):
    with pytest.raises(SystemExit, match="2"):
        run.main(["--contenders", "ONNX Runtime"])
    assert "choose another --output" in capsys.readouterr().err


def test_the_stored_results_are_complete(stored):
    found = {
        (r["contender"], r["network"], r["dtype"], *r["shape"])
        for r in stored["speed"]
        if r["instructions"] == next(iter(stored["blas"]))
    }
    shapes = (run.SINGLE, *run.BATCHES)
    assert found == {
        (name, network, dtype, *shape)
        for name, network, shape in product(CONTENDERS, NETWORKS, shapes)
        for dtype in CONTENDERS[name].dtypes
    }
    assert [r["contender"] for r in stored["memory"]] == [*CONTENDERS]
    assert stored["rounds"] >= 5


def test_the_page_shows_the_stored_results(stored, monkeypatch, tmp_path):
    halves = [[*shape] for shape in run.BATCHES[:2]]
    for r in stored["speed"]:
        fused = (r["network"], r["dtype"]) == ("LSTM", "float32")
        batched = 0.5 if r["shape"] in halves else 2.0
        r["ratio"] = batched if fused and r["shape"][0] > 1 else 4.0
        r["ratio"] *= 1 if r["contender"] == "PyTorch" else 3
    (tmp_path / "data").mkdir()
    run.write(tmp_path / "data" / "benchmarks.json", stored)
    shown, glued = [], {}
    replaced = {
        "files": lambda _: tmp_path,
        "glue": lambda name, value, **_: glued.update({name: value}),
        "Table": lambda *table: shown.append(table),
    }
    monkeypatch.setitem(sys.modules, "myst_nb", SimpleNamespace(glue=None))
    text, names = PAGE.read_text(encoding="utf-8"), {}
    for cell in re.findall(r"(?ms)^```\{code-cell\}.*?\n(.*?)^```$", text):
        exec(re.sub(r"(?ms)\A(---.*?^---$|:tags:.*?$)", "", cell), names)
        names |= replaced  # after the first cell, which imports them
    plt.close("all")
    ((_, rows),) = shown
    assert rows[2][:1] + rows[2][2:] == [
        "LSTM, float32", "1.00 (0.50), 4.00", "3.00 (1.50), 12.00", "3.00 (1.50), 12.00",
    ]  # fmt: skip
    assert rows[3][2:] == ["4.00 (4.00), 4.00", "12.00 (12.00), 12.00", ""]
    assert rows[-1][2:] == [f"{r['ratio']:.2f}" for r in stored["memory"]]
    assert (glued["lstm-gain"], glued["least-gain"]) == (1.0, 4.0)
