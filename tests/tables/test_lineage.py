"""Manifests tell what was made of a file, by way of what lies between too."""

import json

from adcli.tables.lineage import made_of


def wrote(path, sha256, *sources, learned=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if learned else path.write_text("x")
    content = {"inputs": [{"sha256": one} for one in sources], "output": {"sha256": sha256}}
    path.with_name(path.name + ".meta.json").write_text(json.dumps(content))


def test_tables_and_models_are_found_by_way_of_others(tmp_path):
    wrote(tmp_path / "events.parquet", "e", "log")
    wrote(tmp_path / "models" / "policy", "p", "e", "products", learned=True)
    wrote(tmp_path / "other", "o", "products", learned=True)
    wrote(tmp_path / ".hidden" / "copy", "c", "log")
    wrote(tmp_path / "gone.csv", "g", "log")
    (tmp_path / "gone.csv").unlink()
    (tmp_path / "foreign.meta.json").write_text("[1]")
    (tmp_path / "broken.meta.json").write_text("{")
    found = made_of(["log"], [tmp_path, tmp_path / "models"])
    assert [(one.path.name, one.is_learned) for one in found] == [("events.parquet", False), ("policy", True)]
    assert made_of(["nothing"], [tmp_path]) == []
