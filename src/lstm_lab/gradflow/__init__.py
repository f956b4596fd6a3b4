"""Where a gradient goes: exact measurements on any cell.

Experiments draw a network and its inputs for each seed, and share one signature:
``experiment(cell, *, init=None, D=4, H=32, T=100, seeds=SEEDS)`` and keywords of their own. Each
returns a frozen record of arrays with an axis for the S seeds, and with the settings that made
them; it prints nothing and draws nothing. To compare ways to draw the first weights, make a
dict of records. What is asked of one network takes the trace of its forward pass.

An argument that does not suit is a TypeError or a ValueError that names it.
"""

from lstm_lab.gradflow.cliff import Cliff as Cliff
from lstm_lab.gradflow.cliff import Descent as Descent
from lstm_lab.gradflow.cliff import cliff as cliff
from lstm_lab.gradflow.cliff import descend as descend
from lstm_lab.gradflow.experiment import SEEDS as SEEDS
from lstm_lab.gradflow.experiment import Experiment as Experiment
from lstm_lab.gradflow.experiment import draw_and_run as draw_and_run
from lstm_lab.gradflow.flow import GradientFlow as GradientFlow
from lstm_lab.gradflow.flow import GradientMap as GradientMap
from lstm_lab.gradflow.flow import gradient_flow as gradient_flow
from lstm_lab.gradflow.flow import gradient_map as gradient_map
from lstm_lab.gradflow.gates import GateActivations as GateActivations
from lstm_lab.gradflow.gates import GateHistogram as GateHistogram
from lstm_lab.gradflow.gates import gate_activations as gate_activations
from lstm_lab.gradflow.gates import gate_histogram as gate_histogram
from lstm_lab.gradflow.gates import saturated as saturated
from lstm_lab.gradflow.gates import time_constant as time_constant
from lstm_lab.gradflow.paths import CellPaths as CellPaths
from lstm_lab.gradflow.paths import CellSteps as CellSteps
from lstm_lab.gradflow.paths import cell_jacobians as cell_jacobians
from lstm_lab.gradflow.paths import cell_paths as cell_paths
from lstm_lab.gradflow.paths import cell_steps as cell_steps
from lstm_lab.gradflow.paths import direct_path as direct_path
from lstm_lab.gradflow.paths import one_step_jacobians as one_step_jacobians
from lstm_lab.gradflow.spectra import Lyapunov as Lyapunov
from lstm_lab.gradflow.spectra import Powers as Powers
from lstm_lab.gradflow.spectra import Spectra as Spectra
from lstm_lab.gradflow.spectra import lyapunov as lyapunov
from lstm_lab.gradflow.spectra import powers as powers
from lstm_lab.gradflow.spectra import spectra as spectra
from lstm_lab.gradflow.truncation import TruncationBias as TruncationBias
from lstm_lab.gradflow.truncation import carousel_grads as carousel_grads
from lstm_lab.gradflow.truncation import truncation_bias as truncation_bias
from lstm_lab.gradflow.truncation import window_grads as window_grads
