"""The ONNX operators ``RNN``, ``LSTM`` and ``GRU``, run by ONNX Runtime: forward passes only."""

import onnx
import onnxruntime
from onnx import helper

from benchmarks.cases import Problem
from benchmarks.contenders import Contender
from lstm_lab import interop

OPSET, IR_VERSION = 22, 10


def contender(problem: Problem) -> Contender:
    """Return a session that holds the weights."""
    T, B, _ = problem.x.shape
    H = problem.params.H
    operator = problem.variant.partition("-")[0].upper()
    after = {"linear_before_reset": int(problem.variant == "gru-after")}
    options = after if operator == "GRU" else {}
    weights = interop.to_onnx(problem.params, **options)
    feeds = {"X": problem.x, "initial_h": problem.states[0][None]}
    if operator == "LSTM":
        feeds["initial_c"] = problem.states[1][None]
    kind = helper.np_dtype_to_tensor_dtype(problem.x.dtype)
    names = ["X", "W", "R", "B", "", *list(feeds)[1:]]
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["Y"], hidden_size=H, **options)],
        operator,
        [
            helper.make_tensor_value_info(name, kind, array.shape)
            for name, array in feeds.items()
        ],
        [helper.make_tensor_value_info("Y", kind, (T, 1, B, H))],
        [onnx.numpy_helper.from_array(w, name) for name, w in weights.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    limits = onnxruntime.SessionOptions()
    limits.intra_op_num_threads = limits.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), limits, ["CPUExecutionProvider"]
    )
    return Contender(
        lambda: session.run(["Y"], feeds),
        None,
        lambda result: result[0][:, 0],
    )
