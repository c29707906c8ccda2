"""The form a model is run in: speed measured, the fast form tried, parity checked, a fallback where it fails.

The reference is transformers in fp32. What was found is kept (`autotune_cache`) and taken from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.compute.autotune_cache import AutotuneChoice
from adcli.core.compute.precision import DTYPES, PrecisionChoice

REFERENCE: Final = "transformers"


class Named(Protocol):
    """A model in a form that can be run; `name` says in words what computes."""

    name: str


Model = TypeVar("Model", bound=Named)
Forms = Mapping[str, Callable[[torch.dtype, bool], Model]]


class Parity(NamedTuple):
    """How it is checked that a form computes what the reference does."""

    outputs: Callable[[Any], Any]  # what a form computes for texts of many kinds and lengths
    deviation: Callable[[Any, Any], float]  # how far a form's outputs are from the reference's
    measure: str  # what the deviation is, in words
    limits: Mapping[str, float]  # the largest deviation by precision


def autotune(
    forms: Forms[Model], parity: Parity, choose: Callable[[], PrecisionChoice], known: AutotuneChoice | None
) -> tuple[Model, AutotuneChoice]:
    """The fastest form of a model that computes what transformers computes in fp32.

    Args:
        forms: How the model can be run, fastest first, each made from a type and whether oneDNN computes;
            "transformers" among them. One that raises torch's errors is not usable here.
        parity: How it is checked.
        choose: Measures which precision this machine is fastest with.
        known: What was found before; saves the measurement.
    """
    if known is not None:
        return _made(forms, known), known
    choice = choose()
    reference = forms[REFERENCE](torch.float32, False)
    notes = [choice.sentence]
    with torch.inference_mode():
        expected = parity.outputs(reference)
    for precision, form in product(dict.fromkeys([choice.precision, "fp32"]), forms):
        candidate = AutotuneChoice(form, precision, choice.onednn, notes)
        if candidate[:3] == (REFERENCE, "fp32", False):
            continue
        try:
            model = _made(forms, candidate)
            with torch.inference_mode():
                deviation = parity.deviation(parity.outputs(model), expected)
        except (RuntimeError, AttributeError, TypeError, ImportError) as error:
            notes.append(f"{form}: not usable ({type(error).__name__})")
            continue
        notes.append(f"{model.name}: {parity.measure} {deviation:.2g} from transformers in fp32")
        if deviation <= parity.limits[precision]:
            return model, candidate
    notes.append(f"{reference.name} computes in fp32")
    return reference, AutotuneChoice(REFERENCE, "fp32", False, notes)


def _made(forms: Forms[Model], tuned: AutotuneChoice) -> Model:
    return forms[tuned.form](DTYPES[tuned.precision], tuned.onednn)
