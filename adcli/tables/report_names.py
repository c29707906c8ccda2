"""The names that ad platforms give the columns of their reports, best first.

Of the interfaces and APIs of Google Ads, Microsoft Advertising, Meta, TikTok, Amazon Ads, Pinterest,
LinkedIn, Snapchat, X, Criteo, Yandex Direct, Taboola, Outbrain, Display & Video 360 and Search Console, in
English; of Yandex also in Russian, of Google, Meta and Amazon also in German, French, Spanish, Italian and
Portuguese.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REPORT_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "date": (
        "day", "by_day", "segments.date", "stat_time_day", "stat_time", "date_start", "time_period",
        "gregorian_date", "start_date_in_utc", "start_date", "start_time", "reporting_starts",
        "reporting_start", "event_date", "week", "month", "дата", "tag", "jour", "día", "giorno", "dia",
        "datum",
    ),
    "date_end": (
        "reporting_ends", "reporting_end", "end_date", "end_date_in_utc", "end_time", "date_stop",
    ),
    "hour": ("hour_of_the_day", "hour_of_day", "segments.hour"),
    "impressions": (
        "impr", "impression", "metrics.impressions", "displays", "paid_impressions", "показы",
        "impressionen", "impresiones", "impressões",
    ),
    "clicks": (
        "link_clicks", "clicks_destination", "outbound_clicks", "inline_link_clicks", "metrics.clicks",
        "pin_clicks", "swipe_ups", "link_klicks", "clics_sur_un_lien", "clics_en_el_enlace", "clic_sul_link",
        "cliques_no_link", "clicks_all", "klicks_alle", "clics_tous", "clics_todos", "clic_tutti",
        "cliques_todos", "click", "клики", "klicks", "clics", "clic", "cliques",
    ),
    "conversions": (
        "purchases", "website_purchases", "complete_payment", "7_day_total_orders", "14_day_total_orders",
        "30_day_total_orders", "purchases_7_d", "purchases_14_d", "purchases_30_d", "checkouts", "conv",
        "metrics.conversions", "conversions_qualified", "total_conversions", "approved_conversion",
        "total_conversion", "sales_all_client_attribution", "sales_client_attribution", "sales_pc_30d",
        "transactions", "key_events", "leads", "results", "конверсии", "conversões", "conversiones",
        "conversioni", "käufe", "achats", "bestellungen_gesamt_in_7_tagen", "ergebnisse", "résultats",
        "resultados", "risultati",
    ),
    "cost": (
        "spend", "amount_spent", "total_spent", "spent", "metrics.cost", "advertiser_cost",
        "spend_in_account_currency", "revenue_adv_currency", "media_cost_advertiser_currency", "ad_cost",
        "ad_spend", "расход", "kosten", "ausgegebener_betrag", "ausgaben", "coût", "montant_dépensé", "coste",
        "importe_gastado", "costo", "importo_speso", "custo", "valor_gasto",
    ),
    "cost_micros": (
        "metrics.cost_micros", "spend_in_micro_dollar", "spend_micros", "spend_micro",
        "billed_charge_local_micro",
    ),
    "revenue": (
        "conv_value", "conversion_value", "conversions_value", "metrics.conversions_value",
        "purchases_conversion_value", "website_purchases_conversion_value", "purchases_value",
        "total_complete_payment_value", "7_day_total_sales", "14_day_total_sales", "30_day_total_sales",
        "sales_7_d", "sales_14_d", "sales_30_d", "checkout_value_in_account_currency",
        "total_conversion_value", "revenue_generated_all_client_attribution",
        "revenue_generated_client_attribution", "revenue_generated_pc_30d", "sum_value", "total_revenue",
        "gross_revenue_shop", "доход", "conv_wert", "gesamtumsatz_in_7_tagen", "valeur_conv", "valor_conv",
    ),
    "reach": (),
    "campaign_id": (
        "campaign.id", "campaign", "campaign_name", "campaign.name", "xyz_campaign_id", "insertion_order_id",
        "insertion_order", "кампании", "кампания", "kampagne", "kampagnenname", "nom_de_la_campagne",
        "campagne",
        "campaña", "nombre_de_la_campaña", "nome_della_campagna", "campanha", "nome_da_campanha",
    ),
    "ad_group_id": (
        "ad_group.id", "ad_set_id", "adset_id", "ad_squad_id", "line_item_id", "ad_group", "ad_group_name",
        "ad_set", "ad_set_name", "adset", "ad_squad_name", "line_item", "группы", "группа", "anzeigengruppe",
        "name_der_anzeigengruppe", "groupe_d_annonces", "grupo_de_anuncios", "grupo_de_anúncios",
    ),
    "ad_id": (
        "ad_group_ad.ad.id", "creative_id", "ad", "ad_name", "creative", "item", "объявления",
    ),
    "keyword": (
        "search_keyword", "keyword_text", "targeting", "criterion", "условие_показа",
    ),
    "query": (
        "search_term", "customer_search_term", "search_query", "top_queries", "suchbegriff",
        "suchbegriff_des_kunden", "termo_de_pesquisa",
    ),
    "placement": ("position", "site", "ad_slot", "slot"),
    "device": ("device_type", "segments.device", "impression_device", "device_platform"),
    "network": (
        "network_with_search_partners", "segments.ad_network_type", "platform", "тип_площадки",
    ),
    "country": ("country_code", "country_territory"),
    "currency": (
        "currency_code", "account_currency", "advertiser_currency", "campaign_budget_currency_code",
        "währungscode", "código_da_moeda",
    ),
}  # fmt: skip

MEASURED_TOGETHER: Final = (
    ("conversions", "revenue"),
    ("purchases", "purchases_conversion_value"),
    ("website_purchases", "website_purchases_conversion_value"),
    ("complete_payment", "total_complete_payment_value"),
    ("checkouts", "checkout_value_in_account_currency"),
    ("sales_all_client_attribution", "revenue_generated_all_client_attribution"),
    ("sales_client_attribution", "revenue_generated_client_attribution"),
    ("sales_pc_30d", "revenue_generated_pc_30d"),
)
"""Counts of conversions beside the money of the same conversions, which are taken together or not at all."""
