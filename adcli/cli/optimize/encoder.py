"""`adcli optimize encoder`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adcli.cli.command import command
from adcli.cli.optimize.encoder_data import Data, read_data, read_rows
from adcli.cli.optimize.encoder_options import Learning, TrainingOptions
from adcli.cli.optimize.training import training_step
from adcli.cli.options import Inputs, Models, Tracking
from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from adcli.core.adapters.adapter import AdapterSettings, Tuning
    from adcli.core.encoding.encoder import Encoder
    from adcli.core.training.encoder.evaluations import HeldOut
    from adcli.core.training.encoder.examples import Examples
    from adcli.core.training.settings import Trained, TrainingSettings
    from adcli.optimize.encoder.replay import Material

STEPS = 300
BATCH_SIZE, DISTILLATION_BATCH_SIZE = 64, 128
DISTILLATION_LEARNING_RATES = {"full": 1e-3, "lora": 1e-2}  # the usual ones are for going a short way
EVALUATIONS = 8
SAMPLE = "replay.json"


@command
def encoder(
    learning: Learning,
    training: TrainingOptions,
    tracking: Tracking,
    models: Models,
    run: Run,
    inputs: Inputs = None,
) -> None:
    """Tune the encoder on the shop's own behaviour, labels or texts.

    The directory it writes is what --adapter takes. A run that was killed resumes from its last checkpoint.

    \b
    Examples:
      adcli optimize encoder events.parquet --catalog products.parquet -o encoder
      adcli optimize encoder reviews.csv --label recommended --tune full -o encoder
      adcli optimize encoder today.parquet --catalog products.parquet --from encoder -o encoder2
      adcli optimize encoder reviews.csv --label topic --suggest 50 -o to_label.csv
    """
    if learning.suggest is not None:
        _suggest(run, inputs, learning, training, models)
        return
    _check(run, learning, training, tracking)
    folder = run.directory()
    data = read_data(run, inputs, learning)
    earlier = _earlier(run, learning)
    objective, examples = _examples(run, data, earlier, learning, training, models)
    trained = _tune(run, folder, data, objective, examples, learning, training, tracking, models)
    _report(run, folder, data, earlier, trained, learning, training, models)


def _check(run: Run, learning: Learning, training: TrainingOptions, tracking: Tracking) -> None:
    from adcli.core.tracking import check_tracker

    if training.steps is not None and training.epochs is not None:
        raise UsageError("--steps and --epochs say the same thing.", fix="Give one of them.")
    if learning.replay and learning.start_from is None:
        raise UsageError("--replay is what an earlier directory learned from.", fix="Name it with --from.")
    check_tracker(tracking.track)
    if learning.start_from is not None:
        run.learned(learning.start_from)


def _earlier(run: Run, learning: Learning) -> Data | None:
    """What the directory of `--from` learned from: `--replay`, or the sample it kept."""
    if learning.start_from is None:
        return None
    if learning.replay:
        return read_data(run, learning.replay, learning)
    from adcli.core.models.files import read_json
    from adcli.optimize.encoder.replay import sample_from_json

    if not (learning.start_from / SAMPLE).is_file():
        run.warn(
            f"{learning.start_from} keeps no sample of its training data: what is forgotten is not measured."
        )
        return None
    material, test = sample_from_json(read_json(learning.start_from / SAMPLE))
    return Data(material, None, test, (), {})


def _examples(
    run: Run, data: Data, earlier: Data | None, learning: Learning, training: TrainingOptions, models: Models
) -> tuple[str, Examples]:
    """The objective and what it learns from."""
    from adcli.core.training.encoder.examples import Pairs
    from adcli.optimize.encoder.examples import (
        check_objective,
        default_objective,
        examples_for,
        with_hard_negatives,
    )

    objective = learning.objective or (
        "contrastive" if training.hard_negatives else default_objective(data.material)
    )
    check_objective(objective, data.material)
    if training.hard_negatives and objective != "contrastive":
        raise UsageError(f"--hard-negatives are for pairs, not for --objective {objective}.")
    if objective == "collaborative":
        return objective, _teacher_vectors(run, data, earlier, learning, training, models)
    batches = (training.steps or STEPS) * training.accumulate * (models.processes or 1)
    most = batches * (training.batch_size or BATCH_SIZE)
    if training.epochs is not None:
        most = len(data.material[0]) * 20
    examples = examples_for(objective, _with_earlier(run, data, earlier), most=most, seed=run.seed)
    if training.hard_negatives and isinstance(examples, Pairs):
        with run.step("hard negatives"):
            encode = _encoder(training, models, learning.start_from).encode
            examples = with_hard_negatives(examples, data.documents, encode, seed=run.seed)
    return objective, examples


def _adapter_settings(learning: Learning, training: TrainingOptions) -> AdapterSettings:
    """Which weights are trained: as asked for, or as in `--from`."""
    from adcli.core.adapters.adapter import AdapterSettings, describe_adapter

    before: Tuning = describe_adapter(learning.start_from)["tuning"] if learning.start_from else "lora"
    return AdapterSettings(training.tune or before, training.rank)


def _training_settings(
    run: Run, training: TrainingOptions, objective: str, examples: Examples, tuning: Tuning
) -> TrainingSettings:
    """How long and how fast, by the options and by how much there is to learn from."""
    from adcli.core.adapters.adapter import PEAK_LEARNING_RATES
    from adcli.core.training.settings import TrainingSettings

    is_distillation = objective == "collaborative"
    usual = DISTILLATION_BATCH_SIZE if is_distillation else BATCH_SIZE
    batch = min(training.batch_size or usual, max(len(examples[0]), 2))
    steps = training.steps or STEPS
    if training.epochs is not None:
        steps = max(1, round(training.epochs * len(examples[0]) / (batch * training.accumulate)))
    rates = PEAK_LEARNING_RATES | (DISTILLATION_LEARNING_RATES if is_distillation else {})
    often = max(1, steps // EVALUATIONS)
    return TrainingSettings(
        steps=steps,
        batch_size=batch,
        accumulate=training.accumulate,
        learning_rate=training.learning_rate or rates[tuning],
        seed=run.seed,
        evaluate_every=often,
        patience=training.patience,
        checkpoint_every=often,
    )


def _with_earlier(run: Run, data: Data, earlier: Data | None) -> Material:
    """What is learned from, a part of it from the data of `--from`."""
    from adcli.optimize.encoder.replay import mixed

    material = _learned_again(run, data, earlier)
    return data.material if material is None else mixed(data.material, material, seed=run.seed)


def _learned_again(run: Run, data: Data, earlier: Data | None) -> Material | None:
    """The data of `--from`, if they are of the same kind as the new."""
    if earlier is None:
        return None
    if type(earlier.material) is type(data.material):
        return earlier.material
    run.warn("The earlier data are of another kind than the input, so none are learned again.")
    return None


def _teacher_vectors(
    run: Run, data: Data, earlier: Data | None, learning: Learning, training: TrainingOptions, models: Models
) -> Examples:
    """The vectors that behaviour gives to texts; those of earlier data keep what they have."""
    from adcli.core.training.encoder.examples import Pairs
    from adcli.optimize.encoder.collaborative import baskets, teacher_vectors

    if not isinstance(data.material, Pairs) or data.taken is None:
        raise TypeError("only of behaviour is it known what was taken together")
    before = _learned_again(run, data, earlier)
    known = [*before.anchors, *before.positives] if isinstance(before, Pairs) else []
    with run.step("item vectors"):
        encode = _encoder(training, models, learning.start_from).encode
        return teacher_vectors(baskets(data.taken), data.material, known, encode, seed=run.seed)


def _tune(
    run: Run,
    folder: Path,
    data: Data,
    objective: str,
    examples: Examples,
    learning: Learning,
    training: TrainingOptions,
    tracking: Tracking,
    models: Models,
) -> Trained:
    from adcli.core.training.encoder.tuning import EncoderTrainingSettings, tune_encoder

    about = {
        "objective": objective,
        "learned_from": [record._asdict() for record in run.input_records()],
        "counts": data.counts,
        "cutoff": learning.cutoff,
        "from": str(learning.start_from) if learning.start_from else None,
        "text": run.columns(learning.text),
    }
    adapter = _adapter_settings(learning, training)
    settings = _training_settings(run, training, objective, examples, adapter.tuning)
    encoder = EncoderTrainingSettings(
        training.temperature, training.train_length, models.device, models.precision
    )
    asked = {**vars(adapter), **vars(settings), **vars(encoder)}
    name = run.output.name if run.output else "encoder"
    with training_step(run, tracking, name, asked) as watched:
        trained = tune_encoder(
            training.model,
            examples,
            folder,
            settings=settings,
            adapter=adapter,
            encoder=encoder,
            evaluate=data.validation,
            start_from=learning.start_from,
            about=about,
            processes=models.processes,
            **watched,
        )
    run.facts["examples_per_second"] = round(trained.examples_per_second, 1)
    return trained


def _report(
    run: Run,
    folder: Path,
    data: Data,
    earlier: Data | None,
    trained: Trained,
    learning: Learning,
    training: TrainingOptions,
    models: Models,
) -> None:
    """Score the encoder as it was and as it is, write that into its directory, and say it."""
    import json

    from adcli.core.adapters.adapter import add_to_description
    from adcli.optimize.encoder.replay import sample_to_json

    tests = (
        {"new data": data.test} if earlier is None else {"new data": data.test, "earlier data": earlier.test}
    )
    asked = {name: test for name, test in tests.items() if test is not None}
    with run.step("score"):
        encoders = [_encoder(training, models, its) for its in (learning.start_from, folder)]
        scores = {name: _change(test, *encoders) for name, test in asked.items()}
        _write_head(folder, data, encoders[1])
    add_to_description(folder, {"scores": scores})
    sample = sample_to_json(data.material, data.test, seed=run.seed)
    (folder / SAMPLE).write_text(json.dumps(sample, ensure_ascii=False) + "\n", "utf-8")
    run.facts["scores"] = scores
    if trained.best is not None and trained.best.step == 0:
        run.warn("nothing it learned was better on held-out data than what it began with, which is kept.")
    if not scores:
        run.warn("there was too little to hold any of it out: the encoder is not scored.")
    for name, found in scores.items():
        run.note(_sentence(name if earlier is not None else "", found))


def _change(test: HeldOut, before: Encoder, after: Encoder) -> dict[str, Any]:
    first, second = test(before.encode), test(after.encode)
    return {
        "metric": test.metric,
        "asked": test.asked,
        "before": round(first, 4),
        "after": round(second, 4),
        "change": round(second - first, 4),
    }


def _sentence(name: str, found: dict[str, Any]) -> str:
    word = "gained" if found["change"] >= 0 else ("forgot" if name == "earlier data" else "lost")
    where = f" on {name}" if name else ""
    return (
        f"{found['metric']}{where}, held out ({found['asked']:,} asked): {found['before']:.3f} before, "
        f"{found['after']:.3f} after ({word} {abs(found['change']):.3f})"
    )


def _write_head(folder: Path, data: Data, encoder: Encoder) -> None:
    """For labels: the logistic head on the tuned vectors."""
    from adcli.core.training.encoder.examples import Labelled, fit_head, save_head

    if isinstance(data.material, Labelled):
        learned = data.material
        head = fit_head(
            encoder.encode(learned.texts),
            learned.labels,
            len(learned.names),
            groups=learned.groups,
            weights=learned.weights,
        )
        save_head(folder, *head)


def _encoder(training: TrainingOptions, models: Models, adapter: Path | None) -> Encoder:
    from adcli.core.encoding.encoder import Encoder

    return Encoder.load(
        training.model,
        device=models.device,
        precision=models.precision,
        adapter=adapter,
        processes=models.processes,
    )


def _suggest(
    run: Run, inputs: list[str] | None, learning: Learning, training: TrainingOptions, models: Models
) -> None:
    from adcli.optimize.encoder.suggestions import suggest

    if learning.start_from is not None:
        run.learned(learning.start_from)
    rows = read_rows(run, inputs, learning)
    if None not in rows.labels:
        raise UsageError(
            f"--suggest {learning.suggest}: every row has a value in {learning.label}.",
            fix="Leave the label of rows that have none yet empty.",
        )
    with run.step("encode"), run.console.progress("embedding", len(rows.texts), "texts") as bar:
        vectors = _encoder(training, models, learning.start_from).encode(rows.texts, bar)
    most = int(learning.suggest or 0)
    run.write(suggest(rows.frame, vectors, rows.labels, rows.names, most=most, seed=run.seed))
