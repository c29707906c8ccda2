"""A policy's directory: policy.json for people, policy.safetensors for numbers, the text of its trees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.errors import DataError
from adcli.policies.actions import ActionSet
from adcli.policies.constrained import ConstrainedPolicy
from adcli.policies.constraint_files import SECTION, describe_constraints, read_constraints_of
from adcli.policies.context import read_encoder
from adcli.policies.members.network import TowerUnits
from adcli.policies.members.pairs import PairUnits
from adcli.policies.members.regions import Regions
from adcli.policies.policy import Policy, ScoredPolicy
from adcli.policies.scores import Scores, Units
from adcli.policies.table_policy import SUM_TOLERANCE, TablePolicy

FORMAT = "policy/3"
JSON_NAME = "policy.json"
TENSORS_NAME = "policy.safetensors"
TREES_NAME = "policy.trees.txt"  # a text model of LightGBM
REPLAY_NAME = "replay.parquet"

DAMAGE = (LookupError, TypeError, ValueError, RecursionError, AttributeError, pl.exceptions.PolarsError)

Tensors = dict[str, NDArray[Any]]
UNITS: dict[type, str] = {PairUnits: "pairs", Regions: "trees", TowerUnits: "towers"}


def save_policy(
    policy: Policy, directory: Path, about: Mapping[str, Any], replay: pl.DataFrame | None = None
) -> None:
    """Write a policy into an existing, empty directory.

    Args:
        policy: A policy of this package.
        directory: Where `policy.json` and `policy.safetensors` go.
        about: What it is, from what, with what settings, and what it scored: plain values.
        replay: A sample of what it was learned from, for learning on.

    Raises:
        TypeError: If the policy is of a kind that has no file format.
    """
    from safetensors.numpy import save_file

    content, tensors = _describe(policy)
    actions, mask = _describe_actions(policy.actions)
    document = {"format": FORMAT, "name": policy.name, **about, **content, "actions": actions}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (directory / JSON_NAME).write_text(text + "\n", encoding="utf-8")
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in (tensors | mask).items()}
    save_file(contiguous, directory / TENSORS_NAME)
    base = policy.base if isinstance(policy, ConstrainedPolicy) else policy
    for units in base.model.units if isinstance(base, ScoredPolicy) else ():
        if isinstance(units, Regions):
            (directory / TREES_NAME).write_text(units.text, encoding="utf-8")
    if replay is not None:
        replay.write_parquet(directory / REPLAY_NAME)


def read_replay(directory: Path) -> pl.DataFrame:
    """The sample of impressions that a policy was learned from.

    Raises DataError if the directory has none, or it is damaged.
    """
    path = directory / REPLAY_NAME
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as damage:
        raise DataError(
            f"{path}, the impressions to replay, is missing or damaged.",
            fix="--from needs a policy of `adcli optimize policy`; else learn from both logs at once.",
        ) from damage


def load_policy(directory: Path) -> Policy:
    """The policy that `save_policy` wrote.

    Raises DataError if the directory is not a policy, is damaged, or is of another version.
    """
    document, tensors = read_description(directory), _read_tensors(directory)
    try:
        base = _build(document, tensors, directory)
        return read_constraints_of(base, document[SECTION], tensors) if SECTION in document else base
    except DAMAGE as damage:
        raise DataError(
            f"{directory / JSON_NAME} does not describe a whole policy ({damage}).", fix="Learn it again."
        ) from damage


def read_description(directory: Path) -> dict[str, Any]:
    """What `policy.json` says. Raises DataError if it is missing, is not JSON, or is of another version."""
    path = directory / JSON_NAME
    if not path.is_file():
        raise DataError(
            f"{directory} is not a policy: it has no {JSON_NAME}.", fix="See adcli optimize policy."
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as damage:
        raise DataError(f"{path} is damaged: {damage}.", fix="Learn the policy again.") from damage
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise DataError(
            f"{path} has the format {found!r}; this version of adcli reads {FORMAT!r}.", fix="Learn it again."
        )
    return document  # type: ignore[no-any-return]


def _read_tensors(directory: Path) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = directory / TENSORS_NAME
    try:
        tensors: Tensors = load_file(path)
    except FileNotFoundError as missing:
        raise DataError(f"{path} is missing.", fix="Learn the policy again.") from missing
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as damage:
        raise DataError(f"{path} is damaged: {damage}.", fix="Learn the policy again.") from damage
    for name, tensor in tensors.items():
        if tensor.dtype.kind not in "fu" or not np.isfinite(tensor).all():
            raise DataError(
                f"{path} is damaged: '{name}' holds something else than finite numbers.",
                fix="Learn the policy again.",
            )
    return tensors


def _describe(policy: Policy) -> tuple[dict[str, Any], Tensors]:
    if isinstance(policy, ConstrainedPolicy):
        (content, tensors), (obeyed, more) = _describe(policy.base), describe_constraints(policy)
        return {**content, **obeyed}, {**tensors, **more}
    if isinstance(policy, ScoredPolicy):
        scored = {
            "kind": "scored",
            "rule": policy.rule,
            "epsilon": policy.epsilon,
            "link": policy.link,
            "temperature": policy.temperature,
            "units": [UNITS[type(units)] for units in policy.model.units],
            "context": policy.encoder.to_json(),
        }
        units: Tensors = {}
        for own in policy.model.units:
            if isinstance(own, TowerUnits):
                units |= {f"towers.{name}": layer for name, layer in own.layers.items()}
            if isinstance(own, Regions):
                units["trees.actions"] = own.actions
            if isinstance(own, PairUnits):
                units["pairs"] = np.array(own.pairs, dtype=np.uint32)
        scores = {"weights": policy.model.weights, "bias": policy.model.bias}
        return scored, scores | units | policy.encoder.tensors()
    if isinstance(policy, TablePolicy):
        groups = [list(row) for row in policy.groups.rows()]
        table = {"kind": "table", "epsilon": policy.epsilon, "by": list(policy.by), "groups": groups}
        return table, {"table": policy.table}
    raise TypeError(f"a {type(policy).__name__} has no file format")


def _describe_actions(actions: ActionSet) -> tuple[dict[str, Any], Tensors]:
    described = {
        "columns": list(actions.columns),
        "values": [list(row) for row in actions.frame.rows()],
        "eligible_by": actions.eligible_by,
        "eligible_values": list(actions.eligible),
    }
    mask = (
        {"eligible": np.vstack(list(actions.eligible.values())).astype(np.uint8)} if actions.eligible else {}
    )
    return described, mask


def _build(document: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], directory: Path) -> Policy:
    actions = _build_actions(document["actions"], tensors)
    name, epsilon = str(document["name"]), _share(document["epsilon"])
    if document["kind"] == "table":
        by = tuple(map(str, document["by"]))
        groups = pl.DataFrame(document["groups"], schema=dict.fromkeys(by, pl.String), orient="row")
        table = _shaped(tensors["table"], (groups.height + 1, len(actions)))
        if (table < 0).any() or not np.allclose(table.sum(axis=1), 1, atol=SUM_TOLERANCE):
            raise ValueError("probabilities that do not sum to 1")
        return TablePolicy(name, actions, by, groups, table, epsilon)
    if document["kind"] != "scored" or document["rule"] not in ("greedy", "softmax"):
        raise ValueError("unknown kind of policy")
    encoder = read_encoder(document["context"], tensors)
    d, k = len(encoder.names), len(actions)
    units = tuple(_read_units(kind, encoder.plain, tensors, directory) for kind in document["units"])
    weights = _shaped(tensors["weights"], (d + sum(own.width for own in units), k))
    model = Scores(weights, _shaped(tensors["bias"], (k,)), units)
    link, temperature = document["link"], float(document["temperature"])
    if link not in ("logit", "identity", None) or not 0 < temperature < float("inf"):
        raise ValueError(f"scores of the link {link!r} and the temperature {temperature:g}")
    return ScoredPolicy(name, actions, encoder, model, document["rule"], epsilon, link, temperature)


def _read_units(kind: str, d: int, tensors: Mapping[str, NDArray[Any]], directory: Path) -> Units:
    if kind == "trees":
        path = directory / TREES_NAME
        if not path.is_file():
            raise ValueError(f"{TREES_NAME} is missing")
        return Regions.read(path.read_text(encoding="utf-8"), d, tensors["trees.actions"])
    if kind == "pairs":
        pairs = tensors["pairs"].astype(np.int64)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs >= d).any():
            raise ValueError("pairs that are none of the context")
        return PairUnits(tuple(map(tuple, pairs.tolist())))
    if kind != "towers":
        raise ValueError(f"{kind!r} are no units of scores")
    layers = {
        name.removeprefix("towers."): layer for name, layer in tensors.items() if name.startswith("towers.")
    }
    heads, hidden, directions = layers["third"].shape
    shapes = {"first": (heads, d, hidden), "second": (heads, hidden, hidden), "skip": (heads, d, directions)}
    shapes |= {f"{name}_bias": (heads, 1, hidden) for name in ("first", "second")}
    shapes |= {"third": (heads, hidden, directions), "third_bias": (heads, 1, directions)}
    return TowerUnits({name: _shaped(layers[name], shape) for name, shape in shapes.items()})


def _build_actions(described: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> ActionSet:
    schema = dict.fromkeys(map(str, described["columns"]), pl.String)
    frame = pl.DataFrame(described["values"], schema=schema, orient="row")
    if frame.height < 1 or frame.is_duplicated().any() or sum(frame.null_count().row(0)):
        raise ValueError("actions that are missing or stand there twice")
    values = described["eligible_values"]
    masks = _shaped(tensors["eligible"], (len(values), frame.height)).astype(bool) if values else ()
    return ActionSet(frame, described["eligible_by"], dict(zip(values, masks, strict=True)))


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"an epsilon of {value!r}, which is no share between 0 and 1")
    return float(value)


def _shaped(tensor: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if tensor.shape != shape:
        raise ValueError(f"a tensor of shape {tensor.shape} stands where {shape} belongs")
    return tensor
