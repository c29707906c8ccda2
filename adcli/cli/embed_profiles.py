"""From events to profiles of users: `adcli embed EVENTS --catalog PRODUCTS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from adcli.cli.embed_options import ProfileOptions, VectorOptions
from adcli.cli.embed_vectors import Known, described, given_vectors_of, reduced, tell_known
from adcli.cli.inputs import numbers
from adcli.cli.money import Money, settled_in_one_currency
from adcli.cli.options import Reporting, moment_of
from adcli.cli.run import Run
from adcli.cli.users import profiles_with_users
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.embed.fusion import GivenVectors
    from adcli.embed.interaction_vectors import InteractionVectors
    from adcli.embed.item_vectors import ItemVectors
    from adcli.embed.vectors import Encode
    from adcli.tables.read import TableStream


class EarlierProfiles(NamedTuple):
    """Profiles of an earlier run, and its manifest."""

    table: pl.DataFrame
    manifest: Mapping[str, Any]

    @property
    def until(self) -> datetime:
        """The time up to which events are in them."""
        return datetime.fromisoformat(self.manifest["profile"]["until"])


def check_profile_options(options: ProfileOptions, columns: set[str], *, has_given: bool) -> None:
    """Check the options, together and for these events.

    `columns`: of the events; `has_given`: whether there is `--with`. Raises UsageError if not.
    """
    if options.catalog is None and not {"item_id", "text"} <= columns:
        raise UsageError(
            "The input is events without titles of their items, so profiles need the products.",
            fix="Give --catalog PRODUCTS; or --table, if it is no log of events.",
        )
    if options.catalog is None and options.update_from is not None:
        raise UsageError(
            "--update-from needs the products that the earlier profiles were made with, and today's events "
            "may name others.",
            fix="Give --catalog both times.",
        )
    if options.profile == "sequence" and has_given:
        raise UsageError("--with fuses vectors of items, and --profile sequence reads texts alone.")
    if options.update_from is not None and options.profile == "sequence":
        raise UsageError("--update-from adds to profiles of --profile mean; a sequence is read whole.")
    if options.update_from is not None and options.weights == "learned":
        raise UsageError("--update-from keeps the weights of the earlier profiles; leave --weights out.")


class UserProfiles:
    """How profiles of users are made of the events of a run.

    `vector_options`: what is done with their vectors; `reporting`: where the page of segments goes; `encode`:
    texts to (n, d) unit vectors.
    """

    def __init__(
        self,
        run: Run,
        options: ProfileOptions,
        vector_options: VectorOptions,
        reporting: Reporting,
        encode: Encode,
    ) -> None:
        self._run = run
        self._options = options
        self._vector_options = vector_options
        self._reporting = reporting
        self._encode = encode
        self._earlier = _earlier(run, options)
        self._weights, self._half_life = _settings(options, self._earlier)

    def rows(self, stream: TableStream, money: Money) -> Iterator[pl.DataFrame]:
        """Rows of the vectors table: users, then their interests; with --explain an explanation instead."""
        from adcli.embed.fusion import without_given
        from adcli.embed.interaction_vectors import interaction_vectors
        from adcli.embed.interactions import weighted

        done = self._interactions(stream, money)
        given = given_vectors_of(self._run, self._vector_options)
        items = self._items(done, given)
        self._encode = without_given(self._encode, given)
        interactions = interaction_vectors(done, items, self._encode)
        with self._run.step("profiles"):
            if self._options.weights == "learned":
                self._learn_weights(interactions)
            interactions = interactions._replace(events=weighted(interactions.events, self._weights))
            self._run.facts["profile"] = {
                "kind": self._options.profile,
                "weights": self._weights,
                "half_life_days": self._half_life,
                "until": self._until(done),
            }
        if self._vector_options.explain is not None:
            yield self._explained(self._vector_options.explain, interactions, items)
            return
        users = self._users(interactions, items)
        if self._options.users is not None:
            users = profiles_with_users(self._run, users, self._options.users)
        if self._vector_options.needs_all or self._options.interests:
            yield self._with_vector_options(users, interactions, items)
        else:
            yield from users

    def _interactions(self, stream: TableStream, money: Money) -> pl.DataFrame:
        """The interactions from the end of the earlier profiles to the cutoff."""
        import polars as pl

        from adcli.behaviour.sales import columns_of_sales
        from adcli.embed.interactions import SCHEMA, interactions_of_events, interactions_of_reviews
        from adcli.tables.unify import concatenated

        run, options, earlier = self._run, self._options, self._earlier
        with run.step("read"):
            frames = [
                frame.select(columns_of_sales(frame.columns, (*SCHEMA, "query")))
                for frame in run.frames(stream)
            ]
            parts = [interactions_of_events(settled_in_one_currency(run, concatenated(frames), money))]
            if options.reviews is not None:
                parts.append(interactions_of_reviews(run.read([options.reviews], tables=["reviews"])))
        interactions = pl.concat(parts)
        time = pl.col("event_time")
        if options.cutoff is not None or earlier is not None or self._half_life is not None:
            dated = interactions.filter(time.is_not_null())
            if left := interactions.height - dated.height:
                run.warn(f"{left:,} reviews do not say when they were written: left out.")
            interactions = dated
        if options.cutoff is not None:
            interactions = interactions.filter(time < moment_of(options.cutoff))
        if earlier is not None:
            fresh = interactions.filter(time >= earlier.until)
            if known := interactions.height - fresh.height:
                run.note(
                    f"{known:,} events before {earlier.until:%Y-%m-%d %H:%M:%S} are in the earlier profiles "
                    "and are not counted again."
                )
            interactions = fresh
        if not interactions.height and earlier is None:
            raise DataError("No event is left to make profiles of.", fix="Give a later --cutoff.")
        return interactions

    def _until(self, interactions: pl.DataFrame) -> str:
        """The time up to which events are in the profiles."""
        last = interactions["event_time"].max()
        ends = [last + timedelta(microseconds=1)] if isinstance(last, datetime) else []
        if self._options.cutoff is not None:
            ends = [moment_of(self._options.cutoff)]
        if self._earlier is not None:
            ends.append(self._earlier.until)
        return max(ends, default=datetime(1970, 1, 1, tzinfo=UTC)).isoformat()

    def _items(self, interactions: pl.DataFrame, given: Sequence[GivenVectors]) -> ItemVectors:
        """The items with the vectors of their texts, fused with those given; says what these add."""
        from adcli.embed.fusion import added_recall, fuse, known_rows
        from adcli.embed.interaction_vectors import check_items
        from adcli.embed.item_vectors import embed_products, item_vectors, with_means

        products = _products(self._run, interactions, self._options)
        if "embedding" in products.columns:
            items = item_vectors(products)
        else:
            check_items(interactions, products["item_id"])
            items = embed_products(products, self._encode)
        if not given:
            return items
        run, ids = self._run, items.products["item_id"]
        tell_known(run, known_rows(ids, given), len(ids))
        fused = with_means(items.products, fuse(ids, items.vectors, given))
        with run.step("recall"):
            try:
                found = added_recall(interactions, ids, items.vectors, fused.vectors, seed=run.seed)
            except DataError:
                run.warn(
                    "No user has items on both sides of a time: what --with adds to recall is not known."
                )
            else:
                run.note(found.sentence)
                run.facts["recall_with"] = {"text": found.text.mean(), "fused": found.fused.mean()}
        return fused

    def _learn_weights(self, interactions: InteractionVectors) -> None:
        from adcli.embed.learned_weights import learn_weights

        found = learn_weights(interactions, self._weights, half_life=self._half_life, seed=self._run.seed)
        self._run.note(found.sentence)
        self._weights = found.weights

    def _users(self, interactions: InteractionVectors, items: ItemVectors) -> Iterator[pl.DataFrame]:
        from adcli.embed.profiles import profiles
        from adcli.embed.sequences import sequence_profiles

        earlier = None if self._earlier is None else self._earlier.table
        found = profiles(interactions, items, half_life=self._half_life, earlier=earlier)
        return (
            found if self._options.profile == "mean" else sequence_profiles(found, interactions, self._encode)
        )

    def _with_vector_options(
        self, users: Iterator[pl.DataFrame], interactions: InteractionVectors, items: ItemVectors
    ) -> pl.DataFrame:
        import polars as pl

        from adcli.behaviour.segments import segment_centres
        from adcli.embed.anomalies import interaction_features
        from adcli.embed.interests import interests
        from adcli.embed.segment_names import terms_of_users

        table = pl.concat(users)
        features = interaction_features(interactions.events).rename({"user_id": "id"})
        known = Known(
            lambda: terms_of_users(interactions, items, table["id"]),
            table.select("id").join(features, on="id", how="left", maintain_order="left").drop("id"),
            None if self._earlier is None else segment_centres(self._earlier.table),
        )
        table = described(self._run, table, self._vector_options, known, self._reporting)
        if self._options.interests:
            with self._run.step("interests"):
                found = interests(interactions, self._options.interests, half_life=self._half_life)
                table = pl.concat([table, *found], how="diagonal")
        return reduced(self._run, table, self._vector_options)

    def _explained(self, user: str, interactions: InteractionVectors, items: ItemVectors) -> pl.DataFrame:
        import polars as pl

        from adcli.embed.explain import explain_profile, explain_text
        from adcli.embed.sequences import sequences

        if self._options.profile == "sequence":
            own = interactions.events.filter(pl.col("user_id") == user)
            mine = sequences(interactions._replace(events=own))
            if not mine.height:
                raise DataError(f"--explain {user}: no event is of this user.")
            return explain_text(user, mine["text"][0], self._encode)
        titles = interactions.titles[interactions.item_count :].to_list()
        texts = [*items.products["text"].to_list(), *titles]
        return explain_profile(user, interactions, texts, self._encode, half_life=self._half_life)


def _earlier(run: Run, options: ProfileOptions) -> EarlierProfiles | None:
    if options.update_from is None:
        return None
    from adcli.tables.manifest import read_manifest

    table = run.read([options.update_from], tables=["vectors"], secondary=True)
    manifest = read_manifest(Path(options.update_from)) or {}
    if "profile" not in manifest:
        raise DataError(
            f"{options.update_from} has no manifest beside it that says how its profiles were made.",
            fix="Keep FILE.meta.json with the file that adcli embed wrote.",
        )
    return EarlierProfiles(table, manifest)


def _settings(
    options: ProfileOptions, earlier: EarlierProfiles | None
) -> tuple[dict[str, float], float | None]:
    """Weights and half-life: those given, which must equal the earlier ones where there are any."""
    from adcli.embed.interactions import check_weights, default_weights

    given = numbers(options.weight, "--weight")
    check_weights(given)
    if earlier is None:
        return default_weights(given), options.half_life
    made = earlier.manifest["profile"]
    if made["kind"] != "mean":
        raise DataError(f"Profiles of --profile {made['kind']} cannot be added to.")
    weights = {name: float(weight) for name, weight in made["weights"].items()}
    changed = [name for name, weight in given.items() if weights[name] != weight]
    if changed or options.half_life not in (None, made["half_life_days"]):
        what = (
            f"--weight {changed[0]}={weights[changed[0]]:g}"
            if changed
            else f"--half-life {made['half_life_days']}"
        )
        raise UsageError(
            f"The earlier profiles were made with {what}, and an update must be too.",
            fix="Leave the option out.",
        )
    return weights, made["half_life_days"]


def _products(run: Run, interactions: pl.DataFrame, options: ProfileOptions) -> pl.DataFrame:
    """Products, or their vectors: of --catalog, else as the events title them."""
    import polars as pl

    from adcli.tables.standard.items import products_of_events

    if options.catalog is None:
        products = products_of_events(interactions.filter(pl.col("event_type") != "review"))
        run.note(f"Without --catalog: {products.height:,} items, by their titles in the events.")
        return products
    products = run.read([options.catalog], tables=["vectors", "products", "events"], secondary=True)
    return products_of_events(products) if "event_type" in products.columns else products
