"""Where a gradient goes: exact measurements on the recurrent architectures.

Every experiment returns a frozen record of arrays with the configuration and the seeds that
made them; it prints nothing and draws nothing.
"""

from lstm_lab.gradflow.cliff import Cliff, Descent, cliff, descend
from lstm_lab.gradflow.experiment import (
    SEEDS,
    Experiment,
    draw_and_run,
    geometric_mean,
)
from lstm_lab.gradflow.flow import (
    GradientFlow,
    GradientMap,
    gradient_flow,
    gradient_map,
)
from lstm_lab.gradflow.gates import (
    GateActivations,
    GateHistogram,
    gate_activations,
    gate_histogram,
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
from lstm_lab.gradflow.spectra import (
    Lyapunov,
    Powers,
    Spectra,
    lyapunov,
    powers,
    spectra,
)
from lstm_lab.gradflow.truncation import (
    TruncationBias,
    carousel_grads,
    truncation_bias,
    window_grads,
)

__all__ = [
    "SEEDS",
    "CellPaths",
    "CellSteps",
    "Cliff",
    "Descent",
    "Experiment",
    "GateActivations",
    "GateHistogram",
    "GradientFlow",
    "GradientMap",
    "Lyapunov",
    "Powers",
    "Spectra",
    "TruncationBias",
    "carousel_grads",
    "cell_jacobians",
    "cell_paths",
    "cell_steps",
    "cliff",
    "descend",
    "direct_path",
    "draw_and_run",
    "gate_activations",
    "gate_histogram",
    "geometric_mean",
    "gradient_flow",
    "gradient_map",
    "lyapunov",
    "one_step_jacobians",
    "powers",
    "spectra",
    "time_constant",
    "truncation_bias",
    "window_grads",
]
