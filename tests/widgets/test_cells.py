"""The cell explorer: all of a step's numbers, and no others."""

import numpy as np
import pytest

from lstm_lab import gradflow, lstm, widgets

T, D, H = 5, 2, 3


@pytest.fixture(scope="module")
def record():
    rng = np.random.default_rng(0)
    return gradflow.cell_steps(
        lstm.init(D, H, rng=rng), rng.normal(size=(T, D))
    )


def test_each_step_has_its_numbers(record, parsed, rows):
    figure = widgets.cell_explorer(record, inputs=("one", "two"), start=2)
    assert figure.value == {"step": 1}
    assert len(figure.frames) == T
    html = parsed(figure)
    for t in range(T):
        reads, units, paths = html.select(f'div[data-frame="{t}"] table')
        assert rows(reads) == [
            [name, f"{value:.2f}"]
            for name, value in zip(("one", "two"), record.x[t], strict=True)
        ]
        for unit, (name, *cells) in enumerate(rows(units)):
            assert name == f"{unit + 1}"
            arrays = [getattr(record, gate) for gate in "ifogch"]
            expected = [a[t, unit] for a in (*arrays, record.kept)]
            np.testing.assert_allclose(
                np.array(cells, float), expected, atol=0.005
            )
        (_, direct, around, _), (_, kept, _, full) = rows(paths)
        np.testing.assert_allclose(
            np.array([direct, around, kept, full], float),
            [
                *(record.direct[t], record.around[t]),
                *(record.kept[t].max(), record.full[t]),
            ],
            atol=0.005,
        )
        for number in (direct, around, kept, full):
            assert number in figure.frames[t].summary
        read = f"one {record.x[t, 0]:.2f}, two {record.x[t, 1]:.2f}"
        assert read in figure.frames[t].summary


def test_what_does_not_fit_is_named(record):
    with pytest.raises(
        ValueError, match=r"inputs must be 2 names, got \['a'\]"
    ):
        widgets.cell_explorer(record, inputs=["a"])
    with pytest.raises(ValueError, match="must start at one of its 5"):
        widgets.cell_explorer(record, inputs=["a", "b"], start=6)
    with pytest.raises(TypeError, match="inputs must be a list of texts"):
        widgets.cell_explorer(record, inputs="ab")
