"""`adcli optimize writer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.cli.checking import Checking, checker_of, own_facts_of, warn_of_unknown_items
from adcli.cli.command import command
from adcli.cli.optimize.training import training_step
from adcli.cli.optimize.writer_options import Learning, TrainingOptions
from adcli.cli.optimize.writer_scores import tell_scores
from adcli.cli.options import Inputs, Models, Tracking
from adcli.cli.run import Run
from adcli.cli.users import read_segments
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.copy.fact import Fact
    from adcli.core.adapters.adapter import AdapterSettings, Tuning
    from adcli.core.training.settings import Trained, TrainingSettings
    from adcli.core.training.writer.examples import Pair, Stage, WriterTask
    from adcli.optimize.writer.pairs import WriterAds

STEPS = {"supervised": 200, "preference": 100, "reinforce": 60, "adversarial": 60}
BATCH_SIZES = {"supervised": 16, "preference": 8, "reinforce": 4, "adversarial": 4}
LEARNING_RATES = {
    "supervised": {"lora": 6e-4, "full": 5e-5, "prefix": 1e-2},
    "preference": {"lora": 1e-4, "full": 5e-6, "prefix": 3e-3},
    "reinforce": {"lora": 3e-4, "full": 1e-5, "prefix": 5e-3},
    "adversarial": {"lora": 3e-4, "full": 1e-5, "prefix": 5e-3},
}
EVALUATIONS = 6
SAMPLES, COLUMNS = 8, 90
RANK = 16
REPLAYED = 0.2
JUDGING = 0.3  # of the items, of which an adversary's second discriminator learns
JUDGE = "adcli.optimize.writer.judging:judge_of"


@command
def writer(
    run: Run,
    learning: Learning,
    training: TrainingOptions,
    checking: Checking,
    tracking: Tracking,
    models: Models,
    inputs: Inputs = None,
) -> None:
    """Tune a writer of ads: on ads that people wrote, on which did better, towards clicks, or to seem human.

    INPUT is a table of ads (ad_id, item_id, text), or of products with an ad each (title, text). The
    directory it writes is what `adcli generate --adapter` takes. A run that was killed resumes from its last
    checkpoint.

    \b
    Examples:
      adcli optimize writer ads.csv --catalog products.parquet -o writer
      adcli optimize writer ads.csv --catalog products.parquet --log impressions.parquet \\
        --stage preference --from writer -o writer2
      adcli generate products.parquet --adapter writer2 -o ads.jsonl
    """
    from adcli.core.tracking import check_tracker
    from adcli.optimize.writer.audiences import with_vectors

    check_tracker(tracking.track)
    _check(learning, training, checking)
    if learning.start_from is not None:
        run.learned(learning.start_from)
    folder = run.directory()
    own = own_facts_of(run, checking)
    products, found = _read(run, inputs, learning, own)
    warn_of_unknown_items(run, own, [product["item_id"] for product in products])
    task = _task(run, {"products": products, "own": own}, found, learning, training, checking, models)
    if learning.profiles:
        task = with_vectors(task, found, read_segments(run, learning.profiles))
    trained = _tune(run, folder, task, learning, training, tracking, models)
    _keep_replay(run, folder, task, learning)
    tell_scores(run, folder, trained, learning)


def _check(learning: Learning, training: TrainingOptions, checking: Checking) -> None:
    """Refuse what the stage makes no use of."""
    of_stages = {
        "--samples": (training.samples, {"reinforce", "adversarial"}),
        "--kept": (training.kept, {"reinforce", "adversarial"}),
        "--discriminator": (training.discriminator, {"adversarial"}),
        "--columns": (training.columns, {"reinforce"}),
        "--replay-share": (learning.replay_share, {"supervised"}),
        "--log": (None if learning.profiles else learning.log, {"preference", "reinforce"}),
        "--reviewed": (learning.reviewed, {"supervised", "preference", "adversarial"}),
        "--rules": (checking.rules, {"supervised", "adversarial"}),
        "--checker": (checking.checker, {"supervised", "adversarial"}),
    }
    for option, (given, stages) in of_stages.items():
        if given is not None and learning.stage not in stages:
            raise UsageError(
                f"{option} has no effect with --stage {learning.stage}.",
                fix=f"It is for --stage {' and '.join(sorted(stages))}.",
            )
    if learning.replay_share is not None and learning.start_from is None:
        raise UsageError(
            "--replay-share is of what an earlier directory learned.", fix="Name it with --from."
        )
    samples = training.samples or SAMPLES
    if (training.kept or 0) > samples:
        raise UsageError(f"--kept {training.kept} is more than --samples {samples}.")


def _read(
    run: Run, inputs: list[str] | None, learning: Learning, own: Mapping[str, Sequence[Fact]]
) -> tuple[list[dict[str, Any]], WriterAds]:
    """The products and their ads, with clicks and decisions where there are."""
    import polars as pl

    from adcli.copy.review import reviewed
    from adcli.optimize.writer.pairs import with_ids, writer_ads

    ads = with_ids(run.read(inputs, tables=["ads", "pairs"]))
    if learning.catalog:
        catalogue = run.read([learning.catalog], tables=["products"], secondary=True)
    elif "title" in ads.columns:
        catalogue = ads.unique("item_id", keep="first", maintain_order=True)
        catalogue = catalogue.select(pl.exclude("ad_id", "text", "segment_id"))
    else:
        raise DataError(
            "The ads have no products: no column title.", fix="Give the products of the ads with --catalog."
        )
    decided = None
    if learning.reviewed:
        decided = reviewed(run.read([learning.reviewed], tables=["decisions"], secondary=True), ads)
    counts = _counted(run, learning.log, ads["ad_id"]) if learning.log else None
    products = catalogue.select(pl.all().cast(pl.String, strict=False)).to_dicts()
    with run.step("facts"):
        return products, writer_ads(ads, products, counts, decided, own)


def _counted(run: Run, path: str, ad_ids: pl.Series) -> pl.DataFrame:
    """How often each ad was shown and clicked; it is said how many of them are not among the ads."""
    import polars as pl

    shown = run.read([path], tables=["impressions"], needs=["ad_id"], secondary=True)
    counts = shown.group_by(pl.col("ad_id").cast(pl.String)).agg(
        impressions=pl.len().cast(pl.Float64), clicks=pl.col("click").cast(pl.Float64).sum()
    )
    others = counts.filter(~pl.col("ad_id").is_in(ad_ids.cast(pl.String).implode()))
    if others.height:
        run.note(
            f"{path}: {others['impressions'].sum():,.0f} of {shown.height:,} impressions are of "
            f"{others.height:,} other ads, and are left out."
        )
    return counts


def _task(
    run: Run,
    known: dict[str, Any],
    found: WriterAds,
    learning: Learning,
    training: TrainingOptions,
    checking: Checking,
    models: Models,
) -> WriterTask:
    """What is to be learned, and what is held out."""
    from adcli.core.training.writer.examples import WriterTask
    from adcli.optimize.writer.judging import judge_of
    from adcli.optimize.writer.pairs import preferences, supported_pairs

    samples = training.samples or SAMPLES
    pairs: list[tuple[int, str]] = []
    preferred: list[tuple[int, str, str, float]] = []
    if learning.stage in {"supervised", "adversarial"}:
        with run.step("checks"):
            pairs, refused = supported_pairs(found, checker_of(run, checking, models, frozenset()))
        run.note(f"{len(pairs):,} ads to learn from; {refused:,} left out, rejected or with findings.")
    elif learning.stage == "preference":
        preferred = preferences(found)
        run.note(f"{len(preferred):,} pairs of a better and a worse ad.")
    elif learning.log is None:
        raise UsageError("--stage reinforce needs clicks.", fix="Give the log of the ads with --log.")
    judged_by = {
        **known,
        "item": found.item,
        "segment": found.segment,
        "columns": training.columns or COLUMNS,
        "market": checking.market,
        "shown": [list(part) for part in found.shown()] if learning.stage == "reinforce" else None,
        "seed": run.seed,
    }
    if learning.stage == "reinforce":
        gain = judge_of(judged_by).gain
        run.note(f"click model: {gain:.3f} nats a click better than a constant, on items it did not see.")
    held_out = found.held_out(learning.held_out, run.seed)
    judging: list[int] = []
    if learning.stage == "adversarial":
        judging = sorted(set(found.held_out(JUDGING, run.seed + 1)) - set(held_out))
    apart = set(held_out)
    earlier, again = _replay(run, found, learning, sum(place not in apart for place, _ in pairs))
    return WriterTask(
        learning.stage,
        found.prompts,
        found.item,
        pairs=pairs,
        replay=again,
        replay_held_out=earlier,
        preferences=preferred,
        held_out=held_out,
        judging=judging,
        discriminator=training.discriminator or "minilm",
        judge=JUDGE,
        judged_by=judged_by,
        samples=samples,
        kept=training.kept or max(2, samples // 2),
        new_tokens=training.new_tokens,
    )


def _replay(
    run: Run, found: WriterAds, learning: Learning, new: int
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Ads of `--from` that are held out, and those that are learned again beside so many new ones."""
    from adcli.optimize.writer.replay import read_replay, replayed

    if learning.start_from is None or learning.stage != "supervised":
        return [], []
    earlier = read_replay(learning.start_from)
    if not earlier.learned:
        run.warn(f"{learning.start_from} keeps no ads it learned from: what is forgotten is not measured.")
    share = REPLAYED if learning.replay_share is None else learning.replay_share
    again = replayed(earlier, new, share, seed=run.seed)
    run.note(f"{len(again):,} ads of {learning.start_from} are replayed beside {new:,} new ones.")
    known = set(found.prompts)
    return [pair for pair in earlier.held_out if pair[0] not in known], again


def _keep_replay(run: Run, folder: Path, task: WriterTask, learning: Learning) -> None:
    """A sample of the ads that this writer and the one of `--from` learned, for one that goes on from it."""
    from adcli.optimize.writer.replay import Replay, read_replay, write_replay

    learned, held_out = read_replay(learning.start_from) if learning.start_from else Replay([], [])
    if task.stage == "supervised":
        learned += _told_in_words(task.pairs_of(task.learned))
        known = set(task.prompts)
        held_out = [pair for pair in held_out if pair[0] not in known]
        held_out += _told_in_words(task.pairs_of(task.held_out))
    if learned:
        write_replay(folder, Replay(learned, held_out), seed=run.seed)


def _told_in_words(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    return [(pair.prompt, pair.text) for pair in pairs if pair.audience is None]


def _adapter(learning: Learning, training: TrainingOptions) -> AdapterSettings:
    from adcli.core.adapters.adapter import AdapterSettings, describe_adapter

    earlier = describe_adapter(learning.start_from) if learning.start_from else {}
    before: Tuning = earlier.get("tuning", "lora")
    rank = earlier.get("settings", {}).get("rank")
    if rank is not None and training.rank not in {None, rank}:
        raise UsageError(
            f"The adapter in {learning.start_from} has the rank {rank}, not {training.rank}, and keeps it.",
            fix="Leave --rank out, or begin anew.",
        )
    return AdapterSettings(training.tune or before, training.rank or rank or RANK)


def _settings(run: Run, training: TrainingOptions, stage: Stage, tuning: str) -> TrainingSettings:
    from adcli.core.adapters.adapter import PEAK_LEARNING_RATES
    from adcli.core.training.settings import TrainingSettings

    steps = training.steps or STEPS[stage]
    often = max(1, steps // EVALUATIONS)
    return TrainingSettings(
        steps=steps,
        batch_size=training.batch_size or BATCH_SIZES[stage],
        learning_rate=training.learning_rate or (PEAK_LEARNING_RATES | LEARNING_RATES[stage])[tuning],
        weight_decay=0.0,
        seed=run.seed,
        evaluate_every=often,
        patience=training.patience,
        checkpoint_every=often,
    )


def _tune(
    run: Run,
    folder: Path,
    task: WriterTask,
    learning: Learning,
    training: TrainingOptions,
    tracking: Tracking,
    models: Models,
) -> Trained:
    from adcli.core.training.writer.tuning import tune_writer

    adapter = _adapter(learning, training)
    settings = _settings(run, training, task.stage, adapter.tuning)
    asked = {**vars(adapter), **vars(settings), "samples": task.samples, "kept": task.kept}
    asked |= {"new_tokens": task.new_tokens, "held_out": learning.held_out}
    name = run.output.name if run.output else "writer"
    with training_step(run, tracking, name, asked) as watched:
        return tune_writer(
            training.model,
            task,
            folder,
            settings=settings,
            adapter=adapter,
            device=models.device,
            precision=models.precision,
            start_from=learning.start_from,
            about={
                "objective": task.stage,
                "settings": asked,
                "learned_from": [record._asdict() for record in run.input_records()],
                "from": str(learning.start_from) if learning.start_from else None,
                "counts": {
                    "prompts": len(task.prompts),
                    "held_out": len(task.held_out),
                    "pairs": len(task.pairs),
                    "replayed": len(task.replay),
                    "preferences": len(task.preferences),
                },
            },
            processes=models.processes,
            **watched,
        )
