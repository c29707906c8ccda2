"""Matrix products: oneDNN's are torch's, row by row."""

import pytest
import torch  # noqa: TID253

from adcli.core.compute.linear import ONEDNN_ACTIVATIONS, OneDnnLinear, TorchLinear, is_onednn_usable
from adcli.core.compute.linear_modules import exchange_linears
from adcli.core.compute.precision import CLEAR_GAIN, choose_precision

usable = pytest.mark.skipif(not is_onednn_usable(torch.float32), reason="this torch has no oneDNN operators")


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return torch.randn(48, 96) / 10, torch.randn(48), torch.randn(70, 96), torch.randn(70, 48)


@usable
@pytest.mark.parametrize("activation", ONEDNN_ACTIVATIONS)
def test_activations_are_torch_s(layer, activation):
    weight, bias, x, _ = layer
    fast, plain = OneDnnLinear(weight, bias), TorchLinear(weight, bias)
    torch.testing.assert_close(
        fast.activated(x, activation), plain.activated(x, activation), atol=1e-5, rtol=1e-5
    )


@usable
@pytest.mark.parametrize("with_bias", [True, False])
def test_products_and_residuals_are_torch_s(layer, with_bias):
    weight, bias, x, residual = layer
    bias = bias if with_bias else None
    fast, plain = OneDnnLinear(weight, bias), TorchLinear(weight, bias)
    torch.testing.assert_close(fast(x), plain(x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(fast.added(x, residual), plain.added(x, residual), atol=1e-5, rtol=1e-5)


@usable
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("wide", "narrow"), [(384, 1536), (1536, 384), (96, 48)])
def test_a_row_s_product_does_not_depend_on_how_many_rows_there_are(dtype, wide, narrow):
    torch.manual_seed(0)
    fast = OneDnnLinear((torch.randn(narrow, wide) / 10).to(dtype), torch.randn(narrow).to(dtype))
    x, residual = torch.randn(300, wide).to(dtype), torch.randn(300, narrow).to(dtype)
    plain, added, activated = fast(x), fast.added(x, residual), fast.activated(x, "gelu")
    has_amx = dtype == torch.bfloat16 and torch.cpu._is_amx_tile_supported()
    step = {"rtol": 2**-7, "atol": 2**-7} if has_amx else {"rtol": 0, "atol": 0}
    for rows in (1, 2, 3, 7, 16, 33, 128):
        torch.testing.assert_close(fast(x[:rows]), plain[:rows], **step)
        torch.testing.assert_close(fast.added(x[:rows], residual[:rows]), added[:rows], **step)
        torch.testing.assert_close(fast.activated(x[:rows], "gelu"), activated[:rows], **step)


@usable
def test_a_model_s_linear_modules_are_exchanged_gpt2_s_among_them():
    from transformers.pytorch_utils import Conv1D

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(96, 48), torch.nn.Sequential(Conv1D(24, 48)))
    x = torch.randn(2, 5, 96)
    with torch.no_grad():
        expected = model(x)
        exchange_linears(model)
        torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=1e-5)
    assert not [m for m in model.modules() if isinstance(m, (torch.nn.Linear, Conv1D))]


def test_operators_that_are_missing_or_wrong_are_not_used(monkeypatch):
    class Missing:
        pass

    monkeypatch.setattr("adcli.core.compute.linear.ONEDNN", Missing())
    assert not is_onednn_usable(torch.float32)


@pytest.fixture
def speeds(monkeypatch):
    """Sets what the micro-benchmark and the flag test find."""

    def set_to(torch_fp32, onednn_fp32, bf16, flags="AVX512-BF16"):
        found = {(TorchLinear, torch.float32): torch_fp32, (OneDnnLinear, torch.float32): onednn_fp32}
        monkeypatch.setattr(
            "adcli.core.compute.precision._speed", lambda kind, dtype, width: found.get((kind, dtype), bf16)
        )
        monkeypatch.setattr("adcli.core.compute.precision._bf16_flags", lambda: flags)
        monkeypatch.setattr("adcli.core.compute.precision.is_onednn_usable", lambda dtype: True)

    return set_to


def test_half_precision_is_taken_where_flags_and_measurement_say_so(speeds):
    speeds(100, 220, 450)
    choice = choose_precision("auto", device="cpu", width=384)
    assert (choice.precision, choice.onednn) == ("bf16", True)
    assert "450" in choice.sentence
    assert "AVX512-BF16" in choice.sentence


def test_half_precision_is_not_taken_without_the_flag_nor_without_the_gain(speeds):
    speeds(100, 220, 450, flags="")
    assert choose_precision("auto", device="cpu", width=384).precision == "fp32"
    speeds(100, 220, 20)
    assert choose_precision("auto", device="cpu", width=384).precision == "fp32"


def test_exact_means_fp32_on_every_machine(speeds):
    speeds(100, 220, 450)
    assert choose_precision("auto", device="cpu", width=384, exact=True).precision == "fp32"
    assert choose_precision("bf16", device="cpu", width=384, exact=True).precision == "fp32"


def test_torch_s_own_product_is_taken_where_it_is_clearly_faster(speeds):
    speeds(220, 220 / CLEAR_GAIN + 1, 0, flags="")
    assert choose_precision("auto", device="cpu", width=384).onednn
    speeds(220, 220 / CLEAR_GAIN - 1, 0, flags="")
    assert not choose_precision("auto", device="cpu", width=384).onednn


def test_what_is_asked_for_is_given(speeds):
    speeds(100, 220, 50)
    assert choose_precision("bf16", device="cpu", width=384).precision == "bf16"
    assert choose_precision("fp16", device="cuda:0", width=384).precision == "fp16"


def test_measuring_leaves_torch_s_threads_as_they_were():
    before = torch.get_num_threads()
    choice = choose_precision("auto", device="cpu", width=64)
    assert torch.get_num_threads() == before
    assert choice.gflops > 0
