"""A writer learns given texts, what is preferred and what earns a reward, and says how far it went."""

from dataclasses import replace

import models
import numpy as np
import pytest
from killed import killed_after

from adcli.core.adapters.adapter import AdapterSettings, attach_adapter, describe_adapter
from adcli.core.models.resolution import resolve_model
from adcli.core.training.encoder.classifier import Classifier
from adcli.core.training.settings import TrainingSettings
from adcli.core.training.writer.discriminator import FOLDER, with_prompt
from adcli.core.training.writer.examples import Clicked, WriterTask
from adcli.core.training.writer.gradient_writer import GradientWriter, load_for_training
from adcli.core.training.writer.tuning import tune_writer
from adcli.core.writing.writer import Writer
from adcli.errors import AdcliError, DataError, UsageError

PROMPTS = [f"which {word}" for word in models.WORDS[:24]]
ANSWERS = [f"the {word}" for word in models.WORDS[:24]]
HELD_OUT = [3, 7, 11, 15, 19, 23]


class LikesLetters:
    """A judge to whom a text is worth the share of its characters that are among some."""

    def __init__(self, content):
        self.liked = set(content["liked"])

    def reward(self, places, texts):
        every = [text for its in texts for text in its]
        return {"letters": np.array([sum(c in self.liked for c in its) / max(len(its), 1) for its in every])}

    def watched(self, places, texts):
        return {"score": float(self.reward(places, texts)["letters"].mean()), "texts": float(len(places))}


def settings(**options):
    usual = {"steps": 40, "batch_size": 6, "learning_rate": 1e-2, "evaluate_every": 20, "checkpoint_every": 0}
    return TrainingSettings(**usual | options)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return str(models.tiny_llama(tmp_path_factory.mktemp("llama")))


@pytest.mark.parametrize("tuning", ["full", "prefix"])
def test_a_text_is_as_likely_alone_as_beside_another_of_its_prompt(llama, tuning):
    source = resolve_model(llama, task="generate")
    model, runtime = load_for_training(source, device="cpu", precision="fp32", is_whole=True)
    model = attach_adapter(model, AdapterSettings(tuning, 4), steps=1, seed=0)
    writer = GradientWriter(model, source, runtime, max_length=64)
    groups = [
        writer.group(prompt, None, [" ".join([text] * length)])
        for prompt, text, length in zip(PROMPTS[:3], ANSWERS[:3], (1, 3, 2), strict=True)
    ]
    twice = writer.log_probabilities([group._replace(texts=group.texts * 2) for group in groups]).tolist()
    alone = writer.log_probabilities(groups).tolist()
    lengths = [len(group.texts[0]) for group in groups]
    starts = np.cumsum([0, *(2 * length for length in lengths)])
    expected = [v for start, n in zip(starts, lengths, strict=False) for v in twice[start : start + n]]
    assert alone == pytest.approx(expected, abs=1e-5)


STYLES = ["the mug", "a cup", "on sale"]
VECTORS = [[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.1, 0.0, 1.0]]


@pytest.fixture(scope="module")
def audiences():
    """A task in which what is said depends on whom it is for, and words of audiences mean nothing."""
    prompts = [f"which {word} for {name}" for word in models.WORDS[:8] for name in ("x1", "x2", "x3")]
    plain = [f"which {word}" for word in models.WORDS[:8] for _ in range(3)]
    said = [STYLES[place % 3] for place in range(24)]
    return WriterTask(
        "supervised", prompts + plain, vectors=VECTORS, audiences=[(24 + at, at % 3) for at in range(24)],
        pairs=[*enumerate(said), *enumerate(said, start=24)], held_out=[*range(18, 24), *range(42, 48)],
        clicked=[Clicked(at, 24 + at, (at + 1) % 3, said[at], 5.0) for at in range(18, 24)], new_tokens=4,
    )  # fmt: skip


@pytest.mark.parametrize(("tuning", "rate"), [("lora", 2e-2), ("prefix", 2e-1)])
def test_what_is_said_depends_on_the_audience(llama, audiences, tmp_path, tuning, rate):
    how = settings(steps=60, learning_rate=rate, evaluate_every=30, batch_size=12)
    tune_writer(llama, audiences, tmp_path / "writer", settings=how, adapter=AdapterSettings(tuning, 4))
    found = describe_adapter(tmp_path / "writer")["audience"]
    assert found["vectors"] > found["others"] + 0.5
    assert found["ads"] == 6
    writer = Writer.load(llama, adapter=tmp_path / "writer")
    told = writer.write(
        [audiences.prompts[24]] * 3, audiences=[tuple(vector) for vector in VECTORS],
        temperature=0, max_new_tokens=6, plain=True,
    )  # fmt: skip
    assert [texts[0][:2] for texts in told] == [style[:2] for style in STYLES]
    (tmp_path / "writer" / "audience.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match=r"audience\.safetensors can not be read"):
        Writer.load(llama, adapter=tmp_path / "writer")


def test_what_is_learned_of_audiences_resumes_to_the_last_bit_and_is_learned_on(llama, audiences, tmp_path):
    how = settings(steps=6, evaluate_every=0, checkpoint_every=4)
    asked = {"settings": how, "adapter": AdapterSettings("lora", 4), "checkpoints": tmp_path / "checkpoints"}
    tune_writer(llama, audiences, tmp_path / "whole", **asked | {"checkpoints": None})
    with pytest.raises(KeyboardInterrupt):
        tune_writer(llama, audiences, tmp_path / "resumed", progress=killed_after(6), **asked)
    tune_writer(llama, audiences, tmp_path / "resumed", **asked)
    whole, resumed = (tmp_path / name / "audience.safetensors" for name in ("whole", "resumed"))
    assert whole.read_bytes() == resumed.read_bytes()
    further = {"start_from": tmp_path / "whole", "adapter": AdapterSettings("lora", 4)}
    tune_writer(llama, audiences, tmp_path / "further", settings=settings(steps=1), **further)
    assert (tmp_path / "further" / "audience.safetensors").read_bytes() != whole.read_bytes()
    narrow = replace(audiences, vectors=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    with pytest.raises(DataError, match="vectors of 2 dimensions, the adapter was taught with 3"):
        tune_writer(llama, narrow, tmp_path / "narrow", settings=settings(steps=1), **further)


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_given_texts_are_learned_and_written(llama, tmp_path, tuning):
    task = WriterTask("supervised", PROMPTS, pairs=list(enumerate(ANSWERS)), held_out=HELD_OUT, new_tokens=4)
    how = settings(steps=80, learning_rate={"lora": 3e-2, "full": 1e-2}[tuning])
    trained = tune_writer(llama, task, tmp_path / "writer", settings=how, adapter=AdapterSettings(tuning))
    assert np.mean(trained.losses[-5:]) < np.mean(trained.losses[:5]) - 0.5
    assert trained.best.score > trained.evaluations[0].score
    first = describe_adapter(tmp_path / "writer")["trained"]["evaluations"][0]
    assert abs(first["watched"]["kl"]) < 0.05
    writer = Writer.load(llama, adapter=tmp_path / "writer")
    written = writer.write([PROMPTS[0]], temperature=0, max_new_tokens=3, plain=True)
    assert written[0][0].startswith("the")


def test_a_prefix_is_learned_whether_cut_off_or_not_and_learned_on(llama, tmp_path):
    task = WriterTask("supervised", PROMPTS, pairs=list(enumerate(ANSWERS)), held_out=HELD_OUT, new_tokens=4)
    how = settings(steps=24, learning_rate=1e-1, evaluate_every=8, checkpoint_every=8)
    asked = {"settings": how, "adapter": AdapterSettings("prefix", 8)}
    trained = tune_writer(llama, task, tmp_path / "whole", **asked)
    assert trained.best.score > trained.evaluations[0].score + 0.1
    asked["checkpoints"] = tmp_path / "checkpoints"
    with pytest.raises(KeyboardInterrupt):
        tune_writer(llama, task, tmp_path / "resumed", progress=killed_after(13), **asked)
    tune_writer(llama, task, tmp_path / "resumed", **asked)
    whole, resumed = (tmp_path / name / "adapter_model.safetensors" for name in ("whole", "resumed"))
    assert resumed.read_bytes() == whole.read_bytes()
    asked |= {"settings": settings(steps=1, evaluate_every=1), "start_from": tmp_path / "whole"}
    further = tune_writer(llama, task, tmp_path / "further", **asked)
    assert further.evaluations[0].score == pytest.approx(trained.best.score, abs=1e-4)


def test_what_is_replayed_is_forgotten_less(llama, tmp_path):
    half = len(PROMPTS) // 2
    old, new = PROMPTS[:half], PROMPTS[half:]
    said = [f"the {prompt.split()[1]}" for prompt in old]
    before = WriterTask("supervised", old, pairs=list(enumerate(said)), held_out=[0], new_tokens=4)
    how = settings(steps=25, learning_rate=3e-2, evaluate_every=0)
    tune_writer(llama, before, tmp_path / "old", settings=how, adapter=AdapterSettings())
    changes = {}
    for name, replay in (("without", []), ("with", list(zip(old[1:], said[1:], strict=True)))):
        task = WriterTask(
            "supervised", new, pairs=[(place, "is on sale") for place in range(half)], held_out=[0, 1],
            replay=replay, replay_held_out=[(old[0], said[0])], new_tokens=4,
        )  # fmt: skip
        tune_writer(
            llama, task, tmp_path / name, settings=how, adapter=AdapterSettings(), start_from=tmp_path / "old"
        )
        changes[name] = describe_adapter(tmp_path / name)
    assert all(found["gained"]["change"] > 0 for found in changes.values())
    assert changes["with"]["forgotten"]["change"] < changes["without"]["forgotten"]["change"] - 0.5


def test_of_two_texts_the_better_one_gains(llama, tmp_path):
    pairs = [(place, f"the {word}", f"a {word}", 1.0) for place, word in enumerate(models.WORDS[:24])]
    task = WriterTask("preference", PROMPTS, preferences=pairs, held_out=HELD_OUT, new_tokens=4)
    trained = tune_writer(
        llama, task, tmp_path / "writer", settings=settings(steps=30), adapter=AdapterSettings()
    )
    assert trained.evaluations[0].watched["preferred"] <= 0.7
    assert trained.best.watched["preferred"] == 1
    assert trained.best.score > trained.evaluations[0].score + 0.05


def test_what_earns_more_is_written_more(llama, tmp_path):
    task = WriterTask(
        "reinforce", PROMPTS, held_out=HELD_OUT, judge=f"{__name__}:LikesLetters",
        judged_by={"liked": "abcdefghijklmnopqrstuvwxyz "}, samples=8, kept=4, new_tokens=6,
    )  # fmt: skip
    logged = []
    trained = tune_writer(
        llama, task, tmp_path / "writer", settings=settings(steps=30, learning_rate=3e-3, batch_size=12),
        adapter=AdapterSettings("full"), log=lambda values, step: logged.append(dict(values)),
    )  # fmt: skip
    assert trained.best.score > trained.evaluations[0].score + 0.15
    assert trained.best.watched["kl"] > 0
    assert {"letters", "reward", "kl"} <= {name for values in logged for name in values}


class LikesNoise(LikesLetters):
    """A judge whose reward is the opposite of what it stands for."""

    def watched(self, places, texts):
        reward = super().watched(places, texts)["score"]
        return {"score": -reward, "reward": reward}


def test_a_training_whose_reward_misleads_is_stopped(llama, tmp_path):
    task = WriterTask(
        "reinforce", PROMPTS, held_out=HELD_OUT, judge=f"{__name__}:LikesNoise",
        judged_by={"liked": "abcdefghijklmnopqrstuvwxyz "}, samples=8, kept=4, new_tokens=6,
    )  # fmt: skip
    trained = tune_writer(
        llama, task, tmp_path / "writer", adapter=AdapterSettings("full"),
        settings=settings(steps=40, learning_rate=3e-3, batch_size=12, evaluate_every=8, patience=9),
    )  # fmt: skip
    assert trained.best.step == 0
    assert trained.steps == 16


def test_two_processes_give_the_loss_curve_of_one(llama, tmp_path):
    task = WriterTask("supervised", PROMPTS, pairs=list(enumerate(ANSWERS)), held_out=HELD_OUT, new_tokens=4)
    curves = [
        tune_writer(
            llama, task, tmp_path / f"by{processes}", settings=settings(steps=6, evaluate_every=0),
            adapter=AdapterSettings("prefix"), precision="fp32", processes=processes,
        ).losses
        for processes in (1, 2)
    ]  # fmt: skip
    np.testing.assert_allclose(*curves, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["supervised", "preference"])
def test_so_they_do_where_only_some_texts_are_for_an_audience(llama, audiences, tmp_path, stage):
    """Of a batch of two one process's share often has no audience, and so no gradient of the prefix."""
    pairs = [(place, said, "zq", 1.0) for place, said in audiences.pairs]
    task = replace(audiences, stage=stage, preferences=pairs, clicked=[])
    curves = [
        tune_writer(
            llama, task, tmp_path / f"by{processes}",
            settings=settings(steps=6, batch_size=2, evaluate_every=0), adapter=AdapterSettings("lora", 4),
            precision="fp32", processes=processes,
        ).losses
        for processes in (1, 2)
    ]  # fmt: skip
    np.testing.assert_allclose(*curves, rtol=1e-4)


@pytest.mark.slow
def test_so_they_do_where_each_samples_its_share(llama, tmp_path):
    judged_by = {
        "products": [{"item_id": "1", "title": "steel mug"}], "own": {}, "item": [0] * 24,
        "segment": [""] * 24, "columns": 20, "market": "us", "shown": None, "seed": 0,
    }  # fmt: skip
    task = WriterTask(
        "reinforce", PROMPTS, held_out=HELD_OUT, judge="adcli.optimize.writer.judging:judge_of",
        judged_by=judged_by, samples=4, kept=4, new_tokens=8,
    )  # fmt: skip
    curves = [
        tune_writer(
            llama, task, tmp_path / f"by{processes}",
            settings=settings(steps=4, batch_size=4, evaluate_every=0), adapter=AdapterSettings("lora", 4),
            precision="fp32", processes=processes,
        ).losses
        for processes in (1, 2)
    ]  # fmt: skip
    assert np.ptp(curves[0]) > 1e-3
    np.testing.assert_allclose(*curves, rtol=1e-3, atol=1e-5)


def test_a_batch_that_is_smaller_than_the_processes_is_said(llama, tmp_path):
    task = WriterTask("supervised", PROMPTS, pairs=list(enumerate(ANSWERS)), held_out=HELD_OUT)
    with pytest.raises(UsageError, match="3 processes can not share a batch of 2"):
        tune_writer(
            llama, task, tmp_path / "writer", settings=settings(batch_size=2), adapter=AdapterSettings(),
            processes=3,
        )  # fmt: skip


def test_a_training_that_comes_apart_writes_nothing(llama, tmp_path):
    task = WriterTask("supervised", PROMPTS, pairs=list(enumerate(ANSWERS)), held_out=HELD_OUT, new_tokens=4)
    with pytest.raises(AdcliError, match="came apart"):
        tune_writer(
            llama, task, tmp_path / "writer", settings=settings(steps=4, learning_rate=1e9, evaluate_every=4),
            adapter=AdapterSettings("full"),
        )  # fmt: skip
    assert not (tmp_path / "writer").exists()


def test_a_text_that_the_model_can_not_hold_is_said(tmp_path):
    gpt2 = str(models.tiny_gpt2(tmp_path / "gpt2", positions=64))
    pairs = [*enumerate(ANSWERS[:-1]), (23, "soft mug " * 60)]
    task = WriterTask("supervised", PROMPTS, pairs=pairs, held_out=HELD_OUT, new_tokens=4)
    with pytest.raises(DataError, match="of which the model can read") as refused:
        tune_writer(gpt2, task, tmp_path / "writer", settings=settings(), adapter=AdapterSettings())
    assert "The text 'soft mug soft mug" in str(refused.value)


def test_of_few_clicked_ads_no_vector_is_said_to_be_better(llama, audiences, tmp_path):
    how = settings(steps=30, learning_rate=2e-2, evaluate_every=0, batch_size=12)
    task = replace(audiences, clicked=audiences.clicked[:1])
    tune_writer(llama, task, tmp_path / "writer", settings=how, adapter=AdapterSettings("lora", 4))
    found = describe_adapter(tmp_path / "writer")["audience"]
    assert found["gain"] > found["error"] == 0
    assert found["told_by"] == "names"


@pytest.mark.parametrize("stage", ["supervised", "preference"])
def test_nothing_held_out_to_score_by_is_said(llama, tmp_path, stage):
    pairs = [(place, text) for place, text in enumerate(ANSWERS) if place not in HELD_OUT]
    better = [(place, text, "zq", 1.0) for place, text in pairs]
    task = WriterTask(stage, PROMPTS, pairs=pairs, preferences=better, held_out=HELD_OUT)
    with pytest.raises(DataError, match="of the items held out, to score by"):
        tune_writer(llama, task, tmp_path / "writer", settings=settings(), adapter=AdapterSettings())


def test_too_few_examples_are_said(llama, tmp_path):
    task = WriterTask("supervised", PROMPTS[:3], pairs=[(0, "the mug")])
    with pytest.raises(DataError, match="1 pairs to learn from"):
        tune_writer(llama, task, tmp_path / "writer", settings=settings(), adapter=AdapterSettings())


@pytest.fixture(scope="module")
def adversarial(tmp_path_factory):
    """A task whose human texts all say "the" and a word of their prompt."""
    return WriterTask(
        "adversarial", PROMPTS, pairs=list(enumerate(ANSWERS)), held_out=HELD_OUT, judging=[1, 5, 9, 13, 17],
        discriminator=str(models.tiny_bert(tmp_path_factory.mktemp("bert"))), samples=6, kept=4, new_tokens=4,
    )  # fmt: skip


def test_an_adversary_is_watched_and_judged_on_the_plane_of_quality_and_diversity(
    llama, adversarial, tmp_path
):
    trained = tune_writer(
        llama, adversarial, tmp_path / "writer", settings=settings(steps=6, evaluate_every=3),
        adapter=AdapterSettings(),
    )  # fmt: skip
    first, last = trained.evaluations[0], trained.evaluations[-1]
    assert {"accuracy", "quality", "diversity", "reward", "kl"} <= set(last.watched)
    assert first.watched["accuracy"] > 0.8  # noise of a random writer against two plain words
    plane = describe_adapter(tmp_path / "writer")["plane"]
    assert {"before", "after", "not_below", "gain"} <= set(plane)
    kept = Classifier.load(tmp_path / "writer" / FOLDER, model=adversarial.discriminator)
    noise = [with_prompt(prompt, "zq xx jv") for prompt in PROMPTS]
    people = [with_prompt(*pair) for pair in zip(PROMPTS, ANSWERS, strict=True)]
    human, generated = (kept.probabilities(texts)[:, 1].mean() for texts in (people, noise))
    assert human > generated


def test_an_adversary_killed_midway_ends_as_one_that_was_not(llama, adversarial, tmp_path):
    how = settings(steps=6, evaluate_every=0, checkpoint_every=5, batch_size=4)
    whole = tune_writer(llama, adversarial, tmp_path / "whole", settings=how, adapter=AdapterSettings())

    with pytest.raises(KeyboardInterrupt):
        tune_writer(
            llama, adversarial, tmp_path / "killed", settings=how, adapter=AdapterSettings(),
            checkpoints=tmp_path / "kept", progress=killed_after(6),
        )  # fmt: skip
    resumed = []
    again = tune_writer(
        llama, adversarial, tmp_path / "again", settings=how, adapter=AdapterSettings(),
        checkpoints=tmp_path / "kept", progress=resumed.append,
    )  # fmt: skip
    assert resumed[0] == 5
    assert again.losses == whole.losses


@pytest.mark.slow
def test_an_adversary_in_two_processes_has_the_loss_curve_of_one(llama, adversarial, tmp_path):
    curves = [
        tune_writer(
            llama, adversarial, tmp_path / f"by{processes}",
            settings=settings(steps=5, evaluate_every=0, batch_size=4), adapter=AdapterSettings(),
            precision="fp32", processes=processes,
        ).losses
        for processes in (1, 2)
    ]  # fmt: skip
    np.testing.assert_allclose(*curves, rtol=1e-3, atol=1e-5)
