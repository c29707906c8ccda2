"""`adcli optimize roles`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from adcli.cli.command import command
from adcli.cli.optimize.training import training_step
from adcli.cli.option_rules import option_group
from adcli.cli.options import Device, Inputs, Precision, Tracking
from adcli.cli.run import TablelessRun
from adcli.errors import UsageError

if TYPE_CHECKING:
    from adcli.core.roles.frames import Sentence
    from adcli.optimize.roles import Split

CHECKPOINTS = 8


@option_group("Training")
class TrainingOptions:
    """How roles are learned."""

    epochs: float = typer.Option(15.0, min=0.001, help="Passes over the sentences.")
    batch_size: int = typer.Option(16, min=2, help="Sentences of a batch.")
    learning_rate: float = typer.Option(1.5e-4, min=1e-9, help="Peak learning rate.")


@command
def roles(
    run: TablelessRun,
    training: TrainingOptions,
    tracking: Tracking,
    inputs: Inputs = None,
    model: str = typer.Option(
        "minilm", help="Directory, short name or hub name of the encoder.", rich_help_panel="Models"
    ),
    device: Device = "auto",
    precision: Precision = "auto",
    held_out: float = typer.Option(
        0.2, min=0.01, max=0.9, help="Share of the sentences, in whole documents, to score on."
    ),
) -> None:
    """Learn semantic role labelling: who does what, for whom, with what, read off product texts.

    INPUT is CoNLL-U with role columns, such as the files of Universal PropBank. The directory it writes is
    what `adcli generate --roles` takes; its JSON has precision, recall and F1 by role on documents held out.

    \b
    Examples:
      adcli optimize roles en_ewt-up-train.conllu -o roles
      adcli generate products.parquet --roles roles -o ads.jsonl
    """
    from adcli.core.roles.conllu import read_conllu
    from adcli.core.tracking import check_tracker
    from adcli.optimize.roles import split_by_document

    check_tracker(tracking.track)
    folder = run.directory()
    documents = [
        document for name, text in run.texts(inputs) for document in read_conllu(text.splitlines(), name)
    ]
    run.count(sum(map(len, documents)), 0)
    split = split_by_document(documents, share=held_out, seed=run.seed)
    _learn(run, folder, split, training, tracking, model, (device, precision))
    _score(run, folder, split.held_out, device, precision)


def _learn(
    run: TablelessRun,
    folder: Path,
    split: Split,
    training: TrainingOptions,
    tracking: Tracking,
    model: str,
    where: tuple[Device, Precision],
) -> None:
    from adcli.core.roles.training import tune_roles
    from adcli.core.training.settings import TrainingSettings

    learned = [sentence for sentence in split.learned if sentence.frames]
    if len(learned) < training.batch_size:
        raise UsageError(
            f"{len(learned)} sentences have roles, fewer than one batch of {training.batch_size}.",
            fix="Give more data, or a smaller --batch-size.",
        )
    steps = max(1, round(training.epochs * len(learned) / training.batch_size))
    settings = TrainingSettings(
        steps=steps,
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        seed=run.seed,
        evaluate_every=0,
        checkpoint_every=max(1, steps // CHECKPOINTS),
    )
    with training_step(run, tracking, "roles", vars(settings)) as watched:
        tune_roles(
            model,
            learned,
            folder,
            settings=settings,
            device=where[0],
            precision=where[1],
            about={
                "objective": "semantic roles",
                "settings": vars(settings),
                "learned_from": [record._asdict() for record in run.input_records()],
                "counts": {"sentences": len(learned), "predicates": sum(len(s.frames) for s in learned)},
            },
            **watched,
        )


def _score(
    run: TablelessRun, folder: Path, held_out: list[Sentence], device: Device, precision: Precision
) -> None:
    """Score the labeller on the documents held out, write that into its directory, and say it."""
    from adcli.core.adapters.adapter import add_to_description
    from adcli.core.roles.labeller import RoleLabeller
    from adcli.optimize.roles import score_predicates, score_roles

    with run.step("score"):
        labeller = RoleLabeller.load(folder, device=device, precision=precision)
        words = [sentence.words for sentence in held_out]
        given = labeller.label(words, [[frame.predicate for frame in s.frames] for s in held_out])
        by_role = score_roles(given, held_out)
        predicates = score_predicates(labeller.label(words), held_out)
    scores: dict[str, Any] = {
        "roles": {name: found._asdict() for name, found in by_role.items()},
        "predicates": predicates._asdict(),
    }
    add_to_description(folder, {"scores": scores})
    run.facts["scores"] = scores
    whole = by_role["all"]
    run.note(
        f"Roles at given predicates, on documents held out: F1 {whole.f1:.3f} (precision "
        f"{whole.precision:.3f}, recall {whole.recall:.3f}, {whole.there:,} arguments)."
    )
    run.note(f"Predicates: F1 {predicates.f1:.3f} of {predicates.there:,}.")
