"""Rules on single rows: what is impossible is rejected, what is only unlikely is counted."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from adcli.errors import DataError, UsageError, require_known

if TYPE_CHECKING:
    import polars as pl

Action = Literal["reject", "count", "off"]
ACTIONS: Final = get_args(Action)


class Rule(NamedTuple):
    """One rule."""

    name: str  # what `--rule` and `--fail-on` call it
    # Polars SQL over the columns of one row, true where the row breaks the rule; `{latest}` is a day after
    # the run began, `first_impression` the time at which the user was first shown the ad (or the item, where
    # the log has no ads). Empty where reading the types finds it
    expression: str
    reason: str  # what is wrong with such a row
    default: Action  # what happens to it


_OVER_ROWS: Final = ('"Agg":', '"Over":', '"expr":"Len"')  # in a serialized expression
_EXAMPLES: Final = 3
UNKNOWN_TYPE: Final = "unknown_type"
FIRST_IMPRESSION: Final = "first_impression"
RULES: Final = (
    Rule("time_too_early", "event_time < TIMESTAMP '1990-01-01'", "a time before the year 1990", "reject"),
    Rule("time_in_future", "event_time > TIMESTAMP '{latest}'", "a time more than a day ahead", "reject"),
    Rule("absurd_price", "price > 10000000", "a price above ten million", "count"),
    Rule("absurd_quantity", "quantity > 10000", "a quantity above ten thousand", "count"),
    Rule("large_return", "quantity < -10000", "a return of more than ten thousand", "count"),
    Rule("free_purchase", "event_type = 'purchase' AND price = 0", "a purchase at a price of zero", "count"),
    Rule("conversion_without_click", "click = 0 AND conversion = 1", "a conversion without a click", "count"),
    Rule(
        "click_before_impression",
        f"event_type = 'click' AND {FIRST_IMPRESSION} > event_time",
        "a click on an ad that the log shows its user only later",
        "count",
    ),
    Rule(UNKNOWN_TYPE, "", "a type of event that is not known, read as 'other'", "count"),
)

_BUILT_IN: Final = frozenset(rule.name for rule in RULES)


def rules_of_file(text: str, name: str) -> list[Rule]:
    """Rules out of TOML: a table each, named like the rule, with `expression`, and `reason` and `default`.

    Raises DataError if it is no such file.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name}: is no TOML: {error}.") from None
    return [_rule(name, key, table) for key, table in tables.items()]


def _rule(file: str, name: str, table: Any) -> Rule:
    fields = table if isinstance(table, dict) else {"expression": table}
    for key in fields:
        known, fix = ("expression", "reason", "default"), "A rule has expression, reason and default."
        require_known(key, known, f"{file}: [{name}]: there is no {key}.", fix)
    expression, default = fields.get("expression"), fields.get("default", "reject")
    if not isinstance(expression, str) or not expression.strip():
        raise DataError(f"{file}: [{name}]: lacks an expression.")
    if default not in ACTIONS:
        raise DataError(f"{file}: [{name}]: default is one of {', '.join(ACTIONS)}.")
    return Rule(name, expression, str(fields.get("reason", "rule broken")), default)


def with_actions(rules: Sequence[Rule], chosen: Sequence[str]) -> list[Rule]:
    """The rules with what `NAME=ACTION` says of them in place of their defaults.

    Raises UsageError if it names no rule or no action.
    """
    by_name = {rule.name: rule for rule in rules}
    for one in chosen:
        name, _, action = one.partition("=")
        known_rule(name, by_name)
        if action not in ACTIONS:
            raise UsageError(f"--rule {one}: expected NAME=reject, NAME=count or NAME=off.")
        if not by_name[name].expression and action == "reject":
            raise UsageError(f"--rule {one}: such rows are read as 'other', and can only be counted.")
        by_name[name] = by_name[name]._replace(default=action)  # type: ignore[arg-type]
    return list(by_name.values())


def known_rule(name: str, known: Iterable[str]) -> str:
    """A rule's name, if it is one. Raises UsageError if it is none."""
    known = list(known)
    fix = f"The rules are {', '.join(known)}."
    require_known(name, known, f"There is no rule '{name}'.", fix, error=UsageError)
    return name


class RuleCheck:
    """Rules over the batches of one table.

    Those of `RULES` speak of its standard columns, whose types are known, not of columns carried along.

    Attributes:
        of_log: Those that ask for what only the whole log shows.
        counts: How many rows broke each rule so far, whatever became of them.
        examples: What the columns that a rule asks for hold in the first rows that broke it.
    """

    def __init__(self, rules: Sequence[Rule], *, now: datetime, standard: Iterable[str]) -> None:
        latest = f"{now.astimezone(UTC) + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
        self.rules = [rule for rule in rules if rule.default != "off"]
        self.of_log = [
            rule for rule in self.rules if rule.name in _BUILT_IN and FIRST_IMPRESSION in rule.expression
        ]
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, pl.DataFrame] = {}
        self._standard = {*standard, FIRST_IMPRESSION}
        self._expressions = {rule.name: _parsed(rule, latest) for rule in self.rules if rule.expression}

    def uncounted(self) -> RuleCheck:
        """The same rules, with counts of their own."""
        same = copy(self)
        same.counts = Counter()
        return same

    def require(self, columns: Iterable[str], gates: Iterable[str]) -> None:
        """Make sure that the user's rules, and those that are gates, have the columns that they ask for.

        Raises UsageError if one has not.
        """
        known = set(columns)
        if "user_id" in known and known & {"ad_id", "item_id"}:
            known.add(FIRST_IMPRESSION)
        for name in [*gates, *(rule.name for rule in self.rules if rule.name not in _BUILT_IN)]:
            for column in self._expressions[name].meta.root_names() if name in self._expressions else ():
                sentence = f"The rule {name} asks for a column '{column}'."
                fix = f"There are {', '.join(sorted(known))}."
                require_known(column, known, sentence, fix, error=UsageError)

    def broken(self, frame: pl.DataFrame) -> pl.Series:
        """Of each row the reason of the first rule that rejects it, else null.

        Raises UsageError if a rule cannot be computed from what its columns hold.
        """
        return self._broken(frame, [rule for rule in self.rules if rule not in self.of_log])

    def broken_in_log(self, frame: pl.DataFrame) -> pl.Series:
        """The same by the rules that ask for `first_impression`, which `frame` has."""
        return self._broken(frame, self.of_log)

    def _broken(self, frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.Series:
        import polars as pl

        naive = frame.with_columns(pl.selectors.datetime(time_zone="*").dt.replace_time_zone(None))
        reasons = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
        for rule in rules:
            expression = self._expressions.get(rule.name)
            if expression is None:
                continue
            asked = set(expression.meta.root_names())
            if not asked <= set(frame.columns) or (rule.name in _BUILT_IN and not asked <= self._standard):
                continue
            is_broken = _computed(naive, expression, rule)
            self.counts[rule.name] += (count := int(is_broken.sum()))
            if not count:
                continue
            if rule.name not in self.examples:
                self.examples[rule.name] = naive.filter(is_broken).select(sorted(asked)).head(_EXAMPLES)
            if rule.default == "reject":
                is_new = is_broken & reasons.is_null()
                reasons = reasons.zip_with(~is_new, reasons.clone().fill_null(f"{rule.name}: {rule.reason}"))
        return reasons


def _parsed(rule: Rule, latest: str) -> pl.Expr:
    import polars as pl

    try:
        expression = pl.sql_expr(rule.expression.replace("{latest}", latest))
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"The rule {rule.name} is no SQL expression: {_first_line(error)}.") from None
    parts = expression.meta.serialize(format="json")
    if not expression.meta.root_names() or any(part in parts for part in _OVER_ROWS):
        raise UsageError(
            f"The rule {rule.name} does not speak of one row.",
            fix="An expression is over the columns of a row, without sums, counts or windows over others.",
        )
    return expression


def _computed(frame: pl.DataFrame, expression: pl.Expr, rule: Rule) -> pl.Series:
    import polars as pl

    try:
        found = frame.select(expression.alias("broken")).to_series()
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"The rule {rule.name} cannot be computed: {_first_line(error)}.") from None
    if found.dtype != pl.Boolean:
        raise UsageError(f"The rule {rule.name} is neither true nor false: {rule.expression}.")
    return found.fill_null(value=False)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
