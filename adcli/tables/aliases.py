"""The names under which standard columns are known elsewhere, best first.

Case and separators do not count (`CustomerID`, `customer-id` and `customer_id` are one name); a column's own
name always comes before its aliases. `TABLE_ALIASES` replaces the list of a column within one table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from adcli.tables.report_names import REPORT_NAMES

_CURRENCY: Final = re.compile(r"\s*(?:[(\[]([A-Z]{3})[)\]]|\(руб\.\)|, ₽)\s*$")
_CLICK = (
    "clicked", "is_click", "is_clicked", "clk", "click_flag", "has_click", "clicked_on_ad", "clicks", "label",
)  # fmt: skip
_ITEM = (
    "item", "product_id", "parent_asin", "asin", "sku", "sku_id", "stock_code", "uniq_id", "clothing_id",
    "article_id", "goods_id", "product_code", "item_code", "movie_id", "video_id", "book_id", "song_id",
    "track_id", "news_id", "content_id", "business_id", "hotel_id", "listing_id", "offer_id", "style_id",
    "lineitem_sku", "aid",
)  # fmt: skip
_ITEM_CODES = ("isbn", "ean", "gtin", "upc", "pid", "product")
_USER = (
    "user", "visitor_id", "customer_id", "client_id", "member_id", "shopper_id", "account_id", "buyer_id",
    "reviewer_id", "person_id", "household_key", "household_id", "cust_id", "profile_id", "cookie_id",
    "cookie", "user_pseudo_id", "anonymous_id", "domain_userid", "full_visitor_id", "uid", "visitor",
    "customer", "reviewer", "customer_user_id", "user_email", "customer_email", "email", "email_billing",
    "billing_email", "buyer_email", "id_customer", "buyer_user_id", "buyer",
)  # fmt: skip
_TIME = (
    "timestamp", "event_timestamp", "event_datetime", "datetime", "date_time", "time_stamp", "ts", "time",
    "timestamp_ms", "time_ms", "ts_ms", "time_local", "time_iso8601", "click_time", "impression_time",
    "bid_time", "created_at", "occurred_at", "server_time", "server_timestamp", "collector_tstamp",
    "visit_time", "view_time", "invoice_date", "order_date", "order_time", "order_dt",
    "order_purchase_timestamp", "date_add", "purchase_date", "purchase_time", "transaction_date",
    "transaction_time", "transaction_dt", "t_dat", "unix_timestamp", "unix_time", "unix_review_time",
    "review_time", "review_date", "review_creation_date", "reviewed_at", "date_added", "submission_date",
    "event_date", "sale_date", "date",
)  # fmt: skip

ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "event_time": _TIME,
    "user_id": _USER,
    "event_type": (
        "event", "event_name", "action_type", "behavior_type", "behaviour_type", "behavior", "behaviour",
        "interaction_type", "interaction", "activity_type", "activity", "action", "type",
    ),
    "item_id": (*_ITEM, *_ITEM_CODES),
    "session_id": ("session", "sess_id", "visit_id", "user_session"),
    "placement": (
        "placement_id", "position", "slot", "ad_slot", "ad_position", "slot_id", "position_id", "banner_pos",
    ),
    "campaign_id": ("campaign", "advertiser", "advertiser_id"),
    "ad_id": ("ad", "creative_id", "creative", "banner_id", "banner", "adgroup_id"),
    "query": ("search_query", "search_term", "search_terms", "query_text", "search", "keyword", "keywords"),
    "query_id": ("qid", "search_id"),
    "text": (
        "item_text", "description", "product_name", "item_name", "product_title", "lineitem_name", "title",
    ),
    "price": (
        "unit_price", "item_price", "sale_price", "selling_price", "discounted_price", "final_price",
        "actual_price", "current_price", "retail_price", "list_price", "sales_price", "variant_price",
        "lineitem_price", "regular_price", "item_cost",
    ),
    "quantity": (
        "qty", "units", "amount_purchased", "lineitem_quantity", "order_products", "quantity_refund",
    ),
    "revenue": (
        "total_revenue", "sales_value", "order_value", "order_amount", "total_price", "total_amount", "sales",
        "amount", "gmv",
    ),
    "order_revenue": (
        "subtotal", "order_subtotal", "order_subtotal_amount", "subtotal_price", "purchase_revenue",
        "total_products_wt", "total_products", "order_value",
    ),
    "order_total": (
        "order_total_amount", "grand_total", "grand_total_base", "total_paid_tax_incl", "total_paid",
        "order_amount", "total_amount", "total_price", "total_revenue", "total",
    ),
    "order_discount": (
        "discount_amount", "cart_discount_amount", "discount_total", "total_discounts", "cart_discount",
    ),
    "shipping": (
        "order_shipping_amount", "shipping_total", "shipping_and_handling", "shipping_amount",
        "total_shipping", "shipping_cost", "shipping_value", "order_shipping",
    ),
    "tax": (
        "taxes", "order_total_tax_amount", "tax_total", "tax_amount", "total_tax", "tax_value",
        "order_sales_tax", "sales_tax",
    ),
    "discount": ("lineitem_discount", "item_promotion_discount", "line_discount"),
    "refund": ("refunded_amount", "refund_amount", "refund_value", "total_refunded", "order_refund_amount"),
    "currency": ("currency_code", "order_currency", "currency_iso", "order_currency_code"),
    "device": ("device_type", "device_category", "platform"),
    "channel": ("traffic_source", "traffic_channel"),
    "country": ("country_code", "geo_country"),
    "age": ("user_age", "customer_age", "age_years"),
    "gender": ("sex", "user_gender"),
    "signup_time": (
        "signup_date", "sign_up_date", "signed_up_at", "registered_at", "registration_date",
        "registration_time", "date_registered", "customer_since", "first_issue_date", "created_at",
        "created", "joined_at", "join_date",
    ),
    "consent": (
        "marketing_consent", "accepts_marketing", "accepts_email_marketing", "opt_in", "opted_in",
        "newsletter", "gdpr_consent",
    ),
    "referrer": ("referer", "http_referer", "http_referrer", "referrer_url"),
    "user_agent": ("ua", "http_user_agent", "agent"),
    "ip": (
        "ip_address", "client_ip", "remote_addr", "remote_ip", "remote_host", "clientip", "x_forwarded_for",
    ),
    "propensity": (
        "propensity_score", "pscore", "action_prob", "action_probability", "logging_probability",
        "logging_prob", "behavior_prob",
    ),
    "probability": ("prob", "target_probability", "policy_probability", "action_probability", "action_prob"),
    "slate_id": ("slate", "slate_key", "ranking_id"),
    "cost": ("ad_cost", "ad_spend", "spend"),
    "click": _CLICK,
    "conversion": (
        "converted", "is_conversion", "is_converted", "is_attributed", "has_conversion", "conv",
        "conversion_flag", "conversions", "purchased", "is_purchase",
    ),
    "market_price": (
        "paying_price", "pay_price", "winning_price", "win_price", "clearing_price", "second_price",
    ),
    "minimum_bid_to_win": ("min_bid_to_win", "minimum_price_to_win"),
    "won": ("is_won", "bid_won", "auction_won", "win"),
    "pctr": ("predicted_ctr", "ctr_prediction", "p_ctr", "pred_ctr"),
    "pcvr": ("predicted_cvr", "cvr_prediction", "p_cvr", "pred_cvr"),
    "bid": ("bid_price", "bidding_price", "bid_amount"),
    "floor_price": ("bid_floor", "slot_price", "slot_floor_price", "floor", "reserve_price", "reserve"),
    "title": (
        "product_name", "product_title", "product_display_name", "prod_name", "item_name", "item_title",
        "name",
    ),
    "description": (
        "product_description", "item_description", "about_product", "long_description", "detail_desc",
        "body_html", "desc",
    ),
    "brand": ("brand_name", "brands", "manufacturer", "vendor", "store"),
    "category": (
        "product_category_tree", "product_category", "category_name", "category_tree", "category_path",
        "category_hierarchy", "main_category", "master_category", "product_category_name", "categories",
        "category_code", "department", "product_type", "product_type_name", "product_class",
        "google_product_category",
    ),
    "availability": ("in_stock", "stock_status"),
    "image": ("image_url", "image_link", "image_src", "img", "img_url", "img_link", "im_url", "picture"),
    "url": ("product_url", "product_link", "item_url", "link"),
    "rating": ("star_rating", "review_rating", "review_score", "ratings", "stars", "overall", "score"),
    "embedding": ("vector", "embeddings"),
    "segment_id": ("segment", "audience"),
    "variant": (
        "arm", "treatment_group", "test_group", "experiment_group", "ab_group", "variation", "treatment",
        "experiment_variant", "group", "version", "bucket", "cell", "condition", "segment",
    ),
    "unit_id": ("unit", *_USER, "user_id", "session_id", "session"),
}  # fmt: skip

TABLE_ALIASES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "impressions": {
        "item_id": (*_ITEM, "product", "action", "action_id"),
        "click": (*_CLICK, "reward"),
    },
    "products": {"item_id": (*_ITEM, "variant_sku", "id", "handle", "url_handle", *_ITEM_CODES)},
    "reviews": {
        "text": ("review_text", "review_body", "review_content", "review_comment", "review_comment_message",
                 "review", "comment", "body", "content", "reviews"),
        "title": ("review_title", "review_summary", "review_headline", "review_comment_title", "summary",
                  "headline"),
        "user_id": (*_USER, "author", "reviewer_name", "user_name", "username"),
    },
    "users": {
        "user_id": (*_USER, "id"),
        "country": ("country_code", "default_address_country_code", "default_address_country",
                    "billing_country", "geo_country"),
    },
    "pairs": {"text": ("ad_text", "ad_copy", "copy", "ad", "slogan")},
    "ads": {"text": ("ad_text", "ad_copy", "copy", "body"), "title": ()},
    "queries": {"query_id": ("qid", "search_id", "id")},
    "report": REPORT_NAMES,
    "events": {
        "revenue": ("item_revenue", "line_total", "item_total", "sales_value", "sales", "amount", "gmv"),
    },
}  # fmt: skip


@lru_cache(65_536)
def normalised(name: str) -> str:
    """A column name without case, separators and accents of spelling: `Review Text` is `reviewtext`."""
    return re.sub(r"[\W_]+", "", re.sub(r"\w\s+#$", lambda found: f"{found[0]}number", name).casefold())


def currency_of(name: str) -> str | None:
    """The currency that a column names in brackets: `Amount spent (EUR)` is in EUR."""
    found = _CURRENCY.search(name)
    return (found[1] or "RUB") if found else None


def without_currency(name: str) -> str:
    """The name of a column without the currency that it names in brackets."""
    return _CURRENCY.sub("", name)


KNOWN_NAMES: Final = frozenset(
    normalised(known)
    for aliases in (ALIASES, *TABLE_ALIASES.values())
    for column, others in aliases.items()
    for known in (column, *others)
)
"""All standard columns and their aliases, normalised."""
