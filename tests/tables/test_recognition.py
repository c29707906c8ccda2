"""Columns find their place by name, alias or hand; what cannot be placed is one sentence with its cure."""

import pytest

from adcli.errors import DataError, UsageError
from adcli.tables.standard import TABLES, normalised

EVERY = ("auctions", "impressions", "events", "reviews", "products", "units", "queries")


def test_an_alias_is_the_alias_of_one_column_at_most_where_both_are_required():
    for table in TABLES.values():
        needed = [*table.required, *table.either]
        seen = {}
        for column in needed:
            for alias in table.aliases(column):
                assert seen.setdefault(alias, column) == column, f"{table.name}: {alias}"


@pytest.mark.parametrize(
    ("header", "table", "placed"),
    [
        ("timestamp,visitorid,event,itemid,transactionid", "events", {"user_id": "visitorid", "item_id": "itemid"}),
        ("event_time,event_type,product_id,category_code,brand,price,user_id,user_session", "events",
         {"item_id": "product_id", "session_id": "user_session"}),
        (",timestamp,item_id,position,click,propensity_score", "impressions",
         {"placement": "position", "propensity": "propensity_score"}),
        ("uniq_id,product_name,retail_price,discounted_price", "products",
         {"item_id": "uniq_id", "title": "product_name", "price": "discounted_price"}),
        ("Clothing ID,Title,Review Text,Rating", "reviews", {"item_id": "Clothing ID", "text": "Review Text"}),
        ("asin,reviewerID,overall,reviewText,summary,unixReviewTime", "reviews",
         {"user_id": "reviewerID", "title": "summary", "event_time": "unixReviewTime", "rating": "overall"}),
        ("advertiser,click,market_price,pctr", "auctions", {"campaign_id": "advertiser"}),
        ("userid,version,retention_7", "units", {"variant": "version", "unit_id": "userid"}),
        ("recency,segment,visit,spend", "units", {"variant": "segment"}),
        ("query_id,query,query_class", "queries", {"query": "query"}),
        ("USER-ID,Time Stamp,Action", "events", {"user_id": "USER-ID", "event_time": "Time Stamp"}),
    ],
)  # fmt: skip
def test_tables_of_the_field_are_recognised(read, header, table, placed):
    got = read(header + "\n", tables=EVERY)
    assert got.stream.table.name == table
    for column, source in placed.items():
        assert column in got.frame.columns
        if normalised(column) != normalised(source):
            assert f"{column} <- {source}" in got.stream.notes[0]


@pytest.mark.parametrize(
    ("header", "row", "kind"),
    [
        ("InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID", "1,a,2,2011-01-01,3,7", "purchase"),
        ("InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID", "C1,a,2,2011-01-01,3,7", "other"),
        ("InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID", "1,a,-2,2011-01-01,3,7", "other"),
        ("user_id,item_id,date,quantity,price", "7,a,2011-01-01,1,3", "purchase"),
        ("user_id,item_id,date,quantity,price", "7,a,2011-01-01,-1,3", "other"),
        ("user_id,app,click_time", "7,a,2011-01-01", "click"),
        ("user_id,movie_id,rating,timestamp", "7,a,4,978300760", "review"),
        ("user_id,query,time", "7,lamp,2011-01-01", "search"),
    ],
)
def test_events_without_a_type_are_what_they_can_only_be(read, header, row, kind):
    got = read(f"{header}\n{row}\n")
    assert got.frame["event_type"].to_list() == [kind]
    assert "event_type is" in got.stream.notes[0]


def test_aliases_of_event_types_are_mapped_and_unknown_ones_counted(read):
    kinds = [
        "detail_view",
        "addtocart",
        "transaction",
        "BUY",
        "pv",
        "fav",
        "Click",
        "impression",
        "wibble",
        "wibble",
    ]
    rows = "".join(f"2024-01-01,u,{kind}\n" for kind in kinds)
    got = read("event_time,user_id,event_type\n" + rows)
    assert got.frame["event_type"].to_list() == [
        "view", "cart", "purchase", "purchase", "view", "other", "click", "impression", "other", "other",
    ]  # fmt: skip
    assert got.stream.unknown_event_types == {"wibble": 2}


def test_a_column_named_by_hand_is_taken_and_its_namesake_carried_along(read):
    got = read("event_time,user_id,ip,type\n2024-01-01,a,b,view\n", column_map={"user_id": "IP"})
    assert got.frame["user_id"].to_list() == ["b"]
    assert got.frame["source_user_id"].to_list() == ["a"]
    assert "user_id as source_user_id" in got.stream.notes[0]


def test_a_constant_fills_a_column_on_each_row(read):
    got = read(
        "event_time,user_id\n2024-01-01,a\n2024-01-01,b\n", constants={"event_type": "buy", "price": "2.5"}
    )
    assert got.frame["event_type"].to_list() == ["purchase", "purchase"]
    assert [float(price) for price in got.frame["price"]] == [2.5, 2.5]


def test_of_two_columns_that_could_be_one_the_better_name_wins_and_it_is_said(read):
    got = read("pid,uniq_id,product_name\n1,2,Lamp\n", tables=["products"])
    assert got.frame.row(0, named=True) == {"item_id": "2", "title": "Lamp", "pid": "1"}
    assert "pid could be item_id too, but uniq_id is taken" in got.stream.notes[0]


def test_what_lacks_is_one_sentence_with_its_cure(read):
    with pytest.raises(DataError) as caught:
        read("ip,app,click_time\n1,2,2017-11-07 9:30\n", tables=EVERY)
    message = str(caught.value)
    assert "as events it lacks user_id" in message
    assert "its columns are ip, app, click_time" in message
    assert message.endswith("Name what it is: --map user_id=ip.")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("header", "tables", "cure"),
    [
        ("event_time,usr_id,event_type", ["events"], "--map user_id=usr_id"),
        ("event_time,user_id", ["events"], "--set event_type=view"),
        ("item_id,description", ["products"], "--map title=description"),
        ("item_id,User Comments", ["reviews"], "--map text='User Comments'"),
    ],
)
def test_the_cure_names_the_likeliest_column(read, header, tables, cure):
    with pytest.raises(DataError, match=cure):
        read(header + "\n", tables=tables)


def test_a_table_of_which_nothing_is_known_is_told_so(read):
    with pytest.raises(
        DataError, match="none of its columns is known as one of events, products; its columns are a, b"
    ):
        read("a,b\n1,2\n", tables=["events", "products"])


def test_a_column_the_command_needs_is_asked_for(read):
    content = "item_id,click\n1,0\n"
    assert read(content, tables=["impressions"]).frame.height == 1
    with pytest.raises(DataError, match="as impressions it lacks propensity"):
        read(content, tables=["impressions"], needs=["propensity"])
    got = read("item_id,click,pscore\n1,0,0.5\n1,0,\n", tables=["impressions"], needs=["propensity"])
    assert got.reasons == [(3, "propensity: missing")]


def test_a_wrong_map_is_wrong_usage(read):
    with pytest.raises(UsageError, match=r"has no column 'visiter'.*Did you mean 'visitor'"):
        read("event_time,visitor,event\n", column_map={"user_id": "visiter"})


def test_units_need_something_that_was_measured(read):
    with pytest.raises(DataError, match="lacks a metric"):
        read("variant,unit_id\na,1\n", tables=["units"])


def test_either_of_two_actions_will_do_and_one_is_needed_on_each_row(read):
    assert read("ad_id,click\n7,1\n", tables=["impressions"]).frame["ad_id"].to_list() == ["7"]
    got = read("ad_id,item_id,click\n7,,1\n,8,1\n,,1\n", tables=["impressions"])
    assert got.frame.height == 2
    assert got.reasons == [(4, "item_id: missing")]


def test_all_inputs_must_fit_one_table(read):
    good = "event_time,user_id,event_type\n2024-01-01,u,view\n"
    with pytest.raises(DataError, match=r"1-input.csv: as events it lacks user_id"):
        read(good, "event_time,event_type,who\n")
    got = read(good, "timestamp,visitorid,event,colour\n1704067200,v,click,red\n")
    assert got.frame.rows()[1][1:] == ("v", "click", "red")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("# newdoc id = x\n# sent_id = 1\n1\tFrom\tfrom\tADP\tIN\t_\t3\tcase\t_\t_\n", "CoNLL-U"),
        ("click:0 dense:0.5 dense:1 7:1 9:1\n", "libsvm"),
        ("<html><body>404</body></html>\n", "XML or HTML"),
        ("\x7fELF\x02\x01\x01\x00\x00\x00,\x01\x02\x03\x04\n", "binary file of an unknown kind"),
        ("just a sentence of words\nand then another, shorter\n", "nothing known"),
    ],
)
def test_files_that_are_no_table_are_told_in_one_sentence(read, content, told):
    with pytest.raises(DataError, match=told) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_the_format_given_wins_over_the_content(read):
    got = read("query\nred lamp\nblue lamp\n", tables=["queries"])
    assert got.frame["query"].to_list() == ["red lamp", "blue lamp"]
    got = read("words\nred lamp\n", tables=["queries"], format="csv", column_map={"query": "words"})
    assert got.frame["query"].to_list() == ["red lamp"]
    with pytest.raises(UsageError, match=r"--format cvs: there is no such format.*Did you mean 'csv'"):
        read("a\n", format="cvs")
    with pytest.raises(UsageError, match="--delimiter ab"):
        read("a,b\n", delimiter="ab")
