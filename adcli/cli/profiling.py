"""Events to profiles of users, as `adcli embed EVENTS --catalog PRODUCTS` asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from adcli.cli.embed_options import Profiling, Shaping
from adcli.cli.encoding import TextEncoder
from adcli.cli.inputs import pairs
from adcli.cli.run import Run
from adcli.cli.shaping import Known, described, reduced
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.embed.catalogue import Catalogue
    from adcli.embed.contents import Contents
    from adcli.tables.read import TableStream


class Earlier(NamedTuple):
    """Profiles of an earlier run: the table, and how it was made."""

    table: pl.DataFrame
    facts: Mapping[str, Any]


def check_profiling(profiling: Profiling, columns: set[str]) -> None:
    """Make sure that the options can be meant, alone, together and of these events.

    Args:
        profiling: The options.
        columns: Of the events.

    Raises:
        UsageError: If not.
    """
    if profiling.catalog is None and not {"item_id", "text"} <= columns:
        raise UsageError(
            "The input is events, and what users did can only be read with the products it was about.",
            fix="Give --catalog PRODUCTS; or --table, if it is no log of events.",
        )
    if profiling.catalog is None and profiling.update_from is not None:
        raise UsageError(
            "--update-from needs the products that the earlier profiles were made with, and today's events "
            "may name others.",
            fix="Give --catalog both times.",
        )
    if profiling.update_from is not None and profiling.profile == "sequence":
        raise UsageError("--update-from adds to profiles of --profile mean; a sequence is read whole.")
    if profiling.update_from is not None and profiling.weights == "learned":
        raise UsageError(
            "--update-from goes on with the weights of the earlier profiles; leave --weights out."
        )


def user_profiles(
    run: Run, stream: TableStream, profiling: Profiling, shaping: Shaping, encode: TextEncoder
) -> Iterator[pl.DataFrame]:
    """Rows of the vectors table: users, then their interests; or in place of them an explanation."""
    earlier = _earlier(run, profiling)
    weights, half_life = _settings(profiling, earlier)
    behaviour = _behaviour(run, stream, profiling, earlier, half_life)
    contents, catalogue = _contents(run, behaviour, profiling, encode)
    with run.step("profiles"):
        if profiling.weights == "learned":
            weights = _learned(run, contents, weights, half_life)
        from adcli.embed.behaviour import weighted

        contents = contents._replace(deeds=weighted(contents.deeds, weights))
        run.facts["profile"] = {
            "kind": profiling.profile,
            "weights": weights,
            "half_life_days": half_life,
            "until": _until(behaviour, profiling, earlier),
        }
    if shaping.explain is not None:
        yield _explained(shaping.explain, contents, catalogue, profiling, encode, half_life)
        return
    users = _users(contents, catalogue, profiling, encode, earlier, half_life)
    if not (shaping.needs_all or profiling.interests):
        yield from users
        return
    yield _shaped(run, users, contents, catalogue, profiling, shaping, earlier, half_life)


def _earlier(run: Run, profiling: Profiling) -> Earlier | None:
    if profiling.update_from is None:
        return None
    from adcli.tables.manifest import read_manifest

    table = run.read([profiling.update_from], tables=["vectors"], beside=True)
    manifest = read_manifest(Path(profiling.update_from)) or {}
    if "profile" not in manifest:
        raise DataError(
            f"{profiling.update_from} has no manifest beside it that says how its profiles were made.",
            fix="Keep FILE.meta.json with the file that adcli embed wrote.",
        )
    return Earlier(table, manifest)


def _settings(profiling: Profiling, earlier: Earlier | None) -> tuple[dict[str, float], float | None]:
    """The weights and the half-life: those given, which must be the earlier ones where there are such."""
    from adcli.embed.behaviour import check_weights, default_weights

    given: dict[str, float] = {}
    for name, value in pairs(profiling.weight, "--weight"):
        try:
            given[name] = float(value)
        except ValueError:
            raise UsageError(f"--weight {name}={value}: expected TYPE=NUMBER.") from None
    check_weights(given)
    if earlier is None:
        return default_weights(given), profiling.half_life
    made = earlier.facts["profile"]
    if made["kind"] != "mean":
        raise DataError(f"Profiles of --profile {made['kind']} cannot be added to.")
    weights = {name: float(weight) for name, weight in made["weights"].items()}
    changed = [name for name, weight in given.items() if weights[name] != weight]
    if changed or profiling.half_life not in (None, made["half_life_days"]):
        what = (
            f"--weight {changed[0]}={weights[changed[0]]:g}"
            if changed
            else f"--half-life {made['half_life_days']}"
        )
        raise UsageError(
            f"The earlier profiles were made with {what}, and what is added must be too.",
            fix="Leave the option out.",
        )
    return weights, made["half_life_days"]


def _behaviour(
    run: Run, stream: TableStream, profiling: Profiling, earlier: Earlier | None, half_life: float | None
) -> pl.DataFrame:
    """What happened from the earlier profiles' end on and before the cutoff."""
    import polars as pl

    from adcli.embed.behaviour import behaviour_of_events, behaviour_of_reviews

    with run.step("read"):
        parts = [behaviour_of_events(frame) for frame in run.frames(stream)]
        if profiling.reviews is not None:
            parts.append(behaviour_of_reviews(run.read([profiling.reviews], tables=["reviews"])))
    behaviour = pl.concat(parts)
    time = pl.col("event_time")
    if profiling.cutoff is not None or earlier is not None or half_life is not None:
        dated = behaviour.filter(time.is_not_null())
        if dated.height < behaviour.height:
            run.warn(
                f"{behaviour.height - dated.height:,} reviews do not say when they were written: left out."
            )
        behaviour = dated
    if profiling.cutoff is not None:
        behaviour = behaviour.filter(time < _time(profiling.cutoff))
    if earlier is not None:
        known_until = datetime.fromisoformat(earlier.facts["profile"]["until"])
        fresh = behaviour.filter(time >= known_until)
        if fresh.height < behaviour.height:
            run.note(
                f"{behaviour.height - fresh.height:,} events before {known_until:%Y-%m-%d %H:%M:%S} are in "
                "the earlier profiles and are not counted again."
            )
        behaviour = fresh
    if not behaviour.height and earlier is None:
        raise DataError("No event is left to make profiles of.", fix="Give a later --cutoff.")
    return behaviour


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--cutoff {text}: expected a time such as 2024-05-01 or 2024-05-01T18:00."
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _until(behaviour: pl.DataFrame, profiling: Profiling, earlier: Earlier | None) -> str:
    """The time from which on nothing has been looked at yet."""
    last = behaviour["event_time"].max()
    ends = [last + timedelta(microseconds=1)] if isinstance(last, datetime) else []
    if profiling.cutoff is not None:
        ends = [_time(profiling.cutoff)]
    if earlier is not None:
        ends.append(datetime.fromisoformat(earlier.facts["profile"]["until"]))
    return max(ends, default=datetime(1970, 1, 1, tzinfo=UTC)).isoformat()


def _contents(
    run: Run, behaviour: pl.DataFrame, profiling: Profiling, encode: TextEncoder
) -> tuple[Contents, Catalogue]:
    from adcli.embed.catalogue import catalogue_of_products, catalogue_of_vectors
    from adcli.embed.contents import check_items, contents_of

    goods = _goods(run, behaviour, profiling)
    if "embedding" in goods.columns:
        catalogue = catalogue_of_vectors(goods)
    else:
        check_items(behaviour, goods["item_id"])
        catalogue = catalogue_of_products(goods, encode)
    return contents_of(behaviour, catalogue, encode), catalogue


def _goods(run: Run, behaviour: pl.DataFrame, profiling: Profiling) -> pl.DataFrame:
    """Products or their vectors, or what a log says of its items: that of --catalog, else the events."""
    import polars as pl

    from adcli.tables.standard.items import products_of_events

    if profiling.catalog is None:
        products = products_of_events(behaviour.filter(pl.col("event_type") != "review"))
        run.note(f"Without --catalog: {products.height:,} items, by the text that the events have of them.")
        return products
    goods = run.read([profiling.catalog], tables=["vectors", "products", "events"], beside=True)
    return products_of_events(goods) if "event_type" in goods.columns else goods


def _learned(
    run: Run, contents: Contents, weights: Mapping[str, float], half_life: float | None
) -> dict[str, float]:
    from adcli.embed.learned_weights import learn_weights

    found = learn_weights(contents, weights, half_life=half_life, seed=run.seed)
    run.note(found.sentence)
    return found.weights


def _users(
    contents: Contents,
    catalogue: Catalogue,
    profiling: Profiling,
    encode: TextEncoder,
    earlier: Earlier | None,
    half_life: float | None,
) -> Iterator[pl.DataFrame]:
    from adcli.embed.profiles import profiles
    from adcli.embed.sequences import sequence_profiles

    found = profiles(
        contents, catalogue, half_life=half_life, earlier=None if earlier is None else earlier.table
    )
    return found if profiling.profile == "mean" else sequence_profiles(found, contents, encode)


def _shaped(
    run: Run,
    users: Iterator[pl.DataFrame],
    contents: Contents,
    catalogue: Catalogue,
    profiling: Profiling,
    shaping: Shaping,
    earlier: Earlier | None,
    half_life: float | None,
) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.anomalies import behaviour_features
    from adcli.embed.interests import interests
    from adcli.embed.segments import earlier_segments
    from adcli.embed.told import told_of_users

    table = pl.concat(users)
    features = table.select("id").join(
        behaviour_features(contents.deeds),
        left_on="id",
        right_on="user_id",
        how="left",
        maintain_order="left",
    )
    known = Known(
        lambda: told_of_users(contents, catalogue, table["id"]),
        features.drop("id"),
        None if earlier is None else earlier_segments(earlier.table),
    )
    table = described(run, table, shaping, known)
    if profiling.interests:
        with run.step("interests"):
            table = pl.concat(
                [table, *interests(contents, profiling.interests, half_life=half_life)], how="diagonal"
            )
    return reduced(run, table, shaping)


def _explained(
    user: str,
    contents: Contents,
    catalogue: Catalogue,
    profiling: Profiling,
    encode: TextEncoder,
    half_life: float | None,
) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.explain import explain_profile, explain_text
    from adcli.embed.sequences import sequences

    if profiling.profile == "sequence":
        mine = sequences(contents._replace(deeds=contents.deeds.filter(pl.col("user_id") == user)))
        if not mine.height:
            raise DataError(f"--explain {user}: no event is of this user.")
        return explain_text(user, mine["text"][0], encode)
    texts = [*catalogue.items["text"].to_list(), *contents.words[contents.items :].to_list()]
    return explain_profile(user, contents, texts, encode, half_life=half_life)
