"""`adcli embed` as a user runs it: rows, profiles, and each flag."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

KINDS = ("Kitchen", "Outdoor", "Toys")
TITLES = {
    "Kitchen": ["moka pot", "chef's knife", "frying pan", "kettle"],
    "Outdoor": ["sleeping bag", "tent for two", "headlamp", "rain jacket"],
    "Toys": ["building blocks", "plush hare", "marble run", "puzzle"],
}
PRODUCTS = "sku,name,category,price\n" + "".join(
    f"00{place}{number},{title},{kind},{10 + number}\n"
    for place, kind in enumerate(KINDS)
    for number, title in enumerate(TITLES[kind])
)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def products(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text(PRODUCTS)
    return path


@pytest.fixture
def catalog(tmp_path):
    """The same products as vectors of twelve numbers, so that no model is needed."""
    rng = np.random.default_rng(0)
    vectors = unit(np.repeat(np.eye(12)[:3], 4, axis=0) + rng.normal(scale=0.2, size=(12, 12)))
    table = pl.DataFrame(
        {
            "id": [f"00{place}{number}" for place in range(3) for number in range(4)],
            "kind": "product",
            "embedding": pl.Series(vectors, dtype=pl.Array(pl.Float32, 12)),
            "title": [title for kind in KINDS for title in TITLES[kind]],
            "category": [kind for kind in KINDS for _ in range(4)],
            "price": [10.0 + number for _ in range(3) for number in range(4)],
        }
    )
    path = tmp_path / "catalog.parquet"
    table.write_parquet(path)
    return path


@pytest.fixture
def log(tmp_path):
    """Sixty users, each with one of three tastes, over ten days; what they buy is what they put into the cart."""
    rng = np.random.default_rng(0)
    rows = ["time,user,event,item"]
    for user in range(60):
        at = datetime(2024, 5, 1, 9, tzinfo=UTC) + timedelta(days=float(rng.uniform(0, 3)))
        for step in range(10):
            at += timedelta(hours=float(rng.uniform(1, 30)))
            kind = "view" if step % 5 < 3 else "cart" if step % 5 == 3 else "purchase"
            item = f"00{user % 3}{rng.integers(0, 4)}" if kind != "purchase" else item  # noqa: F821
            rows.append(f"{at.isoformat()},u{user:02},{kind},{item}")
    path = tmp_path / "events.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def profiled(adcli, log, catalog, tmp_path):
    """Call `adcli embed` on the log with further flags; the table it wrote."""

    def call(*flags, name="users.parquet"):
        done = adcli("embed", log, "--catalog", catalog, *flags, "-o", name)
        assert done.returncode == 0, done.said
        call.said = done.said
        return pl.read_parquet(tmp_path / name)

    return call


def manifest(tmp_path, name):
    return json.loads((tmp_path / f"{name}.meta.json").read_text())


def test_products_get_a_vector_each_in_their_order(adcli, products, tmp_path):
    done = adcli("embed", products, "-v", "-o", "v.parquet")
    assert done.returncode == 0, done.said
    table = pl.read_parquet(tmp_path / "v.parquet")
    assert table.columns == ["id", "kind", "embedding", "title", "category", "price"]
    assert table.schema["embedding"] == pl.Array(pl.Float32, 384)
    assert table["id"].to_list() == [row.split(",")[0] for row in PRODUCTS.splitlines()[1:]]
    vectors = table["embedding"].to_numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    cosines = vectors @ vectors[4]
    assert table["title"][int(np.argsort(-cosines)[1])] == "tent for two"  # the sleeping bag's neighbour
    assert "minilm from" in done.said
    model = manifest(tmp_path, "v.parquet")["model"]
    assert model["name"] == "minilm"
    assert model["precision"] in ("fp32", "bf16")
    assert "12 read = 12 written + 0 rejected" in done.said


def test_a_pipe_from_clean_gives_the_same_vectors(adcli, products, tmp_path):
    adcli("embed", products, "-o", "a.parquet")
    adcli("embed", "-", "-o", "b.parquet", stdin=adcli("clean", products).stdout)
    assert pl.read_parquet(tmp_path / "a.parquet").equals(pl.read_parquet(tmp_path / "b.parquet"))


def test_without_the_cache_the_vectors_are_the_same(adcli, products, tmp_path):
    cache = {"ADCLI_CACHE": str(tmp_path / "cache")}
    adcli("embed", products, "--exact", "--no-cache", "-o", "a.parquet", env=cache)
    assert not (tmp_path / "cache" / "vectors" / "vectors.sqlite").exists()
    adcli("embed", products, "--exact", "-o", "b.parquet", env=cache)
    assert (tmp_path / "cache" / "vectors" / "vectors.sqlite").exists()
    assert pl.read_parquet(tmp_path / "a.parquet").equals(pl.read_parquet(tmp_path / "b.parquet"))
    assert manifest(tmp_path, "a.parquet")["model"]["precision"] == "fp32"
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_reviews_and_queries(adcli, tmp_path):
    (tmp_path / "reviews.csv").write_text("asin,review_text,stars\nx,Lovely tent,5\nx,,2\ny,Lovely tent,4\n")
    adcli("embed", "reviews.csv", "-o", "r.parquet")
    reviews = pl.read_parquet(tmp_path / "r.parquet")
    assert reviews["id"].to_list() == ["review-1", "review-2"]
    assert reviews["item_id"].to_list() == ["x", "y"]
    np.testing.assert_array_equal(*reviews["embedding"].to_numpy())
    (tmp_path / "queries.csv").write_text("query_id\tquery\n7\ttent\n")
    done = adcli("embed", "queries.csv", "--to", "ndjson")
    row = json.loads(done.text)
    assert (row["id"], row["kind"], row["query"], len(row["embedding"])) == ("7", "query", "tent", 384)


def test_the_columns_that_make_the_text_can_be_chosen(adcli, products, tmp_path):
    adcli("embed", products, "--text", "category", "-o", "v.parquet")
    vectors = pl.read_parquet(tmp_path / "v.parquet")["embedding"].to_numpy()
    np.testing.assert_array_equal(vectors[0], vectors[3])
    done = adcli("embed", products, "--text", "name", "-o", "n.parquet")
    assert "'name' is read as title." in done.said
    done = adcli("embed", products, "--text", "categori", "-o", "w.parquet")
    assert done.returncode == 3
    assert "no column 'categori'" in done.said
    assert "Did you mean 'category'?" in done.said


def test_a_max_length_is_kept_to(adcli, products, tmp_path):
    adcli("embed", products, "--max-length", "16", "-o", "v.parquet")
    assert manifest(tmp_path, "v.parquet")["model"]["max_length"] == 16


def test_one_profile_a_user(profiled, tmp_path):
    users = profiled("--weight", "purchase=8", "--half-life", "5")
    assert users["id"].to_list() == [f"u{user:02}" for user in range(60)]
    assert set(users["kind"]) == {"user"}
    assert users["category"].to_list() == [KINDS[user % 3] for user in range(60)]
    assert set(users["basis"]) == {"items"}
    assert (users["events"] == 10).all()
    facts = manifest(tmp_path, "users.parquet")
    assert facts["profile"]["weights"]["purchase"] == 8
    assert facts["profile"]["half_life_days"] == 5
    assert "60 rows -> users.parquet in" in profiled.said
    assert "600 read = 600 used + 0 rejected" in profiled.said
    assert "12 rows read as vectors beside the others" in profiled.said


def test_reviews_and_searches_count_with_their_texts(adcli, products, tmp_path):
    (tmp_path / "log.csv").write_text(
        "time,user_id,event,item_id,query\n2024-05-01,a,view,0001,\n2024-05-01,b,search,,warm sleeping bag\n"
    )
    (tmp_path / "reviews.csv").write_text("item_id,user_id,text,date\n0010,c,So warm at night,2024-05-02\n")
    done = adcli("embed", "log.csv", "--catalog", products, "--reviews", "reviews.csv", "-o", "u.parquet")
    assert done.returncode == 0, done.said
    users = pl.read_parquet(tmp_path / "u.parquet")
    assert users["basis"].to_list() == ["items", "queries", "reviews"]
    vectors = users["embedding"].to_numpy()
    assert vectors[1] @ vectors[2] > vectors[1] @ vectors[0]


def test_nothing_from_the_cutoff_on_is_looked_at(adcli, log, catalog, profiled, tmp_path):
    cut = profiled("--cutoff", "2024-05-06")
    kept = pl.read_csv(log, infer_schema=False).filter(pl.col("time") < "2024-05-06")
    kept.write_csv(tmp_path / "past.csv")
    adcli("embed", "past.csv", "--catalog", catalog, "-o", "past.parquet")
    assert cut.equals(pl.read_parquet(tmp_path / "past.parquet"))
    done = adcli("embed", log, "--catalog", catalog, "--cutoff", "yesterday")
    assert done.returncode == 2
    assert "expected a time such as 2024-05-01" in done.said


def test_todays_events_can_be_added_to_yesterdays_profiles(adcli, log, catalog, profiled, tmp_path):
    full = profiled("--half-life", "4", "--weight", "cart=2")
    profiled("--half-life", "4", "--weight", "cart=2", "--cutoff", "2024-05-06", name="old.parquet")
    added = profiled("--update-from", "old.parquet", name="new.parquet")
    assert "are in the earlier profiles and are not counted again" in profiled.said
    np.testing.assert_allclose(added["embedding"].to_numpy(), full["embedding"].to_numpy(), atol=1e-6)
    np.testing.assert_allclose(added["weight"], full["weight"], rtol=1e-6)
    assert added["events"].equals(full["events"])
    assert manifest(tmp_path, "new.parquet")["profile"] == manifest(tmp_path, "users.parquet")["profile"]
    again = profiled("--update-from", "new.parquet", name="again.parquet")
    np.testing.assert_allclose(again["embedding"].to_numpy(), full["embedding"].to_numpy(), atol=1e-6)
    done = adcli("embed", log, "--catalog", catalog, "--update-from", "old.parquet", "--half-life", "9")
    assert done.returncode == 2
    assert "made with --half-life 4.0" in done.said


def test_a_sequence_profile_reads_the_behaviour_as_text(adcli, products, tmp_path):
    (tmp_path / "log.csv").write_text(
        "time,user_id,event,item_id\n2024-05-01,a,view,0001\n2024-05-02,b,view,0001\n2024-05-01,c,view,0001\n"
    )
    done = adcli("embed", "log.csv", "--catalog", products, "--profile", "sequence", "-o", "u.parquet")
    assert done.returncode == 0, done.said
    users = pl.read_parquet(tmp_path / "u.parquet")
    vectors = users["embedding"].to_numpy()
    assert set(users["basis"]) == {"sequence"}
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert 0.5 < vectors[0] @ vectors[1] < 0.9999  # the same thing on another day
    done = adcli("embed", "log.csv", "--catalog", products, "--update-from", "u.parquet")
    assert done.returncode == 3
    assert "--profile sequence cannot be added to" in done.said


def test_weights_can_be_learned(profiled, tmp_path):
    profiled("--weights", "learned")
    assert "learned weights (" in profiled.said
    assert "recall@20 of the" in profiled.said
    assert set(manifest(tmp_path, "users.parquet")["profile"]["weights"]) >= {"view", "cart", "purchase"}


def test_interests_come_after_the_profiles(profiled):
    table = profiled("--interests", "2")
    assert table["kind"].to_list()[:60] == ["user"] * 60
    own = table.filter(kind="user_interest")
    assert own["id"].n_unique() == 60
    assert own["share"].is_between(0, 1).all()
    assert own["about"].null_count() == 0


def test_segments_have_names_that_generate_can_use(profiled):
    users = profiled("--segments", "3")
    assert [users["segment_id"][user] for user in (0, 1, 2)] == [
        users["segment_id"][user] for user in (57, 58, 59)
    ]
    names = dict(users.select("category", "segment_name").unique().iter_rows())
    assert all(name.startswith(category + " · ") for category, name in names.items()), names
    assert "3 segments, which explain" in profiled.said
    assert profiled("--segments", "3", name="again.parquet").equals(users)


def test_segments_keep_their_names_the_next_day(profiled):
    yesterday = profiled("--segments", "3", "--cutoff", "2024-05-06", name="old.parquet")
    today = profiled("--segments", "3", "--update-from", "old.parquet")
    both = yesterday.select("id", "segment_name").join(today.select("id", "segment_name"), on="id")
    assert both["segment_name"].equals(both["segment_name_right"].alias("segment_name"))


def test_unusual_users_are_scored_with_a_reason(adcli, log, catalog, tmp_path):
    crawler = "".join(
        f"2024-05-04T03:00:{step % 60:02}Z,bot,view,00{step % 3}{step % 4}\n" for step in range(300)
    )
    log.write_text(log.read_text() + crawler)
    adcli("embed", log, "--catalog", catalog, "--anomalies", "-o", "u.parquet")
    users = pl.read_parquet(tmp_path / "u.parquet").sort("anomaly_score", descending=True)
    assert users["id"][0] == "bot"
    assert "many events (300)" in users["anomaly_why"][0]


def test_neighbours_by_name(adcli, catalog, tmp_path):
    adcli("embed", catalog, "--neighbors", "3", "-o", "n.parquet")
    table = pl.read_parquet(tmp_path / "n.parquet")
    assert set(table["neighbors"][0]) == {"0001", "0002", "0003"}
    assert table["neighbor_similarity"][0].is_sorted(descending=True)


def test_vectors_can_be_reduced_now_and_others_alike_later(adcli, catalog, tmp_path):
    done = adcli("embed", catalog, "--dim", "4", "-o", "small.parquet")
    assert done.returncode == 0, done.said
    assert "12 dimensions to 4:" in done.said
    assert "of the 10 nearest neighbours are lost" in done.said
    small = pl.read_parquet(tmp_path / "small.parquet")
    assert small.schema["embedding"] == pl.Array(pl.Float32, 4)
    assert load_file(tmp_path / "small.parquet.basis.safetensors")["directions"].shape == (12, 4)
    done = adcli("embed", catalog, "--basis", "small.parquet.basis.safetensors", "-o", "again.parquet")
    assert done.returncode == 0, done.said
    assert pl.read_parquet(tmp_path / "again.parquet").equals(small)


def test_vectors_of_another_dimension_are_one_sentence(adcli, catalog, tmp_path):
    adcli("embed", catalog, "--dim", "4", "-o", "small.parquet")
    done = adcli("embed", "small.parquet", "--basis", "small.parquet.basis.safetensors")
    assert done.returncode == 3
    assert "for vectors of 12 dimensions; these have 4" in done.said
    (tmp_path / "log.csv").write_text(
        "time,user_id,event,item_id,query\n2024-05-01,a,view,0001,\n2024-05-01,b,search,,tent\n"
    )
    done = adcli("embed", "log.csv", "--catalog", catalog)
    assert done.returncode == 3
    assert "have 12 dimensions, the model's 384" in done.said


def test_vectors_can_be_quantized(adcli, catalog, tmp_path):
    done = adcli("embed", catalog, "--quantize", "int8", "-o", "q.parquet")
    assert "12 dimensions to 12 in int8:" in done.said
    assert pl.read_parquet(tmp_path / "q.parquet").schema["embedding"] == pl.Array(pl.Int8, 12)
    assert adcli("embed", "q.parquet", "--neighbors", "1", "-o", "n.parquet").returncode == 0
    done = adcli("embed", catalog, "--quantize", "binary", "-o", "b.parquet")
    assert "12 dimensions to 12 bits:" in done.said
    assert pl.read_parquet(tmp_path / "b.parquet").schema["embedding_bits"] == pl.Array(pl.UInt8, 2)
    done = adcli("embed", catalog, "--quantize", "int4")
    assert done.returncode == 2
    assert "int4" in done.said


def test_other_programs_get_their_files(adcli, catalog, tmp_path):
    wanted = pl.read_parquet(catalog)
    adcli("embed", catalog, "-o", "v.npy")
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), wanted["embedding"].to_numpy())
    adcli("embed", catalog, "-o", "v.safetensors")
    tensors = load_file(tmp_path / "v.safetensors")
    assert bytes(tensors["id"]).decode().split("\n") == wanted["id"].to_list()


def test_what_moved_a_profile_is_explained(adcli, log, products, catalog):
    done = adcli("embed", log, "--catalog", catalog, "--explain", "u01", "--to", "csv")
    assert done.returncode == 0, done.said
    header, first, *_ = done.text.splitlines()
    assert header == "id,part,what,event_type,events,share,similarity,moved"
    assert first.startswith("u01,event,")
    done = adcli("embed", products, "--explain", "0001", "--to", "csv")
    assert {line.split(",")[2] for line in done.text.splitlines()[1:]} == {"chef's", "knife.", "Kitchen"}
    done = adcli("embed", products, "--explain", "9999")
    assert done.returncode == 3
    assert "--explain 9999: no row has this id" in done.said


def test_events_need_the_products_they_are_about(adcli, log):
    done = adcli("embed", log)
    assert done.returncode == 2
    assert "Give --catalog PRODUCTS" in done.said


INVOICES = "InvoiceNo,StockCode,Description,InvoiceDate,UnitPrice,CustomerID\n" + "".join(
    f"{500 + number},{number % 4},{TITLES['Outdoor'][number % 4]},2024-05-0{1 + number // 4},9.5,u{number % 3}\n"
    for number in range(12)
)


def test_a_log_that_names_its_items_needs_no_catalog(adcli, tmp_path):
    (tmp_path / "invoices.csv").write_text(INVOICES)
    done = adcli("embed", "invoices.csv", "-o", "u.parquet")
    assert done.returncode == 0, done.said
    assert "Without --catalog: 4 items, by their titles in the events." in done.said
    done = adcli("embed", "invoices.csv", "--catalog", "invoices.csv", "-o", "same.parquet")
    assert done.returncode == 0, done.said
    assert "12 rows read as events beside the others" in done.said
    users = pl.read_parquet(tmp_path / "u.parquet")
    assert users["basis"].to_list() == ["items"] * 3
    assert users.equals(pl.read_parquet(tmp_path / "same.parquet"))
    done = adcli("embed", "invoices.csv", "--update-from", "u.parquet")
    assert done.returncode == 2
    assert "Give --catalog both times." in done.said


def test_a_catalog_that_matches_no_event_is_one_sentence(adcli, log, tmp_path):
    (tmp_path / "other.csv").write_text("item_id,title\nx9,tent\n")
    done = adcli("embed", log, "--catalog", "other.csv")
    assert done.returncode == 3
    assert "None of the 12 items of the events is in the catalog" in done.said


def test_an_unknown_model_is_one_sentence(adcli, products):
    done = adcli("embed", products, "--model", "minilmm", env={"HF_HUB_OFFLINE": "1"})
    assert done.returncode == 2
    assert "Did you mean 'minilm'?" in done.said


def test_no_text_column_is_one_sentence(adcli, tmp_path):
    (tmp_path / "prices.csv").write_text("item_id,price\n1,2.5\n")
    done = adcli("embed", "prices.csv")
    assert done.returncode == 3
    assert "lacks" in done.said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--weight", "purchas=5"], "Did you mean 'purchase'?"),
        (["--weight", "purchase=much"], "'much' is no number"),
        (["--weight", "view=-1"], "a weight is 0 or more"),
        (["--profile", "means"], "mean"),
        (["--weights", "learnt"], "learned"),
        (["--dim", "99", "-o", "x.parquet"], "the vectors have 12 dimensions"),
        (["--segments", "99"], "there are only 60 rows"),
        (["--dim", "3", "--basis", "x"], "Give one of them"),
        (["--basis", "x.safetensors"], "there is no such file"),
    ],
)
def test_options_that_cannot_be_meant_are_one_sentence(adcli, log, catalog, flags, said):
    done = adcli("embed", log, "--catalog", catalog, *flags)
    assert done.returncode == 2, done.said
    assert said in done.said


def test_segments_have_a_page_and_a_map(adcli, log, catalog, tmp_path):
    flags = ("--segments", "3", "--report", "page.html", "--plots", "plots", "-o", "u.parquet")
    done = adcli("embed", log, "--catalog", catalog, *flags)
    assert done.returncode == 0, done.said
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "60 users in 3 segments" in page
    assert "Days since last event" in page
    assert (tmp_path / "plots" / "segments.svg").exists()
    done = adcli("embed", log, "--catalog", catalog, "--report", "page.html", "-o", "u.parquet")
    assert done.returncode == 2
    assert "--report shows segments, and there are none. Give --segments K." in done.said


def test_vectors_of_other_models_are_fused_and_what_they_add_is_said(adcli, log, catalog, tmp_path):
    images = pl.read_parquet(catalog).select("id", "kind")[:10]
    rng = np.random.default_rng(0)
    vectors = pl.Series(
        "embedding", rng.normal(size=(10, 3)).astype(np.float32), dtype=pl.Array(pl.Float32, 3)
    )
    images.with_columns(vectors).write_parquet(tmp_path / "images.parquet")
    done = adcli("embed", log, "--catalog", catalog, "--with", "images.parquet", "-o", "u.parquet")
    assert done.returncode == 0, done.said
    assert "--with: vectors of 10 of 12; the others have that of their text alone." in done.said
    assert "Next-item recall@20" in done.said
    users = pl.read_parquet(tmp_path / "u.parquet")
    assert users["embedding"].dtype == pl.Array(pl.Float32, 15)
    adcli("embed", catalog, "--with", "images.parquet", "-o", "v.parquet")
    assert pl.read_parquet(tmp_path / "v.parquet")["embedding"].dtype == pl.Array(pl.Float32, 15)
    others = pl.col("id").str.replace("0", "x")
    images.with_columns(vectors, others).write_parquet(tmp_path / "others.parquet")
    done = adcli("embed", catalog, "--with", "others.parquet", "-o", "v.parquet")
    assert done.returncode == 3
    assert "--with: none of the ids has a vector there." in done.said
    done = adcli("embed", log, "--catalog", catalog, "--with", "images.parquet", "--profile", "sequence")
    assert done.returncode == 2
    assert "--profile sequence reads texts alone" in done.said
