"""Columns find their place by name, alias or hand; what cannot be placed is one sentence with its cure."""

import pytest

from adcli.errors import DataError, UsageError
from adcli.tables.aliases import normalised
from adcli.tables.read import open_table
from adcli.tables.standard.tables import TABLES

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
        ("Invoice,StockCode,Quantity,InvoiceDate,Price,Customer ID", "events", {"user_id": "Customer ID"}),
        ("t_dat,customer_id,article_id,price", "events", {"event_time": "t_dat", "item_id": "article_id"}),
        ("article_id,prod_name,detail_desc", "products", {"title": "prod_name", "description": "detail_desc"}),
        ("Created at,Email,Lineitem sku,Lineitem quantity,Lineitem price,Id,Name", "events",
         {"user_id": "Email", "item_id": "Lineitem sku", "price": "Lineitem price"}),
        ("id\ttitle\tlink\timage_link\tgtin", "products", {"item_id": "id", "url": "link"}),
        ("user,time_stamp,adgroup_id,pid,nonclk,clk", "impressions", {"ad_id": "adgroup_id", "click": "clk"}),
        ("action,reward,pscore,position", "impressions", {"item_id": "action", "click": "reward"}),
        ("collector_tstamp,event,domain_userid", "events", {"user_id": "domain_userid"}),
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


def test_an_alias_is_taken_only_where_the_values_can_be_read_so(read):
    labels = "product_id,label,query_id\n" + "1,Exact,7\n2,Partial,7\n" * 3
    with pytest.raises(DataError, match=r"lacks click \(label could be, but is not 0 or 1: 'Exact'\)"):
        read(labels, tables=["impressions"])
    relative = "timestamp,ad_id,click\n0,a,1\n17,b,0\n"
    got = read(relative, tables=EVERY)
    assert got.frame.columns == ["ad_id", "click", "timestamp"]
    assert "timestamp could be event_time, but is no time" in got.stream.notes[0]
    named = read(relative, tables=EVERY, column_map={"event_time": "timestamp"})  # named by hand, it is that
    assert named.reasons == [(2, "event_time: not a time: '0'"), (3, "event_time: not a time: '17'")]


def test_a_type_of_something_else_is_no_type_of_event(read):
    products = "desc,type,url\nA lamp,headline,https://shop.example\nA sofa,about,https://shop.example\n"
    with pytest.raises(DataError, match="as products it lacks item_id and title"):
        read(products, tables=EVERY)
    log = "time,user,type\n2024-01-01,u,pv\n2024-01-01,u,wibble\n"
    assert read(log, tables=EVERY).frame["event_type"].to_list() == ["view", "other"]


def test_sums_of_clicks_are_no_click(read):
    report = "Day,Ad ID,Impressions,Clicks,Cost\n2024-01-01,7,1000,20,3.5\n2024-01-02,7,900,0,3\n2024-01-03,8,80,3,1\n"
    with pytest.raises(DataError, match=r"is a report \(a row is counts"):
        read(report, tables=EVERY)


def test_a_price_on_the_market_does_not_make_a_catalogue_an_auction(read):
    products = "product,category,brand,sale_price,market_price\nOil,Beauty,B,220,230\n"
    with pytest.raises(DataError, match="as products it lacks title"):
        read(products, tables=EVERY)
    assert read("market_price\n230\n", tables=EVERY).stream.table.name == "auctions"
    assert read(products, tables=["auctions"]).stream.table.name == "auctions"


def test_an_access_log_written_as_json_is_one(read):
    line = (
        '{"time": "17/May/2015:08:05:32 +0000", "remote_ip": "192.0.2.1", "request": "GET /p/1 HTTP/1.1", '
        '"response": 304, "referrer": "-", "agent": "x"}\n'
    )
    got = read(line, tables=EVERY, name="log.json")
    row = got.frame.row(0, named=True)
    assert (row["user_id"], row["ip"], row["event_type"]) == ("192.0.2.1", "192.0.2.1", "view")
    assert (row["referrer"], row["user_agent"], row["response"]) == (None, "x", 304)


def test_what_was_placed_stays_where_it_is_when_json_brings_more_columns(read, monkeypatch):
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 100)
    monkeypatch.setattr("adcli.tables.formats.detect.PEEK_BYTES", 100)
    monkeypatch.setattr("adcli.tables.sources.PEEK_BYTES", 100)
    rows = ['{"asin": "a", "title": "A, which is a long one indeed"}'] * 4 + [
        '{"asin": "a", "product_id": "p", "title": "B"}'
    ] * 4
    got = read("\n".join(rows) + "\n", tables=["products"], name="goods.jsonl")
    assert got.frame["item_id"].to_list() == ["a"] * 8
    assert got.frame["product_id"].to_list() == [None] * 4 + ["p"] * 4


def test_a_table_without_header_shows_its_first_row(read):
    with pytest.raises(
        DataError, match=r"no header line, and column_1 to column_4 of its first row are 1, 22, pv, 15"
    ):
        read("1,22,pv,1511544070\n1,23,buy,1511561733\n", tables=EVERY)
    names = {"user_id": "column_1", "item_id": "column_2", "event_type": "column_3", "event_time": "column_4"}
    got = read("1,22,pv,1511544070\n1,23,buy,1511561733\n", tables=EVERY, column_map=names)
    assert got.frame["event_type"].to_list() == ["view", "purchase"]


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


def test_clicks_on_what_was_shown_lack_what_that_was(read):
    with pytest.raises(DataError, match="as impressions it lacks item_id or ad_id"):
        read("timestamp,user_id,placement,click\n2024-05-01 10:00:00,u1,top,1\n", tables=EVERY)


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


def test_inputs_of_two_kinds_are_told_apart(read):
    with pytest.raises(DataError, match=r"0-input.csv holds impressions and .*1-input.csv holds queries"):
        read("item_id,click\n1,0\n", "query_id,query\n1,lamp\n", tables=EVERY)


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
        ("#Software: Microsoft IIS\n#Fields: date time c-ip\n", "extended log"),
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


def test_an_empty_column_of_the_right_name_gives_way_to_a_filled_one_of_another(tmp_path):
    path = tmp_path / "log.tsv"
    path.write_text("collector_tstamp\tevent\tuser_id\tdomain_userid\n2024-01-01\tpage_view\t\td1\n")
    (batch,) = open_table([str(path)], tables=list(TABLES)).batches()
    assert batch.frame["user_id"].to_list() == ["d1"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            "review_id,order_id,review_score,review_comment_message,review_creation_date",
            "as reviews it lacks item_id",
        ),
        ("order_id,order_item_id,product_id,seller_id,price", "as events it lacks event_time and user_id"),
        ("session,aid,ts,type", "--map user_id=session"),
    ],
)
def test_what_an_input_plainly_is_decides_what_is_said_to_lack(tmp_path, header, words):
    path = tmp_path / "log.csv"
    row = "r1,o1,5,good,2024-01-01" if "review" in header else "1,2,1704067200000,clicks,9"
    path.write_text(f"{header}\n{','.join(row.split(',')[: header.count(',') + 1])}\n")
    with pytest.raises(DataError, match=words):
        open_table([str(path)], tables=["auctions", "impressions", "events", "reviews", "products"])
