"""What users were shown before: counted in time, read by policies, and asked for by a frequency cap."""

import polars as pl

from adcli.optimize.policy_learning import with_frequency
from adcli.policies.constraints import Constraints
from adcli.policies.history import SO_FAR, with_impressions_so_far
from adcli.policies.prepared import Question

LOG = pl.DataFrame({"user_id": ["a", "b", "a", None, "a"], "event_time": [5, 1, 3, 2, 3]})


def test_impressions_so_far_are_counted_in_time_and_then_by_row():
    assert with_impressions_so_far(LOG)[SO_FAR].to_list() == [2, 0, 0, None, 1]
    in_order = with_impressions_so_far(LOG.drop("event_time"))
    assert in_order[SO_FAR].to_list() == [0, 0, 1, None, 2]
    assert with_impressions_so_far(in_order) is in_order


def test_they_are_context_where_a_frequency_cap_is_asked_for():
    capped = Constraints(frequency_cap=3)
    found, question = with_frequency(LOG, Question(context=("device",)), capped)
    assert SO_FAR in found.columns
    assert question.context == ("device", SO_FAR)
    assert with_frequency(LOG, Question(), capped)[1].context == ()  # then all columns are
    assert with_frequency(LOG, Question(), Constraints(budget=3))[0] is LOG
