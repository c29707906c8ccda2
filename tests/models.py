"""Tiny models of real architectures, built from a config with a tokenizer made here; no weights are fetched.

from models import tiny_bert
folder = tiny_bert(tmp_path)            # a directory that --model takes
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

WORDS = [
    "steel", "water", "bottle", "waterproof", "hiking", "boots", "wireless", "headphones", "with", "noise",
    "cancelling", "the", "soft", "cotton", "shirt", "for", "women", "and", "men", "a", "lantern", "mug",
    "tea", "cup", "red", "blue", "green", "large", "small", "size", "runs", "fits", "true", "keeps",
    "drinks", "cold", "light", "warm", "jacket", "leather", "bag", "gift", "set", "of", "three", "candle",
    "holder", "garden", "metal", "wood", "kitchen", "timer", "retro", "spot",
]  # fmt: skip


def shop_texts(count: int, *, seed: int = 0, longest: int = 60) -> list[str]:
    """Texts of shop words, most of them short."""
    import numpy as np

    generator = np.random.default_rng(seed)
    lengths = np.clip(generator.lognormal(2.0, 0.8, count).astype(int), 1, longest)
    return [" ".join(generator.choice(WORDS, length)) for length in lengths]


def tiny_bert(folder: Path, *, pooling: str = "mean", max_length: int = 32, **config: object) -> Path:
    """A BERT of two layers that sentence-transformers would read as well."""
    from transformers import BertConfig, BertModel

    tokenizer = _word_tokenizer(folder, start="[CLS]", end="[SEP]")
    settings = {**_small(tokenizer), "max_position_embeddings": 64, **config}
    return _saved(BertModel(BertConfig(pad_token_id=0, **settings)), folder, pooling, max_length)


def tiny_roberta(folder: Path, *, pooling: str = "cls", max_length: int = 32) -> Path:
    """A RoBERTa of two layers, whose positions begin behind the padding's."""
    from transformers import RobertaConfig, RobertaModel

    tokenizer = _word_tokenizer(
        folder, start="<s>", end="</s>", pad="<pad>", unknown="<unk>", pad_first=False
    )
    pad = tokenizer.pad_token_id
    config = RobertaConfig(
        pad_token_id=pad, max_position_embeddings=64 + pad + 1, type_vocab_size=1, **_small(tokenizer)
    )
    return _saved(RobertaModel(config), folder, pooling, max_length)


def tiny_distilbert(folder: Path, *, max_length: int = 32) -> Path:
    """A DistilBERT of two layers."""
    from transformers import DistilBertConfig, DistilBertModel

    tokenizer = _word_tokenizer(folder, start="[CLS]", end="[SEP]")
    config = DistilBertConfig(
        vocab_size=len(tokenizer),
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    return _saved(DistilBertModel(config), folder, "mean", max_length)


def tiny_mpnet(folder: Path, *, max_length: int = 32) -> Path:
    """An encoder that has no fast path here: its attention knows relative positions."""
    from transformers import MPNetConfig, MPNetModel

    tokenizer = _word_tokenizer(
        folder, start="<s>", end="</s>", pad="<pad>", unknown="<unk>", pad_first=False
    )
    config = MPNetConfig(pad_token_id=tokenizer.pad_token_id, max_position_embeddings=66, **_small(tokenizer))
    return _saved(MPNetModel(config), folder, "mean", max_length)


def tiny_gpt2(folder: Path, *, positions: int = 256) -> Path:
    """A GPT-2 of two layers that continues texts."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = _byte_tokenizer(folder)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=positions, n_embd=32, n_layer=2, n_head=4,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return _saved(GPT2LMHeadModel(config), folder)


def tiny_llama(folder: Path, *, chat_template: bool = True, positions: int = 256) -> Path:
    """A Llama of two layers with shared key heads; with a chat template or without."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _byte_tokenizer(folder, chat_template=chat_template)
    config = LlamaConfig(
        num_key_value_heads=2, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        max_position_embeddings=positions, **_small(tokenizer),
    )  # fmt: skip
    return _saved(LlamaForCausalLM(config), folder)


def _small(tokenizer: object) -> dict[str, object]:
    return {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4,
    }  # fmt: skip


def _word_tokenizer(
    folder: Path, *, start: str, end: str, pad: str = "[PAD]", unknown: str = "[UNK]", pad_first: bool = True
):  # fmt: skip
    """A WordPiece tokenizer of the shop's words and of letters, with the special tokens of its family.

    Its vocabulary is written down: what a trainer makes differs from run to run, and so would the model.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = [pad, unknown, start, end] if pad_first else [start, pad, end, unknown]
    letters = [chr(code) for code in range(ord("!"), ord("~") + 1)]
    vocabulary = [*special, "[MASK]", *letters, *(f"##{letter}" for letter in letters), *WORDS]
    places = {token: place for place, token in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = Tokenizer(models.WordPiece(places, unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([*special, "[MASK]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(t, tokenizer.token_to_id(t)) for t in (start, end)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token=unknown,
        cls_token=start,
        sep_token=end,
        mask_token="[MASK]",  # noqa: S106
    )
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    return fast


def _byte_tokenizer(folder: Path, *, chat_template: bool = False):
    """A byte-level tokenizer as GPT-2 has one: every text can be said with it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", *(["<|im_start|>", "<|im_end|>"] if chat_template else [])]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(shop_texts(200), trainer)
    start, end = ("<|im_start|>", "<|im_end|>") if chat_template else (special[0], special[0])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=start, eos_token=end, unk_token=special[0]
    )
    if chat_template:
        fast.chat_template = (
            "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
            "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    return fast


def _saved(model: object, folder: Path, pooling: str | None = None, max_length: int | None = None) -> Path:
    """The folder with a model whose weights are large enough that a wrong one shows."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "norm" not in name.lower():
                parameter.normal_(std=0.2)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
    model.save_pretrained(folder)
    if pooling is not None:
        write_modules(folder, pooling, max_length)
    return folder


def write_modules(folder: Path, pooling: str | Sequence[str], max_length: int | None = None) -> None:
    """The files by which sentence-transformers knows how texts become vectors."""
    kind = "sentence_transformers.models"
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"{kind}.{name}"}
        for i, (path, name) in enumerate(parts)
    ]
    (folder / "modules.json").write_text(json.dumps(modules), "utf-8")
    (folder / "1_Pooling").mkdir(exist_ok=True)
    names = {"mean": "mean_tokens", "cls": "cls_token", "lasttoken": "lasttoken", "max": "max_tokens"}
    chosen = [pooling] if isinstance(pooling, str) else list(pooling)
    flags = {f"pooling_mode_{suffix}": mode in chosen for mode, suffix in names.items()}
    width = json.loads((folder / "config.json").read_text("utf-8"))
    settings = {"word_embedding_dimension": width.get("hidden_size") or width.get("dim"), **flags}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings), "utf-8")
    if max_length is not None:
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": max_length}), "utf-8")
