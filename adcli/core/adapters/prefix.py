"""The keys and values that prefix tuning puts before each text of a language model.

A prefix begins as what the model itself reads of a few random words, which trains sooner than random numbers.

Source: Li and Liang, "Prefix-Tuning" (2021), sections 4.2 and 7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded

if TYPE_CHECKING:
    from transformers import DynamicCache


class Prefix(NamedTuple):
    """A learned prefix.

    Attributes:
        layers: For each layer keys and values, (rows, key heads, length, depth), or of one row for all;
            empty without a prefix.
    """

    layers: list[tuple[torch.Tensor, torch.Tensor]]

    @property
    def length(self) -> int:
        """Tokens it takes the place of."""
        return int(self.layers[0][0].shape[2]) if self.layers else 0

    def then(self, other: Prefix) -> Prefix:
        """This prefix and behind it another, as one."""
        if not self.layers:
            return other
        rows = len(other.layers[0][0])
        return Prefix(
            [
                (
                    torch.cat([k.expand(rows, -1, -1, -1), k2], dim=2),
                    torch.cat([v.expand(rows, -1, -1, -1), v2], dim=2),
                )
                for (k, v), (k2, v2) in zip(self.layers, other.layers, strict=True)
            ]
        )

    def to(self, device: str, dtype: torch.dtype) -> Prefix:
        """The prefix elsewhere, or in another precision."""
        return Prefix([(keys.to(device, dtype), values.to(device, dtype)) for keys, values in self.layers])

    def cache(self, rows: int) -> DynamicCache | None:
        """What a transformers model continues, as if each row had begun with the prefix; None without one."""
        from transformers import DynamicCache

        if not self.layers:
            return None
        return DynamicCache([tuple(states.expand(rows, -1, -1, -1) for states in its) for its in self.layers])


def learned_prefix(model: Any) -> Prefix:
    """The prefix of a model as it is, with gradients while it is trained."""
    if not getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        return Prefix([])
    return Prefix([(layer.keys, layer.values) for layer in model.get_prompt(1).layers])


def without_prefix(model: Any) -> Any:
    """The transformers model to which a prefix is given as its cache; adapters within its modules stay."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def begin_with_words(model: Any, *, seed: int) -> None:
    """Let a language model's own prefix begin as it reads random words."""
    import peft

    read = read_of_words(model.get_base_model(), model.active_peft_config.num_virtual_tokens, seed=seed)
    peft.initialize_kv_prefix_from_past_key_values(model, past_key_values=read)


def read_of_words(model: Any, length: int, *, seed: int) -> DynamicCache:
    """What a transformers model reads of the token that starts texts, and of random words behind it."""
    config = model.config
    words = torch.randint(config.vocab_size, (1, length), generator=torch.Generator().manual_seed(seed))
    if config.bos_token_id is not None:
        words[0, 0] = config.bos_token_id
    with torch.no_grad():
        read: DynamicCache = model(input_ids=words.to(model.device), use_cache=True).past_key_values
    return read
