"""Answers as readers write them: right ones, and what is changed in them to make a wrong one.

A wrong answer is the name under which its fault must be found, and pairs of what is replaced in
the right one. They are written without the laboratory, and not as its own list of faults is.
"""

RNN_STEP = """
import numpy as np

def rnn_step(W, b, x, h_prev):
    xh = np.concatenate([x, h_prev], axis=-1)
    a = xh @ W.T + b
    h = np.tanh(a)
    return h
"""
WRONG_RNN_STEP = [
    ("The state before the input", ("[x, h_prev]", "[h_prev, x]")),
    ("The bias is missing", ("@ W.T + b", "@ W.T")),
    ("The bias has the wrong sign", ("+ b", "- b")),
    (
        "The bias is outside of tanh",
        ("@ W.T + b", "@ W.T"),
        ("tanh(a)", "tanh(a) + b"),
    ),
    ("tanh is missing", ("h = np.tanh(a)", "h = a")),
    ("A sigmoid instead of tanh", ("np.tanh(a)", "1 / (1 + np.exp(-a))")),
    ("ReLU instead of tanh", ("np.tanh(a)", "a * (a > 0)")),
    ("tanh is taken twice", ("return h", "return np.tanh(h)")),
    (
        "The path through h is missing",
        ("[x, h_prev]", "[x, np.zeros_like(h_prev)]"),
    ),
    ("The input has no effect", ("[x, h_prev]", "[x - x, h_prev]")),
    ("The old state is added", ("return h", "return h_prev + h")),
    ("tanh before the product", ("xh @", "np.tanh(xh) @"), ("np.tanh(a)", "a")),
    ("The state is squashed again", ("[x, h_prev]", "[x, np.tanh(h_prev)]")),
    ("The bias is added twice", ("W.T + b", "W.T + b + b")),
    (
        "An argument is changed",
        ("h = np.tanh(a)", "h = np.tanh(a); h_prev[:] = h"),
    ),
    (
        "An argument is changed",
        ("a = xh @ W.T + b", "b += 1; a = xh @ W.T + b - 1"),
    ),
    ("Nothing is returned", ("return h", "pass")),
    ("Wrong number of results", ("return h", "return h, a")),
    ("Wrong number of results", ("return h", "return h, a, xh")),
    ("Not an array", ("return h", "return h.tolist()")),
    ("Wrong dtype", ("np.tanh(a)", "np.tanh(a).astype(float)")),
    (
        "Wrong dtype",
        ("= np.tanh(a)", "= np.zeros(h_prev.shape); h += np.tanh(a)"),
    ),
    ("Wrong shape", ("return h", "return h[..., np.newaxis]")),
    ("Wrong shape", ("return h", "return h.sum(axis=-1)")),
    ("It raises an error", ("W.T", "W")),
    ("It raises an error", ("np.tanh(a)", "np.tanh(z)")),
    ("One sequence works, a batch does not", ("xh @ W.T", "W @ xh")),
    (
        "One sequence works, a batch does not",
        ("np.concatenate([x, h_prev], axis=-1)", "np.concatenate([x, h_prev])"),
    ),
    (
        "Not the same twice",
        ("return h", "return h + np.random.default_rng().normal()"),
    ),
    (
        "Not finite",
        ("np.tanh(a)", "(np.exp(99 * a) - 1) / (np.exp(99 * a) + np.inf * 0)"),
    ),
    ("Wrong values", ("return h", "return h * 1.000001")),
    ("Wrong values", ("return h", "return h + 0.1 * float(x.sum() > 0)")),
]

BPTT = """
import numpy as np

def bptt(W, b, x, h, dh):
    T, D = x.shape
    dW, db, dx = np.zeros_like(W), np.zeros_like(b), np.zeros_like(x)
    dh_next = np.zeros_like(b)
    for t in range(T - 1, -1, -1):
        dh_t = dh[t] + dh_next
        da = dh_t * (1 - h[t + 1] ** 2)
        dW += np.outer(da, np.concatenate([x[t], h[t]]))
        db += da
        dxh = W.T @ da
        dx[t], dh_next = dxh[:D], dxh[D:]
    return dW, db, dx, dh_next
"""
WRONG_BPTT = [
    ("The path through later steps is missing", ("dh[t] + dh_next", "dh[t]")),
    (
        "The loss of each step but the last is ignored",
        ("dh[t] + dh_next", "dh[t] if t == T - 1 else dh_next"),
    ),
    ("The slope of tanh is missing", (" * (1 - h[t + 1] ** 2)", "")),
    ("The slope is taken at the wrong step", ("h[t + 1]", "h[t]")),
    (
        "The slope of a sigmoid",
        ("(1 - h[t + 1] ** 2)", "h[t + 1] * (1 - h[t + 1])"),
    ),
    ("tanh is taken of the state", ("h[t + 1] ** 2", "np.tanh(h[t + 1]) ** 2")),
    ("The square is missing", (" ** 2", "")),
    ("U is not transposed", ("= dxh[:D], dxh[D:]", "= dxh[:D], W[:, D:] @ da")),
    ("The weights meet the wrong state", ("[x[t], h[t]]", "[x[t], h[t + 1]]")),
    (
        "The order of [x; h_prev] is turned round",
        ("[x[t], h[t]]", "[h[t], x[t]]"),
    ),
    ("The mean over the steps", ("return dW, db", "return dW / T, db / T")),
    ("The steps are taken forwards", ("range(T - 1, -1, -1)", "range(T)")),
    (
        "The first step is left out",
        ("range(T - 1, -1, -1)", "range(T - 1, 0, -1)"),
    ),
    (
        "Only the last step's weights",
        ("dW += ", "if t == T - 1: dW[:] = "),
        ("db += da", "if t == T - 1: db[:] = da"),
    ),
    (
        "The way back skips tanh",
        ("= dxh[:D], dxh[D:]", "= dxh[:D], W[:, D:].T @ dh_t"),
    ),
    ("dh0 is zero", ("dx, dh_next\n", "dx, np.zeros_like(dh_next)\n")),
    (
        "An argument is changed",
        ("dh_t = dh[t] + dh_next", "dh[t] += dh_next; dh_t = dh[t]"),
    ),
    ("Wrong number of results", ("dx, dh_next\n", "dx\n")),
    ("Wrong shape", ("return dW,", "return dW.T,")),
    ("Wrong shape", ("return dW, db", "return dW, db[:, None]")),
    ("Wrong dtype", ("np.zeros_like(W)", "np.zeros(W.shape)")),
    ("Wrong values", ("return dW", "return 2 * dW")),
    ("It raises an error", ("dxh = W.T @ da", "dxh = W @ da")),
]

CLIP = """
import numpy as np

def clip(dW, db, max_norm):
    norm = np.sqrt((dW ** 2).sum() + (db ** 2).sum())
    if norm <= max_norm:
        return dW, db
    scale = max_norm / norm
    return dW * scale, db * scale
"""
WRONG_CLIP = [
    (
        "Each array is clipped by itself",
        (
            "return dW * scale, db * scale",
            "return tuple(g * min(1, max_norm / np.linalg.norm(g)) for g in (dW, db))",
        ),
        ("if norm <= max_norm:", "if not norm:"),
    ),
    (
        "Each number is clipped by itself",
        (
            "dW * scale, db * scale",
            "np.minimum(np.maximum(dW, -max_norm), max_norm), db.clip(-max_norm, max_norm)",
        ),
        ("if norm <= max_norm:", "if not norm:"),
    ),
    ("Nothing is clipped", ("if norm <= max_norm:", "if True:")),
    (
        "Small gradients are made longer",
        ("if norm <= max_norm:", "if norm == 0:"),
    ),
    ("Small gradients are made longer", ("if norm <= max_norm:", "if False:")),
    ("The square root is missing", ("np.sqrt", "")),
    (
        "The sum of magnitudes",
        (
            "np.sqrt((dW ** 2).sum() + (db ** 2).sum())",
            "abs(dW).sum() + abs(db).sum()",
        ),
    ),
    (
        "The largest number instead of the norm",
        (
            "np.sqrt((dW ** 2).sum() + (db ** 2).sum())",
            "max(abs(dW).max(), abs(db).max())",
        ),
    ),
    (
        "The norms of the arrays are added",
        (".sum() + (db", ".sum()) + np.sqrt((db"),
    ),
    (
        "The larger of the two norms",
        (
            "np.sqrt((dW ** 2).sum() + (db ** 2).sum())",
            "max(np.linalg.norm(dW), np.linalg.norm(db))",
        ),
    ),
    ("The norm of dW alone", (" + (db ** 2).sum()", "")),
    (
        "The root of the mean",
        (
            "+ (db ** 2).sum())",
            "+ (db ** 2).sum()) / (dW.size + db.size) ** 0.5",
        ),
    ),
    ("Clipped to one", ("max_norm / norm", "1 / norm")),
    ("The factor is upside down", ("max_norm / norm", "norm / max_norm")),
    ("The biases are not scaled", ("db * scale", "db")),
    ("The weights are not scaled", ("dW * scale", "dW")),
    (
        "An argument is changed",
        (
            "return dW * scale, db * scale",
            "dW *= scale; db *= scale; return dW, db",
        ),
    ),
    (
        "Not finite",
        ("    if norm <= max_norm:\n        return dW, db\n", ""),
        (
            "max_norm / norm",
            "min(1, max_norm / norm) if norm > 1e-3 else np.nan",
        ),
    ),
    (
        "It divides by zero",
        ("    if norm <= max_norm:\n        return dW, db\n", ""),
        ("max_norm / norm", "min(1, max_norm / norm)"),
    ),
    (
        "It divides by zero",
        ("    if norm <= max_norm:\n        return dW, db\n", ""),
        ("max_norm / norm", "min(1, max_norm / float(norm))"),
    ),
    (
        "It divides by zero",
        ("    if norm <= max_norm:\n        return dW, db\n", ""),
        ("max_norm / norm", "np.nan_to_num(min(1, max_norm / norm))"),
    ),
    ("It raises an error", ("scale = ", "raise SystemExit(0); scale = ")),
    ("Wrong number of results", ("db * scale", "db * scale, norm")),
    ("Wrong dtype", ("dW * scale,", "dW * np.float64(scale),")),
    ("Wrong values", ("max_norm / norm", "0.99 * max_norm / norm")),
    ("Wrong shape", ("dW * scale,", "(dW * scale).ravel(),")),
]

LSTM_STEP = """
import numpy as np

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

def lstm_step(W, b, x, h_prev, c_prev):
    a = np.concatenate([x, h_prev], axis=-1) @ W.T + b
    a_i, a_f, a_o, a_g = np.split(a, 4, axis=-1)
    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)
    g = np.tanh(a_g)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c
"""
WRONG_LSTM_STEP = [
    (
        "The gates in the order of PyTorch and Keras",
        ("a_i, a_f, a_o, a_g =", "a_i, a_f, a_g, a_o ="),
    ),
    (
        "The gates in the order of ONNX",
        ("a_i, a_f, a_o, a_g =", "a_i, a_o, a_f, a_g ="),
    ),
    (
        "The gates in the order of the alphabet",
        ("a_i, a_f, a_o, a_g =", "a_f, a_g, a_i, a_o ="),
    ),
    ("Input and forget gate are exchanged", ("i, f, o =", "f, i, o =")),
    (
        "Input and forget gate are exchanged",
        ("f * c_prev + i * g", "i * c_prev + f * g"),
    ),
    ("h and c are exchanged", ("return h, c", "return c, h")),
    ("The state before the input", ("[x, h_prev]", "[h_prev, x]")),
    ("The path through h is missing", ("[x, h_prev]", "[x, h_prev * 0]")),
    ("The gates read c instead of h", ("[x, h_prev]", "[x, c_prev]")),
    ("The bias is missing", (" + b", "")),
    ("The bias has the wrong sign", (" + b", " - b")),
    ("The candidate is a sigmoid", ("np.tanh(a_g)", "sigmoid(a_g)")),
    ("The candidate has no tanh", ("np.tanh(a_g)", "a_g")),
    (
        "The gates are tanh",
        ("return 1 / (1 + np.exp(-a))", "return np.tanh(a)"),
    ),
    ("The forget gate is missing", ("f * c_prev", "c_prev")),
    ("The old cell state is missing", ("f * c_prev + i * g", "i * g")),
    ("The input gate is missing", ("i * g", "g")),
    ("The input gate is 1 - f", ("+ i * g", "+ (1 - f) * g")),
    ("The candidate is subtracted", ("+ i * g", "- i * g")),
    ("The output gate is missing", ("o * np.tanh(c)", "np.tanh(c)")),
    ("The tanh of the cell state is missing", ("o * np.tanh(c)", "o * c")),
    (
        "h is made from the old cell state",
        ("o * np.tanh(c)", "o * np.tanh(c_prev)"),
    ),
    ("tanh is taken of the product", ("o * np.tanh(c)", "np.tanh(o * c)")),
    ("The cell state is squashed", ("return h, c", "return h, np.tanh(c)")),
    (
        "An argument is changed",
        ("c = f * c_prev + i * g", "c = c_prev; c *= f; c += i * g"),
    ),
    ("Wrong number of results", ("return h, c", "return h")),
    ("Wrong dtype", ("return h, c", "return h, c + np.zeros(c.shape)")),
    (
        "One sequence works, a batch does not",
        ("np.split(a, 4, axis=-1)", "np.split(a, 4)"),
    ),
    ("It raises an error", ("f * c_prev", "f @ c_prev.T @ f")),
    ("Wrong values", ("+ i * g", "+ i * g * g")),
]

LSTM_BACKWARD = """
import numpy as np

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

def lstm_backward(W, b, x, h_prev, c_prev, dh, dc):
    D = len(x)
    xh = np.concatenate([x, h_prev])
    a_i, a_f, a_o, a_g = np.split(W @ xh + b, 4)
    i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    dc_total = dc + dh * o * (1 - tanh_c ** 2)
    da_i = dc_total * g * i * (1 - i)
    da_f = dc_total * c_prev * f * (1 - f)
    da_o = dh * tanh_c * o * (1 - o)
    da_g = dc_total * i * (1 - g ** 2)
    da = np.concatenate([da_i, da_f, da_o, da_g])
    dxh = W.T @ da
    return np.outer(da, xh), da, dxh[:D], dxh[D:], dc_total * f
"""
WRONG_LSTM_BACKWARD = [
    (
        "The path through h is missing",
        ("dc + dh * o * (1 - tanh_c ** 2)", "dc"),
    ),
    ("What comes from later steps is dropped", ("dc + dh * o", "dh * o")),
    (
        "The output gate is missing on the way to c",
        ("dh * o * (1 - tanh_c", "dh * (1 - tanh_c"),
    ),
    ("The slope of tanh(c) is missing", (" * (1 - tanh_c ** 2)", "")),
    (
        "The slope is taken of c, not of tanh(c)",
        ("(1 - tanh_c ** 2)", "(1 - c ** 2)"),
    ),
    (
        "The slopes of the gates are missing",
        (" * i * (1 - i)", ""),
        (" * f * (1 - f)", ""),
        (" * o * (1 - o)", ""),
    ),
    (
        "The slope of a gate is s, not s (1 - s)",
        (" * i * (1 - i)", " * i"),
        (" * f * (1 - f)", " * f"),
        (" * o * (1 - o)", " * o"),
    ),
    (
        "The slope of tanh for the gates",
        ("* i * (1 - i)", "* (1 - i * i)"),
        ("* f * (1 - f)", "* (1 - f * f)"),
        ("* o * (1 - o)", "* (1 - o * o)"),
    ),
    ("The slope of the candidate is missing", (" * (1 - g ** 2)", "")),
    (
        "The slope of a sigmoid for the candidate",
        ("(1 - g ** 2)", "g * (1 - g)"),
    ),
    (
        "The forget gate meets the new cell state",
        ("dc_total * c_prev", "dc_total * c"),
    ),
    ("The output gate meets c, not tanh(c)", ("dh * tanh_c", "dh * c")),
    (
        "i and g are exchanged",
        ("dc_total * g * i * (", "dc_total * i * i * ("),
        ("dc_total * i * (1 - g", "dc_total * g * (1 - g"),
    ),
    (
        "dc_prev without the path through h",
        ("dxh[D:], dc_total * f", "dxh[D:], dc * f"),
    ),
    ("dc_prev without the forget gate", ("dc_total * f\n", "dc_total\n")),
    ("dc_prev with the input gate", ("dc_total * f\n", "dc_total * i\n")),
    (
        "The gates in the order of PyTorch and Keras",
        ("[da_i, da_f, da_o, da_g]", "[da_i, da_f, da_g, da_o]"),
    ),
    ("dh_prev is dh", ("dxh[D:], dc_total", "dh, dc_total")),
    ("dh_prev is zero", ("dxh[D:], dc_total", "np.zeros_like(dh), dc_total")),
    (
        "The order of [x; h_prev] is turned round",
        ("np.outer(da, xh)", "np.outer(da, np.concatenate([h_prev, x]))"),
    ),
    ("Wrong shape", ("np.outer(da, xh)", "np.outer(xh, da)")),
    (
        "An argument is changed",
        ("dc_total = dc + dh", "dc_total = dc; dc_total += dh"),
    ),
    ("Wrong number of results", (", dc_total * f\n", "\n")),
    ("Wrong values", ("np.outer(da, xh), da,", "np.outer(da, xh), 2 * da,")),
]

GRU_STEP = """
import numpy as np

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

def gru_step(W, b, x, h_prev):
    D, H = x.shape[-1], h_prev.shape[-1]
    W_z, W_r, W_h = W[:H], W[H:2 * H], W[2 * H:]
    b_z, b_r, b_h = b[:H], b[H:2 * H], b[2 * H:]
    xh = np.concatenate([x, h_prev], axis=-1)
    z = sigmoid(xh @ W_z.T + b_z)
    r = sigmoid(xh @ W_r.T + b_r)
    new = np.tanh(np.concatenate([x, r * h_prev], axis=-1) @ W_h.T + b_h)
    return (1 - z) * h_prev + z * new
"""
NEW = "np.concatenate([x, r * h_prev], axis=-1) @ W_h.T + b_h"
WRONG_GRU_STEP = [
    (
        "z keeps instead of admitting",
        ("(1 - z) * h_prev + z * new", "z * h_prev + (1 - z) * new"),
    ),
    (
        "The reset gate acts after the product",
        (NEW, "x @ W_h[:, :D].T + r * (h_prev @ W_h[:, D:].T) + b_h"),
    ),
    (
        "The unit of PyTorch and Keras",
        (NEW, "x @ W_h[:, :D].T + r * (h_prev @ W_h[:, D:].T) + b_h"),
        ("(1 - z) * h_prev + z * new", "z * h_prev + (1 - z) * new"),
    ),
    ("The reset gate is missing", ("r * h_prev", "h_prev")),
    ("The reset gate is turned round", ("r * h_prev", "(1 - r) * h_prev")),
    ("The candidate does not read the state", (NEW, "x @ W_h[:, :D].T + b_h")),
    (
        "Update and reset gate are exchanged",
        ("W_z, W_r, W_h =", "W_r, W_z, W_h ="),
        ("b_z, b_r, b_h =", "b_r, b_z, b_h ="),
    ),
    (
        "Update and reset gate are exchanged",
        ("    z = ", "    r = "),
        ("    r = sigmoid(xh @ W_r", "    z = sigmoid(xh @ W_r"),
    ),
    (
        "The candidate's rows come first",
        ("W_z, W_r, W_h =", "W_h, W_z, W_r ="),
        ("b_z, b_r, b_h =", "b_h, b_z, b_r ="),
    ),
    (
        "The state before the input",
        ("[x, h_prev]", "[h_prev, x]"),
        ("[x, r * h_prev]", "[r * h_prev, x]"),
    ),
    ("The biases are missing", (" + b_z", ""), (" + b_r", ""), (" + b_h", "")),
    (
        "The biases have the wrong sign",
        (" + b_z", " - b_z"),
        (" + b_r", " - b_r"),
        (" + b_h", " - b_h"),
    ),
    (
        "The gates are tanh",
        ("return 1 / (1 + np.exp(-a))", "return np.tanh(a)"),
    ),
    ("The candidate is a sigmoid", ("new = np.tanh", "new = sigmoid")),
    ("The candidate has no tanh", ("new = np.tanh", "new = ")),
    (
        "The old state is not mixed in",
        ("(1 - z) * h_prev + z * new", "z * new"),
    ),
    (
        "The old state is kept whole",
        ("(1 - z) * h_prev + z * new", "h_prev + z * new"),
    ),
    ("Only the candidate", ("(1 - z) * h_prev + z * new", "new")),
    (
        "The new state is squashed again",
        (
            "return (1 - z) * h_prev + z * new",
            "return np.tanh((1 - z) * h_prev + z * new)",
        ),
    ),
    (
        "An argument is changed",
        (
            "return (1 - z)",
            "h_prev -= z * h_prev; return z * new + h_prev; (1 - z)",
        ),
    ),
    (
        "One sequence works, a batch does not",
        ("[x, h_prev], axis=-1", "[x, h_prev]"),
    ),
    ("Wrong dtype", ("return (1 - z)", "return np.ones(1) * (1 - z)")),
    ("Nothing is returned", ("return (1", "(1")),
    ("Wrong values", ("z * new", "z * new ** 2")),
]

ATTENTION = """
import numpy as np

def attention(query, memory, mask):
    e = memory @ query
    e = np.where(mask, e, -np.inf)
    w = np.exp(e - e.max())
    w = w / w.sum()
    return w @ memory, w
"""
MASKED = "e = np.where(mask, e, -np.inf)"
SOFTMAX = "w = np.exp(e - e.max())\n    w = w / w.sum()"
WRONG_ATTENTION = [
    ("The mask is ignored", (MASKED, "")),
    ("The mask is turned round", (MASKED, "e = np.where(mask, -np.inf, e)")),
    (
        "The scores of the padding are zero",
        (MASKED, "e = np.where(mask, e, 0)"),
    ),
    (
        "The mask comes after the softmax",
        (MASKED, ""),
        ("w / w.sum()", "w / w.sum() * mask"),
    ),
    (
        "The scores are scaled",
        ("memory @ query", "memory @ query / len(query) ** 0.5"),
    ),
    (
        "The scores are the cosine",
        (
            "memory @ query",
            "memory @ query / np.linalg.norm(query) / np.linalg.norm(memory, axis=-1)",
        ),
    ),
    (
        "The scores go through tanh",
        ("memory @ query", "np.tanh(memory @ query)"),
    ),
    ("The scores have the wrong sign", ("memory @ query", "-(memory @ query)")),
    (
        "The mean over the units",
        ("memory @ query", "memory @ query / query.size"),
    ),
    (
        "One weight takes all",
        (SOFTMAX, "w = (e == e.max()) * np.ones_like(query[0])"),
    ),
    (
        "The exponential is missing",
        (MASKED, ""),
        (SOFTMAX, "e = e * mask; w = e / e.sum()"),
    ),
    ("Sigmoids instead of a softmax", (SOFTMAX, "w = 1 / (1 + np.exp(-e))")),
    ("The weights are not divided by their sum", ("w = w / w.sum()", "")),
    (
        "The context is a sum of the memory",
        ("return w @ memory", "return (memory * (w > 0)[:, None]).sum(0)"),
    ),
    (
        "The context is a mean of the memory",
        ("return w @ memory", "return memory[w > 0].mean(0)"),
    ),
    (
        "The context is the best entry",
        ("return w @ memory", "return memory[np.argmax(w)]"),
    ),
    ("Not finite", ("e - e.max()", "e")),
    ("Not finite", ("e - e.max()", "e - (memory @ query).max()")),
    ("Not finite", ("e - e.max()", "e - max(e.max(), 0)")),
    ("Not finite", ("e - e.max()", "(e if e.dtype == 'f4' else e - e.max())")),
    ("Wrong shape", ("return w @ memory", "return w[:, None] * memory")),
    ("Wrong number of results", ("return w @ memory, w", "return w @ memory")),
    ("An argument is changed", (MASKED, "mask[:] = True")),
    ("Wrong dtype", ("w / w.sum()", "w.astype(np.float64) / w.sum()")),
    ("It raises an error", ("memory @ query", "query @ memory")),
    ("Wrong values", ("w @ memory, w", "w @ memory, w ** 1.01")),
]

ANSWERS = {
    "rnn_step": (RNN_STEP, WRONG_RNN_STEP),
    "bptt": (BPTT, WRONG_BPTT),
    "clip": (CLIP, WRONG_CLIP),
    "lstm_step": (LSTM_STEP, WRONG_LSTM_STEP),
    "lstm_backward": (LSTM_BACKWARD, WRONG_LSTM_BACKWARD),
    "gru_step": (GRU_STEP, WRONG_GRU_STEP),
    "attention": (ATTENTION, WRONG_ATTENTION),
}
