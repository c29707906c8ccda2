"""What is said of a tuned writer: its scores, by what segments are told, whether its reward misled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adcli.cli.optimize.writer_options import Learning
from adcli.cli.run import Run

if TYPE_CHECKING:
    from adcli.core.training.settings import Evaluation, Trained


def tell_scores(run: Run, folder: Path, trained: Trained, learning: Learning) -> None:
    """What was gained on items that nothing was learned of, and whether the reward misled."""
    first, best, stage = trained.evaluations[0], trained.best, learning.stage
    if stage == "adversarial":
        _tell_plane(run, folder)
    _tell_changes(run, folder)
    _warn_of_names(run, folder, learning)
    if stage == "reinforce" and best is not None:
        warn_of_divergence(run, trained.evaluations, best)
    if best is None or best.step == 0:
        run.warn("nothing it learned was better on held-out items than what it began with, which is kept.")
        return
    names = {
        "supervised": ("log_likelihood", "log-likelihood of a token"),
        "preference": ("preferred", "share of pairs whose better ad gained"),
        "reinforce": ("held_out_clicks", "click rate by a model of other items"),
        "adversarial": ("accuracy", "accuracy of the discriminator"),
    }
    name, said = names[stage]
    measured = {"before": first.watched, "after": best.watched}
    run.facts["scores"] = {when: dict(values) for when, values in measured.items()}
    run.note(
        f"Held-out items, {said}: {first.watched[name]:.4f} before, {best.watched[name]:.4f} after step "
        f"{best.step:,}; distinct-2 {first.watched['distinct_2']:.3f} and {best.watched['distinct_2']:.3f}, "
        f"divergence {best.watched['kl']:.3f} nats a token."
    )


def _warn_of_names(run: Run, folder: Path, learning: Learning) -> None:
    """Say where segments will be told by their names though vectors were learned."""
    from adcli.core.adapters.adapter import describe_adapter

    if "audience" in describe_adapter(folder):
        return
    if learning.profiles:
        run.warn(
            "no ad for a segment is held out, so that nothing says what tells segments best: their names do."
        )
    elif learning.start_from and "audience" in describe_adapter(learning.start_from):
        run.warn(
            f"{learning.start_from} knows segments by vectors; without --profiles they are told by names."
        )


def warn_of_divergence(run: Run, evaluations: Sequence[Evaluation], best: Evaluation) -> None:
    """Say where the reward went on rising after what it stands for had stopped."""
    from adcli.core.training.writer.watching import is_misled

    last = evaluations[-1]
    if last.watched["reward"] > best.watched["reward"] and last.score < best.score:
        stopped = "training was stopped, and " if is_misled(evaluations) else ""
        run.warn(
            f"from step {best.step:,} to {last.step:,} the reward rose while the click model of other items "
            f"said less: {stopped}the writer of step {best.step:,} is kept."
        )


def _tell_plane(run: Run, folder: Path) -> None:
    """Whether the trained writer lies above the temperature curve of the one it began as."""
    from adcli.core.adapters.adapter import describe_adapter

    plane = describe_adapter(folder)["plane"]
    run.facts["plane"] = plane
    levels = "; ".join(
        f"at diversity {level['diversity']:.2f} by {level['above']:+.2f} (± {level['error']:.2f})"
        for level in plane["after"]
    )
    said = "above the temperature curve" if plane["gain"] else "no gain over the temperature curve"
    run.note(
        f"{said}: not below it at {plane['not_below']} of {len(plane['after'])} levels, in quality "
        f"({levels}; on average {plane['above']:+.2f} ± {plane['error']:.2f}). Quality is the "
        f"{plane['quality']}."
    )


def _tell_changes(run: Run, folder: Path) -> None:
    """By what segments are told, and what was gained on new ads and forgotten of earlier ones."""
    from adcli.core.adapters.adapter import describe_adapter

    content = describe_adapter(folder)
    if "audience" in content:
        found = run.facts["audience"] = content["audience"]
        run.note(
            f"Segments are told by their {found['told_by']}: by vectors a token of clicked ads held out is "
            f"{found['gain']:+.3f} ± {found['error']:.3f} nats likelier than by names ({found['ads']} ads)."
        )
    for name, ads in (("gained", "new"), ("forgotten", "earlier")):
        if name in content:
            found = run.facts[name] = content[name]
            run.note(
                f"{name} on {ads} ads, held out ({found['pairs']:,}): {found['change']:+.3f} nats a token "
                f"({found['before']:.3f} before, {found['after']:.3f} after)."
            )
