"""ONNX's own tests of nodes, through the kernels: on the model all, on the RTL some of each."""

import warnings

import numpy as np
import pytest

from rtl.config import preset
from sim.bfm.tile_harness import TileHost
from sim.kernels import ModelMachine, RtlMachine
from sw.kernels.nki import Kernel
from sw.kernels.onnx_ops import OPERATORS, fp32_bound
from tests.system.tile_programs import SMALL

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    onnx = pytest.importorskip("onnx")
    from onnx.backend.test.case.node import collect_testcases
    CASES = {case.name: case for case in collect_testcases(None)
             if len(case.model.graph.node) == 1
             and case.model.graph.node[0].op_type in OPERATORS}

ON_RTL = ("test_matmul_2d", "test_matmul_1d_1d", "test_gemm_all_attributes", "test_matmulinteger",
          "test_qlinearmatmul_2D_uint8_float32", "test_qlinearmatmul_2D_int8_float16",
          "test_softmax_large_number", "test_relu", "test_gelu_default_1", "test_gelu_tanh_1")


def run(case, machine):
    """Return what the kernel gives for each data set, and what it should give."""
    node = case.model.graph.node[0]
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    attributes = {name: value.decode() if isinstance(value, bytes) else value
                  for name, value in attributes.items()}
    operator = OPERATORS[node.op_type]
    return [(operator(Kernel(machine), *inputs, **attributes), inputs, outputs[0])
            for inputs, outputs in case.data_sets]


def test_every_operator_has_cases():
    assert {case.model.graph.node[0].op_type for case in CASES.values()} == set(OPERATORS)
    assert len(CASES) >= 39 and set(ON_RTL) <= set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_on_the_model(name):
    case = CASES[name]
    for got, inputs, want in run(case, ModelMachine(preset("sim").tile)):
        assert got.dtype == want.dtype and got.shape == want.shape
        if want.dtype == np.float32:
            np.testing.assert_allclose(got, want, rtol=case.rtol, atol=case.atol)
        else:
            assert np.array_equal(got, want)
        if case.model.graph.node[0].op_type == "MatMul" and min(x.ndim for x in inputs) > 1:
            exact = np.matmul(*(x.astype(float) for x in inputs))
            assert np.all(np.abs(got - exact) <= fp32_bound(*inputs))


@pytest.fixture(scope="module")
def host():
    return TileHost(SMALL)


@pytest.mark.parametrize("name", ON_RTL)
def test_rtl_equals_the_model(host, name):
    """Every bit, on an array of 4 x 4."""
    model = run(CASES[name], ModelMachine(SMALL))
    for (got, *_), (want, *_) in zip(run(CASES[name], RtlMachine(host)), model, strict=True):
        assert got.dtype == want.dtype and np.array_equal(
            np.atleast_1d(got).view(np.uint8), np.atleast_1d(want).view(np.uint8))
