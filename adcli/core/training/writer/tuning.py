"""Tuning a writer, alone or in several processes that share each batch, and writing its adapter.

What a text is worth is no matter of this room: a `Judge` says it, which each process makes for itself of what
JSON can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adcli.core.adapters.adapter import AdapterSettings, adapter_fingerprint
from adcli.core.models.resolution import resolve_model
from adcli.core.processes.job import Rank
from adcli.core.processes.runtime import Device, Precision, start_runtime
from adcli.core.training.checkpoints import checkpoint_folder
from adcli.core.training.ranks import said_by, train_in_ranks
from adcli.core.training.settings import Log, Progress, Trained, TrainingSettings
from adcli.core.training.writer.examples import Judge, Pair, WriterTask, check_count
from adcli.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from adcli.core.adapters.audience import AudiencePrefix
    from adcli.core.training.loop import Objective
    from adcli.core.training.writer.adversary import Adversary
    from adcli.core.training.writer.discriminator import Discriminator
    from adcli.core.training.writer.gradient_writer import GradientWriter
    from adcli.core.writing.live import LiveWriting


@dataclass(frozen=True)
class WriterTuning:
    """What `tune_writer` was asked for; paths are absolute, empty for none."""

    name: str
    model: str
    task: WriterTask
    directory: str
    settings: TrainingSettings
    adapter: AdapterSettings
    device: Device
    precision: Precision
    start_from: str
    checkpoints: str
    about: Mapping[str, object]


def tune_writer(
    model: str,
    task: WriterTask,
    directory: Path,
    *,
    settings: TrainingSettings,
    adapter: AdapterSettings,
    device: Device = "auto",
    precision: Precision = "auto",
    start_from: Path | None = None,
    checkpoints: Path | None = None,
    about: Mapping[str, object] | None = None,
    processes: int | None = None,
    log: Log = lambda values, step: None,
    progress: Progress = lambda steps: None,
) -> Trained:
    """Tune a writer, and write its adapter into a directory.

    Args:
        model: A directory, a short name, or a model of the Hugging Face cache or hub.
        task: What it is to learn.
        directory: Is filled with the adapter of the best evaluation, or of the last step without one.
        settings: How; a batch is of all processes together.
        adapter: Which weights are trained.
        device: Where it computes.
        precision: "auto" takes bf16 products where the machine has them.
        start_from: An adapter of the same model and kind whose training is continued.
        checkpoints: A folder; a training of the same model, data and settings resumes from it.
        about: What else the adapter's JSON is to say.
        processes: Processes that share each step; as many as there are GPUs (CPU: 1) if None.
        log: Called with losses and scores by name, and the step.
        progress: Called with the number of further steps that are done.

    Raises:
        UsageError: If the model or the adapter is not there, or a batch is too small for the processes.
        DataError: If there are too few examples, or model or adapter can not be used.
    """
    check_count(task, settings.batch_size)
    runtime = start_runtime(device=device, precision=precision, processes=processes)
    if settings.batch_size < runtime.processes:
        raise UsageError(
            f"{runtime.processes} processes can not share a batch of {settings.batch_size}.",
            fix="Give a larger --batch-size, or fewer --processes.",
        )
    asked = WriterTuning(
        model,
        str(resolve_model(model, task="generate").path),
        task,
        str(directory.absolute()),
        settings,
        adapter,
        device,
        precision,
        str(start_from.absolute()) if start_from else "",
        str(checkpoints.absolute()) if checkpoints else "",
        about or {},
    )
    if runtime.processes == 1:
        return _tune(asked, log, progress, rank=0, processes=1)

    function = f"{__name__}:tune_rank"
    return train_in_ranks(function, asdict(asked), processes=runtime.processes, log=log, progress=progress)


def tune_rank(content: Mapping[str, Any], rank: Rank) -> dict[str, Any]:
    """Tune as one of several processes, each of which makes a share of every batch; what came of it."""
    nested = {
        "task": WriterTask(**content["task"]),
        "settings": TrainingSettings(**content["settings"]),
        "adapter": AdapterSettings(**content["adapter"]),
    }
    asked = WriterTuning(**{**content, **nested})
    start_runtime(device=asked.device, precision=asked.precision, processes=rank.processes)
    trained = _tune(asked, *said_by(rank), rank=rank.number, processes=rank.processes)
    return trained._asdict()


def _tune(asked: WriterTuning, log: Log, progress: Progress, *, rank: int, processes: int) -> Trained:
    """Tune in this process, alone or as one of several that do the same."""
    from adcli.core.training.tuning import tune
    from adcli.core.training.writer.gradient_writer import GradientWriter, load_for_training

    source = replace(resolve_model(asked.model, task="generate"), name=asked.name)
    is_whole = asked.adapter.tuning == "full"
    model, runtime = load_for_training(
        source, device=asked.device, precision=asked.precision, is_whole=is_whole
    )

    length, audience = asked.task.max_length, _audience(model, asked)

    def objective(tuned: PreTrainedModel) -> Objective:
        writer = GradientWriter(tuned, source, runtime, max_length=length, audience=audience)
        return _objective(writer, asked, processes, log)

    models = [source.fingerprint, adapter_fingerprint(asked.start_from)]
    if asked.task.stage == "adversarial":
        models.append(resolve_model(asked.task.discriminator, task="embed").fingerprint)
    identity = {
        "model": models,
        "asked": [asdict(asked.task), asdict(asked.settings), asdict(asked.adapter)],
        "computed": [asked.precision, processes],
    }
    return tune(
        model,
        source,
        Path(asked.directory),
        objective=objective,
        adapter=asked.adapter,
        settings=asked.settings,
        start_from=Path(asked.start_from) if asked.start_from else None,
        checkpoints=checkpoint_folder(Path(asked.checkpoints), identity) if asked.checkpoints else None,
        about=asked.about,
        log=log,
        progress=progress,
        rank=rank,
        processes=processes,
    )


def _audience(model: PreTrainedModel, asked: WriterTuning) -> AudiencePrefix | None:
    """What is to be taught of audiences, as it begins; None if nothing is."""
    from adcli.core.adapters.audience import AudiencePrefix

    vectors = asked.task.vectors
    known = AudiencePrefix.load(Path(asked.start_from)) if asked.start_from else None
    if known is not None:
        return known.to(model.device)
    return AudiencePrefix.begin(model, vectors, seed=asked.settings.seed) if vectors else None


def _objective(writer: GradientWriter, asked: WriterTuning, processes: int, log: Log) -> Objective:
    import torch

    from adcli.core.adapters.audience import LEARNING_RATES
    from adcli.core.training.loop import Objective
    from adcli.core.training.writer.reinforcement import live_writing
    from adcli.core.training.writer.watching import Watch, best_told, gained_and_forgotten, is_misled

    task, settings = asked.task, asked.settings
    judge, live = _judge(task), live_writing(writer)
    adversary = None
    beside: list[torch.nn.Module] = [] if writer.audience is None else [writer.audience]
    reports: list[Callable[[], Mapping[str, object]]] = []
    if task.clicked:
        reports.append(partial(best_told, writer, task))
    if task.replay_held_out:
        reports.append(partial(gained_and_forgotten, writer, task))
    if task.stage == "adversarial":
        discriminator, adversary = _adversary(writer, live, asked, judge)
        beside.append(discriminator)
        reports.append(adversary.report)
    learn = _learner(writer, live, asked, adversary or judge, processes, log)

    def add_gradients(number: int, seed: int) -> float:
        if adversary is not None:
            adversary.before_batch(number // processes)
        return learn(number, seed)

    def save(directory: Path) -> None:
        for its in (writer.audience, adversary):
            if its is not None:
                its.save(directory)

    return Objective(
        add_gradients,
        Watch(writer, live, task, adversary or judge, seed=settings.seed),
        torch.nn.ModuleList(beside) if beside else None,
        LEARNING_RATES[asked.adapter.tuning],
        adversary.memory if adversary else None,
        lambda: {name: said for report in reports for name, said in report().items()},
        save,
        is_misled if task.stage == "reinforce" else None,
    )


def _learner(
    writer: GradientWriter,
    live: LiveWriting,
    asked: WriterTuning,
    judge: Judge | None,
    processes: int,
    log: Log,
) -> Callable[[int, int], float]:
    """What adds a batch's gradients, by stage."""
    from adcli.core.training.writer.likelihood import Preference, Supervised
    from adcli.core.training.writer.reinforcement import Reinforcement

    task, settings = asked.task, asked.settings
    if task.stage == "supervised":
        pairs = [*task.pairs_of(task.learned), *(Pair(prompt, text) for prompt, text in task.replay)]
        return Supervised(writer, pairs, settings, processes).add_gradients
    if task.stage == "preference":
        learned = task.preferences_of(task.learned)
        return Preference(writer, learned, settings, processes).add_gradients
    if judge is None:
        raise TypeError("reinforcement needs somebody to say what a text is worth")
    places = task.learned
    learner = Reinforcement(
        writer,
        live,
        [writer.group(*prompt) for prompt in task.asked(places)],
        lambda some, texts: judge.reward([places[place] for place in some], texts),
        settings,
        how=(task.samples, task.kept, task.new_tokens),
        processes=processes,
    )

    def add_gradients(number: int, seed: int) -> float:
        loss = learner.add_gradients(number, seed)
        log(learner.seen, number // (processes * settings.accumulate))
        return loss

    return add_gradients


def _adversary(
    writer: GradientWriter, live: LiveWriting, asked: WriterTuning, judge: Judge | None
) -> tuple[Discriminator, Adversary]:
    """A discriminator as the judge of the writer, and itself judged by the plane of quality and diversity."""
    from adcli.core.training.encoder.gradient_encoder import GradientEncoder
    from adcli.core.training.encoder.gradient_encoder import load_for_training as load_encoder
    from adcli.core.training.writer.adversary import Adversary
    from adcli.core.training.writer.discriminator import LONGEST, Discriminator
    from adcli.core.training.writer.plane import Plane, compared
    from adcli.core.training.writer.reinforcement import written_by
    from adcli.core.training.writer.watching import PROMPTS, SAMPLES
    from adcli.core.writing.settings import WritingSettings

    task, settings = asked.task, asked.settings
    prompts = [writer.group(*prompt) for prompt in task.asked(range(len(task.prompts)))]

    def write(places: Sequence[int], temperature: float, n: int, seed: int) -> list[list[str]]:
        how = WritingSettings(n, task.new_tokens, temperature, 0, 1.0, seed)
        written = written_by(live, [prompts[place] for place in places], how, places)
        return [[writer.reader.read_back(ids.tolist()) for ids in group.texts] for group in written]

    how: dict[str, Any] = {"device": asked.device, "precision": asked.precision}
    source = resolve_model(task.discriminator, task="embed")
    frozen = GradientEncoder(load_encoder(source, **how).eval(), source, max_length=LONGEST, **how)
    plane = Plane(write, frozen.encode, task, compared(task, PROMPTS), SAMPLES, settings.seed + 1)
    discriminator = Discriminator(task.discriminator, seed=settings.seed, **how)
    return discriminator, Adversary(discriminator, write, task, plane, judge, settings)


def _judge(task: WriterTask) -> Judge | None:
    if not task.judge:
        return None
    module, _, function = task.judge.partition(":")
    made: Judge = getattr(import_module(module), function)(task.judged_by)
    return made
