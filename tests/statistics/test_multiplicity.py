"""Adjusted p-values are those of statsmodels, whatever could not be tested."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.statistics.multiplicity import adjust

p_values = st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=12)


@settings(max_examples=15)  # statsmodels collects garbage on each call
@given(p_values, st.sampled_from([("holm", "holm"), ("benjamini-hochberg", "fdr_bh")]))
def test_equal_to_statsmodels(values, names):
    from statsmodels.stats.multitest import multipletests

    ours, theirs = names
    found = adjust(np.array(values), ours)
    made = np.isfinite(values)
    assert np.isnan(found[~made]).all()
    if made.any():
        assert found[made] == pytest.approx(
            multipletests(np.array(values)[made], method=theirs)[1], abs=1e-12
        )


@given(p_values)
def test_none_leaves_them(values):
    assert adjust(np.array(values), "none") == pytest.approx(np.array(values), nan_ok=True)
