"""Labels of texts about several things: what is learned is what makes a difference within each of them."""

import numpy as np

from adcli.core.training.encoder.evaluations import LabelProbe
from adcli.core.training.encoder.examples import Labelled, fit_head


def clicks(seed, n=4_000):
    """Ads of 20 items: a warm word draws clicks, and items that draw many are advertised without one."""
    generator = np.random.default_rng(seed)
    items = generator.integers(0, 20, n)
    warm = generator.random(n) < np.where(items < 10, 0.2, 0.8)
    rate = np.where(items < 10, 0.6, 0.1) + 0.15 * warm
    texts = [
        f"item {item} {'warm' if is_warm else 'plain'}" for item, is_warm in zip(items, warm, strict=True)
    ]
    return Labelled(texts, (generator.random(n) < rate).astype(int).tolist(), ["0", "1"], items.tolist())


def encode(texts):
    """Vectors of what an ad says: whether it is warm, and of which half of the items it is."""
    rows = [["warm" in text, "plain" in text, int(text.split()[1]) < 10, 1] for text in texts]
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def preference(head):
    """How much more likely a click is on a warm ad than on a plain one of the same item."""
    weight, _ = head
    warm, plain = encode(["item 3 warm", "item 3 plain"])
    return float((weight[1] - weight[0]) @ (warm - plain))


def test_a_head_within_items_is_not_misled_by_which_items_are_advertised_how():
    known = clicks(0)
    blind = encode([f"item 1 {text.split()[2]}" for text in known.texts])  # it cannot tell items apart
    assert preference(fit_head(blind, known.labels, 2)) < 0
    assert preference(fit_head(blind, known.labels, 2, groups=known.groups)) > 0.5


def test_the_score_within_items_ignores_which_item_is_clicked_more():
    probe = LabelProbe(clicks(0), clicks(1))
    assert probe.metric == "roc_auc within items"
    by_item_alone = probe(lambda texts: encode(texts) * np.array([0, 0, 1, 0], np.float32))
    assert by_item_alone == 0.5
    assert 0.53 < probe(encode) < 0.65


def test_rows_count_by_their_weight():
    vectors = encode(["item 1 warm", "item 1 plain", "item 1 warm", "item 1 plain"])
    labels = [1, 0, 0, 1]
    first = fit_head(vectors, labels, 2, weights=[5, 5, 1, 1])
    second = fit_head(vectors, labels, 2, weights=[1, 1, 5, 5])
    assert preference(first) > 0 > preference(second)


def test_a_log_s_rows_of_one_text_say_together_what_they_say_apart():
    known = clicks(0)
    once = known.each_once()
    assert len(once.texts) < 100 < len(known.texts)
    blind = encode([f"item 1 {text.split()[2]}" for text in once.texts])
    assert preference(fit_head(blind, once.labels, 2, groups=once.groups, weights=once.weights)) > 0.4
    assert Labelled(["a", "b"], [0, 1], ["n", "y"]).each_once() == Labelled(["a", "b"], [0, 1], ["n", "y"])


def test_parts_keep_groups_and_weights():
    whole = Labelled(["a", "b", "c"], [0, 1, 0], ["n", "y"], [7, 8, 9], [1.0, 2.0, 3.0])
    assert whole.those([2, 0]) == Labelled(["c", "a"], [0, 0], ["n", "y"], [9, 7], [3.0, 1.0])
