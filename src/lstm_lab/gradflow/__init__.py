"""Where a gradient goes: exact measurements on any cell.

Experiments draw a network and its inputs for each seed: ``experiment(cell, **network)`` takes the
keywords `init`, `D`, `H` and `T` of `draw_and_run`, `seeds`, and keywords of its own. Each returns
a frozen record of arrays with an axis for the S seeds, and with the settings that made them; to
compare ways to draw the first weights, make a dict of records. What is asked of one network takes
the trace of its forward pass.

An argument that does not suit is a TypeError or a ValueError that names it.
"""

from lstm_lab.gradflow.cliff import Cliff, Descent, cliff, descend
from lstm_lab.gradflow.experiment import SEEDS, Experiment, draw_and_run
from lstm_lab.gradflow.flow import GradientFlow, GradientMap, gradient_flow, gradient_map
from lstm_lab.gradflow.gates import (
    GateActivations,
    GateHistogram,
    gate_activations,
    gate_histogram,
    saturated,
    time_constant,
)
from lstm_lab.gradflow.paths import (
    CellPaths,
    CellSteps,
    cell_jacobians,
    cell_paths,
    cell_steps,
    direct_path,
    one_step_jacobians,
)
from lstm_lab.gradflow.spectra import Lyapunov, Powers, Spectra, lyapunov, powers, spectra
from lstm_lab.gradflow.truncation import (
    TruncationBias,
    carousel_grads,
    truncation_bias,
    window_grads,
)
