"""How texts are to be written."""

from __future__ import annotations

from dataclasses import dataclass

from adcli.errors import UsageError


@dataclass(frozen=True)
class WritingSettings:
    """All that a text depends on beside the model, the prompt and the number of its row.

    Attributes:
        n: Texts for each prompt.
        max_new_tokens: Most tokens of a text.
        temperature: Scores are divided by it; 0 always takes the likeliest token.
        top_k: Only so many likeliest tokens are considered; 0 considers all.
        top_p: Of these only the likeliest that together reach this probability.
        seed: Of all random numbers.
        system: The system message before each prompt.
        plain: Whether prompts are continued as they stand, whatever chat template the model has.

    Raises:
        UsageError: If one of them makes no sense.
    """

    n: int = 1
    max_new_tokens: int = 64
    temperature: float = 0.8
    top_k: int = 50
    top_p: float = 0.95
    seed: int = 0
    system: str | None = None
    plain: bool = False

    def __post_init__(self) -> None:
        senseless = {
            f"--n {self.n}": self.n < 1,
            f"--max-new-tokens {self.max_new_tokens}": self.max_new_tokens < 1,
            f"--temperature {self.temperature}": not 0 <= self.temperature < float("inf"),
            f"--top-k {self.top_k}": self.top_k < 0,
            f"--top-p {self.top_p}": not 0 < self.top_p <= 1,
            f"--seed {self.seed}": self.seed < 0,
        }
        for option, is_senseless in senseless.items():
            if is_senseless:
                raise UsageError(f"{option} makes no sense.", fix="The help of the command says what does.")
