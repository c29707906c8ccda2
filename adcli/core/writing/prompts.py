"""Prompts as a language model wants them: asked through its chat template, or to be continued."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.core.models.loading import load_tokenizer
from adcli.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from adcli.core.adapters.audience import Audience
    from adcli.core.writing.closing import TokenShapes

Ids = npt.NDArray[np.int32]
Prompt = str | list[dict[str, str]]  # a text, or messages of a chat (role and content)


class Request(NamedTuple):
    """What is to be written once or several times.

    Attributes:
        row: A number that its random numbers depend on.
        prompt: What is asked, or to be continued.
        columns: Display columns that a text may take, which then is one sentence; None for any number.
        audience: The profile vector of whom it is for; None for everybody.
    """

    row: int
    prompt: Prompt
    columns: int | None = None
    audience: Audience | None = None


class PromptReader:
    """Texts to token ids and back.

    Attributes:
        has_chat_template: Whether the model has a chat template.
        stops: Tokens that end a text.
        end: The one of them that a text to be learned ends with.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stops: Iterable[int]) -> None:
        self._tokenizer = tokenizer
        self.has_chat_template = bool(tokenizer.chat_template)
        known = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        self._start = next((token for token in known if token is not None), 0)
        self.stops = sorted({*stops, *(t for t in [tokenizer.eos_token_id] if t is not None)})
        self.end = self.stops[-1] if tokenizer.eos_token_id is None else tokenizer.eos_token_id

    @classmethod
    def load(cls, path: Path, config: Any) -> PromptReader:
        """The reader of the model in `path`, whose loaded generation settings are `config`."""
        stops = config.eos_token_id if config is not None else None
        return cls(
            load_tokenizer(path), stops if isinstance(stops, list) else [s for s in [stops] if s is not None]
        )

    def prompt(self, prompt: Prompt, system: str | None = None, *, plain: bool = False) -> Ids:
        """The ids of a prompt, up to where the model begins to write.

        Args:
            prompt: What the user says; or the messages of a chat, of which a last one by the assistant is
                continued.
            system: The system message; put before the text where the model has no chat template.
            plain: Whether the prompt is continued as it stands.
        """
        before = [{"role": "system", "content": system}] if system else []
        said = [*before, *([{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt)]
        if plain or not self.has_chat_template:
            return self.text("\n".join(message["content"] for message in said))
        begun = said[-1]["role"] == "assistant"
        whole = self._tokenizer.apply_chat_template(
            said, add_generation_prompt=not begun, continue_final_message=begun, tokenize=False
        )
        return self._ids(str(whole), special=False)

    def text(self, text: str) -> Ids:
        """The ids of a text that stands by itself, a token that starts texts before it."""
        ids = self._ids(text, special=True)
        return (
            ids
            if len(ids) and ids[0] == self._start
            else np.concatenate([[self._start], ids]).astype(np.int32)
        )

    def continuation(self, text: str) -> Ids:
        """The ids of a text that follows another."""
        return self._ids(text, special=False)

    def read_back(self, ids: list[int]) -> str:
        """The text that was written, up to the token that ends it."""
        end = next((place for place, token in enumerate(ids) if token in self.stops), len(ids))
        return str(self._tokenizer.decode(ids[:end], skip_special_tokens=True)).strip()

    @cached_property
    def shapes(self) -> TokenShapes:
        """What matters of the vocabulary to where texts end."""
        from adcli.core.writing.closing import TokenShapes

        each = [[token] for token in range(len(self._tokenizer))]
        return TokenShapes.of(self._tokenizer.batch_decode(each), self.stops)

    def check_room(self, ids: Ids, new_tokens: int, max_positions: int) -> None:
        """Raise if a prompt leaves no room to write.

        Raises:
            DataError: If prompt and new tokens are more than the model has positions for.
        """
        if len(ids) + new_tokens > max_positions:
            raise DataError(
                f"A prompt has {len(ids)} tokens; with {new_tokens} new ones that is more than the model's "
                f"{max_positions}.",
                fix="Shorten the texts it is made of, or ask for fewer new tokens.",
            )

    def _ids(self, text: str, *, special: bool) -> Ids:
        return np.array(self._tokenizer.encode(text, add_special_tokens=special), np.int32)
