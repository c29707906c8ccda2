"""`adcli optimize roles` as its user meets it: learned, scored on other documents, used by `generate`, refused."""

import gzip
import json

import models
import pytest
from safetensors.torch import load_file, save_file

THINGS, WHAT = ("jacket", "mug", "bottle", "bag"), ("women", "men", "tea", "water")


def conllu():
    documents = []
    for thing in THINGS:
        lines = ["# newdoc"]
        for verb in ("keeps", "fits", "runs"):
            for what in WHAT:
                rows = [
                    ("the", 2, "det", "_", "_"), (thing, 3, "nsubj", "_", "ARG0"),
                    (verb, 0, "root", f"{verb}.01", "V"), ("the", 5, "det", "_", "_"),
                    (what, 3, "obj", "_", "ARG1"),
                ]  # fmt: skip
                lines += [
                    "\t".join([str(n), word, word, *"___", str(head), relation, "_", "_", sense, role])
                    for n, (word, head, relation, sense, role) in enumerate(rows, start=1)
                ]
                lines.append("")
        documents += lines
    return "\n".join(documents)


def test_roles_are_learned_scored_and_read_by_generate(adcli, tmp_path):
    with gzip.open(tmp_path / "train.conllu.gz", "wt", encoding="utf-8") as file:
        file.write(conllu())
    bert = models.tiny_bert(tmp_path / "bert")
    done = adcli(
        "optimize", "roles", "train.conllu.gz", "--model", bert, "--epochs", "4", "-o", "roles",
        env={"ADCLI_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.said
    content = json.loads((tmp_path / "roles" / "adapter.json").read_text())
    assert set(content["scores"]["roles"]) == {"all", "ARG0", "ARG1"}
    assert content["scores"]["roles"]["all"]["there"] == 24
    assert content["counts"]["sentences"] == 36
    assert f"F1 {content['scores']['roles']['all']['f1']:.3f}" in done.said
    (tmp_path / "products.csv").write_text("item_id,title,description\n1,Tea mug,The mug keeps the tea.\n")
    written = adcli("generate", "products.csv", "--facts-only", "--roles", "roles", "-o", "facts.ndjson")
    assert written.returncode == 0, written.said
    assert '"value":"tea mug"' in (tmp_path / "facts.ndjson").read_text()
    manifest = json.loads((tmp_path / "facts.ndjson.meta.json").read_text())
    assert "roles" in [one["path"] for one in manifest["inputs"]]
    assert "48 read = 48 used" in done.said
    (tmp_path / "roles.meta.json").unlink()  # so that what follows is not seen by its checksums
    weights = load_file(tmp_path / "roles" / "roles.safetensors")
    damages = {
        "roles.safetensors": (b"", "can not be read"),
        "adapter.json": (json.dumps({**content, "base": {"fingerprint": ""}}).encode(), "not of the kind"),
    }
    for name, (damaged, said) in damages.items():
        whole = (tmp_path / "roles" / name).read_bytes()
        (tmp_path / "roles" / name).write_bytes(damaged)
        refused = adcli("generate", "products.csv", "--facts-only", "--roles", "roles")
        assert (refused.returncode, said in refused.said) == (3, True), refused.said
        (tmp_path / "roles" / name).write_bytes(whole)
    weights["mix"][0] = float("nan")
    save_file(weights, tmp_path / "roles" / "roles.safetensors")
    refused = adcli("generate", "products.csv", "--facts-only", "--roles", "roles")
    assert (refused.returncode, "NaN" in refused.said) == (3, True), refused.said
    bert.rename(tmp_path / "moved")
    refused = adcli("generate", "products.csv", "--facts-only", "--roles", "roles")
    assert (refused.returncode, "was made of the model" in refused.said) == (3, True), refused.said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1\tword\tword\t_\t_\t_\t0\troot\t_\t_\n", "no semantic roles"),
        (b"a,b\n1,2\n", "line 1: 1 columns"),
        ("1\tl\xf6\n".encode("latin-1"), "line 1: not UTF-8"),
        (conllu().split("# newdoc")[1].encode(), "too few to hold some of them out"),
    ],
)
def test_what_can_not_be_learned_from_is_one_sentence(adcli, tmp_path, content, said):
    (tmp_path / "bad.conllu").write_bytes(content)
    done = adcli("optimize", "roles", "bad.conllu", "-o", "roles")
    assert done.returncode == 3, done.said
    assert said in done.said
    assert not (tmp_path / "roles").exists()


def test_a_directory_of_another_kind_is_refused(adcli, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "products.csv").write_text("item_id,title\n1,Tea mug\n")
    done = adcli("generate", "products.csv", "--facts-only", "--roles", "other")
    assert done.returncode == 3, done.said
    assert "is no adapter" in done.said
