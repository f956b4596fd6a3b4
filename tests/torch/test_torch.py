"""The same layers in PyTorch: states and gradients with the same weights."""

import numpy as np
import pytest
import torch

from lstm_lab import gru, interop, lstm, rnn, sequence, tree

# Relative to the norm of an array. Both sides round at 1e-16 (float64) or 6e-8 (float32) a
# term; the sums of up to 9 steps, forward and back again, multiply that by some hundreds.
TOLERANCE = {np.float64: 1e-12, np.float32: 3e-5}

LAYERS = {rnn: torch.nn.RNN, lstm: torch.nn.LSTM, gru: torch.nn.GRU}
ARCHITECTURES = pytest.mark.parametrize("arch", LAYERS, ids=["rnn", "lstm", "gru"])
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
SHAPES = pytest.mark.parametrize("shape", [(1, 1, 1, 1), (9, 1, 3, 5), (4, 6, 5, 2)], ids=str)


def tensors(arrays):
    """Return a mapping of names to arrays as one to tensors."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def filled_layer(arch, D, H, rng, dtype, layers=1):
    """Return a layer of PyTorch whose every weight and bias is drawn from `rng`."""
    layer = LAYERS[arch](D, H, num_layers=layers, dtype=getattr(torch, dtype.__name__))
    shapes = {name: value.shape for name, value in layer.named_parameters()}
    drawn = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    layer.load_state_dict(tensors(drawn))
    return layer


def inputs(arch, shape, rng, dtype):
    """Return a sequence and nonzero initial states."""
    T, B, D, H = shape
    states = [rng.normal(size=(B, H)).astype(dtype) for _ in arch.STATES]
    return rng.normal(size=(T, B, D)).astype(dtype), states


def run(layer, x, *states):
    """Return the sequence of h, and the last states, of tensors that stand for arrays."""
    first = tuple(state[None] for state in states)
    Y, last = layer(x, first if len(first) > 1 else first[0])
    return Y, [state[0] for state in (last if len(first) > 1 else [last])]


def assert_close(actual, expected, dtype, name=""):
    expected = expected.detach().numpy()
    assert actual.dtype == expected.dtype == dtype, name
    assert actual.shape == expected.shape, name
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error < TOLERANCE[dtype], f"{name}: relative error {error:.1e}"


@ARCHITECTURES
@DTYPES
@SHAPES
def test_gradients_and_states_of_exported_weights(arch, dtype, shape):
    rng = np.random.default_rng(2)
    T, B, D, H = shape
    options = {"reset": "after"} if arch is gru else {}
    params = arch.init(D, H, rng=rng, **options)
    params = tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(dtype), params)
    x, states = inputs(arch, shape, rng, dtype)
    dh = rng.normal(size=(T, B, H)).astype(dtype)
    dlast = [rng.normal(size=(B, H)).astype(dtype) for _ in states]
    trace = sequence.forward(arch, params, x, *states)
    grads = sequence.backward(trace, dh, *dlast)

    layer = filled_layer(arch, D, H, rng, dtype)
    layer.load_state_dict(tensors(interop.to_torch(params)))
    leaves = [torch.from_numpy(array).requires_grad_() for array in (x, *states)]
    Y, last = run(layer, *leaves)
    assert_close(trace.h[1:], Y, dtype, "h")
    pairs = zip([dh, *dlast], [Y, *last], strict=True)
    terms = [(torch.from_numpy(weight) * state).sum() for weight, state in pairs]
    sum(terms).backward()

    for name, leaf in zip(grads._fields[1:], leaves, strict=True):
        assert_close(getattr(grads, name), leaf.grad, dtype, name)
    # A gradient in PyTorch's layout: signs and order change as the weights' do. The second bias
    # has the gradient of the first, except where it is the candidate's own, multiplied by r.
    ours = interop.to_torch(grads.params)
    own = ours["bias_hh_l0"]
    ours["bias_hh_l0"] = ours["bias_ih_l0"].copy()
    if arch is gru:
        ours["bias_hh_l0"][-H:] = own[-H:]
    for name, parameter in layer.named_parameters():
        assert_close(ours[name], parameter.grad, dtype, name)


def test_a_stack_is_handed_over_layer_by_layer():
    rng = np.random.default_rng(4)
    layers = [gru.init(D, 5, rng=rng, reset="after") for D in (3, 5)]
    state_dict = {}
    for number, params in enumerate(layers):
        state_dict |= tensors(interop.to_torch(params, layer=number))
    stack = torch.nn.GRU(3, 5, num_layers=2, dtype=torch.float64)
    stack.load_state_dict(state_dict)  # every name, and no other
    x = read = rng.normal(size=(7, 2, 3))
    for params in layers:
        read = sequence.forward(gru, params, read).h[1:]
    assert_close(read, stack(torch.from_numpy(x))[0], np.float64, "output")


def test_the_gru_that_resets_before_the_product_stays_here():
    params = gru.init(3, 5, rng=np.random.default_rng(5))
    with pytest.raises(ValueError, match="this GRU of PyTorch after it"):
        interop.to_torch(params)
