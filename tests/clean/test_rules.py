"""Rules: what is impossible is rejected by name, what is unlikely is counted, and users bring their own."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from adcli.clean.rules import RULES, RuleCheck, rules_of_file, with_actions
from adcli.errors import DataError, UsageError
from adcli.tables.standard.tables import TABLES

NOW = datetime(2024, 6, 1, tzinfo=UTC)
STANDARD = TABLES["events"].names
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def events():
    times = ["2024-01-01", "1970-01-01", "2024-06-03", "2024-05-31 12:00"]
    return pl.DataFrame(
        {
            "event_time": pl.Series(times).str.to_datetime(time_unit="us", time_zone="UTC"),
            "event_type": ["purchase", "view", "view", "purchase"],
            "price": pl.Series([0, None, 5, 20_000_000]).cast(pl.Decimal(38, 6)),
            "quantity": [1.0, 1.0, -20_000.0, 20_000.0],
        }
    )


def test_impossible_times_are_rejected_and_unlikely_amounts_counted(events):
    check = RuleCheck(RULES, now=NOW, standard=STANDARD)
    reasons = check.broken(events)
    assert reasons.is_not_null().to_list() == [False, True, True, False]
    assert reasons.drop_nulls().to_list() == [
        "time_too_early: a time before the year 1990", "time_in_future: a time more than a day ahead",
    ]  # fmt: skip
    assert check.counts["free_purchase"] == check.counts["large_return"] == check.counts["absurd_price"] == 1


def test_what_happens_to_a_row_is_the_users_to_say(events):
    rules = with_actions(RULES, ["time_too_early=count", "free_purchase=reject", "time_in_future=off"])
    check = RuleCheck(rules, now=NOW, standard=STANDARD)
    assert check.broken(events).is_not_null().to_list() == [True, False, False, False]
    assert (check.counts["time_too_early"], check.counts["time_in_future"]) == (1, 0)


def test_rules_of_a_file_are_sql_over_a_row(events):
    text = "[dear]\nexpression = \"price > 4 AND event_type = 'view'\"\nreason = 'too dear'\n"
    check = RuleCheck(rules_of_file(text, "rules.toml"), now=NOW, standard=STANDARD)
    assert check.broken(events).to_list() == [None, None, "dear: too dear", None]


def test_rules_of_the_table_leave_columns_alone_that_are_carried_along():
    carried = pl.DataFrame({"item_id": ["1"], "text": ["a"], "price": ["99999999"]})
    check = RuleCheck(RULES, now=NOW, standard=TABLES["reviews"].names)
    assert check.broken(carried).to_list() == [None]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("price > AVG(price)", "does not speak of one row"),
        ("COUNT(*) > 3 AND price > 1", "does not speak of one row"),
        ("ROW_NUMBER() OVER (PARTITION BY price) > 1", "does not speak of one row"),
        ("price >", "is no SQL expression"),
        ("event_type > 4", "cannot be computed"),
        ("price + 1", "is neither true nor false"),
    ],
)
def test_an_expression_that_is_no_rule_is_a_sentence(events, expression, said):
    rules = rules_of_file(f'[own]\nexpression = "{expression}"\n', "rules.toml")
    with pytest.raises(UsageError, match=said):
        RuleCheck(rules, now=NOW, standard=STANDARD).broken(events)


@pytest.mark.parametrize(
    "text", ["[a", "[a]\n", "[a]\nexpression='x > 1'\ndefault='drop'", "[a]\nexpresion='x > 1'"]
)
def test_a_file_of_rules_that_cannot_be_read_is_a_sentence(text):
    with pytest.raises(DataError, match=r"^rules.toml: "):
        rules_of_file(text, "rules.toml")


def test_the_readme_says_what_the_table_of_rules_says():
    told = README.read_text(encoding="utf-8").split("<!-- rules -->\n")[1].split("\n<!-- end of rules -->")[0]
    rows = [f"| `{rule.name}` | {rule.reason} | {rule.default} |" for rule in RULES]
    assert told.splitlines()[2:] == rows
