"""Where goods come from and how they travel: the tables of the simulated world.

Origins by sector with weights, price levels, countries of dispatch, modes of transport, delivery
terms and currencies. Round figures, set by hand after published trade statistics; they claim no more
than believable joint frequencies.
"""

from typing import Final

HOME: Final = "RU"
HOME_CURRENCY: Final = "RUB"

ORIGINS: Final[dict[str, str]] = {
    "electronics": "CN 62 VN 10 MY 6 TW 5 KR 5 TH 3 JP 2 DE 2 US 2 HU 1 IN 2",
    "appliances": "CN 58 TR 12 BY 10 KR 5 TH 5 PL 3 IT 3 DE 2 MY 2",
    "machinery": "CN 46 DE 13 IT 10 TR 6 JP 5 KR 5 US 4 AT 2 CZ 2 BY 5 FR 2",
    "vehicles": "CN 46 JP 19 KR 14 DE 7 BY 7 CZ 2 US 2 SE 1 FR 2",
    "parts": "CN 48 DE 10 KR 8 JP 8 TR 7 TW 4 PL 4 IT 4 CZ 3 BY 4",
    "textile": "CN 46 TR 16 UZ 11 IN 8 BD 4 IT 5 KR 5 PK 5",
    "clothing": "CN 43 BD 15 TR 13 UZ 8 VN 7 IN 5 IT 4 KH 3 PT 2",
    "footwear": "CN 55 VN 17 ID 8 TR 6 IT 5 IN 3 BY 4 KH 2",
    "leather": "CN 62 IT 10 TR 8 VN 7 FR 5 IN 5 ES 3",
    "furniture": "CN 52 BY 14 PL 8 TR 8 IT 7 VN 6 DE 3 MY 2",
    "household": "CN 72 TR 9 IN 5 DE 4 FR 3 BY 4 CZ 3",
    "chemicals": "CN 35 DE 15 TR 8 IN 8 BE 5 FR 5 IT 5 US 4 KR 5 BY 5 NL 5",
    "pharma": "DE 18 IN 17 FR 10 IT 8 CH 9 US 8 SI 6 HU 6 CN 11 BE 4 TR 3",
    "plastics": "CN 45 TR 12 DE 9 KR 8 BY 8 IT 5 SA 4 PL 4 TH 2 UZ 3",
    "steel": "CN 44 TR 13 KZ 12 DE 6 BY 9 KR 7 IT 4 IN 5",
    "aluminium": "CN 58 TR 12 BY 10 DE 6 KZ 6 IT 4 AZ 4",
    "fruit_tropical": "EC 62 CR 8 CO 6 VN 6 MX 6 KE 6 ZA 6",
    "fruit": "TR 26 CN 16 AZ 12 RS 9 MD 6 EG 13 ZA 8 IR 6 BY 4",
    "vegetables": "TR 22 CN 20 AZ 12 UZ 12 EG 10 IR 8 BY 8 MA 5 KZ 3",
    "flowers": "EC 34 KE 22 NL 26 CO 10 ET 8",
    "dairy": "BY 60 AR 9 NZ 7 UY 6 KZ 5 RS 6 CH 4 AM 3",
    "meat": "BY 36 BR 25 PY 16 AR 11 UY 5 CL 4 IN 3",
    "fish": "CN 20 FO 18 CL 17 VN 12 BY 10 TR 7 EC 6 MA 6 IN 4",
    "coffee": "BR 26 VN 22 IN 10 ET 8 CO 10 UG 6 ID 8 IT 6 DE 4",
    "tea": "LK 30 IN 25 KE 18 CN 17 VN 6 AZ 4",
    "cocoa": "CI 34 GH 18 EC 14 MY 16 ID 10 NL 8",
    "sweets": "DE 18 TR 20 BY 18 IT 12 PL 10 KZ 8 CH 6 BE 8",
    "preserves": "CN 26 TR 20 IR 8 BR 14 EG 6 AM 6 IT 8 VN 8 UZ 4",
    "grain": "KZ 50 IN 16 PK 10 TH 8 VN 8 BR 8",
    "oils": "ID 38 MY 26 ES 14 IT 10 TR 8 TN 4",
    "beverages": "IT 24 FR 15 ES 14 GE 17 AM 10 CL 6 ZA 4 DE 5 MD 5",
    "spirits": "GB 30 AM 22 FR 16 US 10 IE 10 GE 8 BY 4",
    "tobacco": "BR 22 IN 18 ZW 8 MW 8 TR 12 ID 12 AM 12 BY 8",
    "toys": "CN 80 VN 6 CZ 2 DE 3 HU 2 TR 2 BY 3 TH 2",
    "cosmetics": "FR 22 PL 10 IT 12 KR 14 DE 9 CN 14 TR 6 US 4 ES 4 BY 5",
    "jewellery": "CN 42 IT 16 TR 14 TH 10 IN 10 CH 8",
    "medical": "CN 30 DE 20 US 13 JP 9 KR 7 IT 5 CH 5 NL 4 FI 2 PL 2 FR 3",
    "rubber": "CN 54 JP 9 KR 8 BY 8 TH 9 DE 4 RS 4 TR 4",
    "wood": "BY 46 CN 26 FI 5 PL 5 DE 4 ID 5 TR 5 IT 4",
    "paper": "CN 38 DE 12 FI 5 BY 14 TR 9 IT 6 PL 7 KR 4 AT 5",
    "ceramics": "CN 48 TR 12 IT 10 IN 12 ES 8 BY 6 PL 4",
    "glass": "CN 46 BY 15 TR 11 DE 8 PL 7 IT 6 JP 3 KR 4",
    "tools": "CN 70 DE 8 TW 6 IT 4 JP 4 TR 4 CZ 4",
    "minerals": "BY 40 KZ 24 TR 14 CN 12 IR 10",
    "oil": "KZ 70 BY 30",
    "fertilizers": "BY 60 KZ 20 CN 20",
}
"""Sector: origins and weights."""

PRICE_LEVEL: Final[dict[str, float]] = {
    "CN": 0.85, "VN": 0.82, "BD": 0.74, "IN": 0.8, "PK": 0.72, "KH": 0.75, "UZ": 0.8, "ID": 0.84,
    "TR": 1.0, "BY": 0.95, "KZ": 0.92, "DE": 1.5, "IT": 1.6, "FR": 1.6, "US": 1.5, "JP": 1.4,
    "CH": 2.0, "KR": 1.2, "TW": 1.1, "AT": 1.45, "NL": 1.35, "BE": 1.35, "GB": 1.5, "SE": 1.4,
    "FI": 1.35, "ES": 1.25, "PL": 1.1, "CZ": 1.15, "HU": 1.1, "PT": 1.15, "IE": 1.5, "SI": 1.15,
}  # fmt: skip
"""Price of goods of an origin by the world's; 1.0 where nothing is said."""

PREFERENCE: Final[dict[str, float]] = {
    "BY": 0.0, "KZ": 0.0, "AM": 0.0, "KG": 0.0, "UZ": 0.0, "AZ": 0.0, "MD": 0.0, "GE": 0.0,
    "RS": 0.0, "TJ": 0.0, "BD": 0.75, "KH": 0.75, "ET": 0.0, "UG": 0.0, "MW": 0.0,
}  # fmt: skip
"""Part of the duty rate that is paid; 1.0 where nothing is said (union, free trade, least developed)."""

ANTI_DUMPING: Final = 0.18
"""Added to the duty rate of goods with the flag AD that come from CN."""

DISPATCH: Final[dict[str, str]] = {
    "CN": "CN 88 HK 5 KZ 3 KG 1 TR 1 AE 2",
    "VN": "VN 84 CN 8 HK 4 SG 4",
    "BD": "BD 80 TR 8 AE 6 LT 6",
    "IN": "IN 84 AE 9 TR 4 NL 3",
    "KH": "KH 76 CN 14 SG 10",
    "ID": "ID 82 SG 12 CN 6",
    "MY": "MY 80 SG 12 CN 8",
    "TW": "TW 78 CN 14 HK 8",
    "TH": "TH 82 CN 12 SG 6",
    "KR": "KR 88 CN 9 KZ 3",
    "JP": "JP 88 CN 5 KR 7",
    "DE": "DE 74 PL 10 LT 8 LV 4 TR 4",
    "IT": "IT 78 LT 8 PL 6 TR 5 AE 3",
    "FR": "FR 76 LV 8 LT 8 BE 5 AE 3",
    "US": "US 58 NL 12 DE 10 AE 12 TR 8",
    "CH": "CH 68 DE 18 LT 14",
    "PL": "PL 88 LT 8 BY 4",
    "BR": "BR 88 NL 12",
    "EC": "EC 82 NL 18",
    "KE": "KE 72 NL 28",
    "CO": "CO 76 NL 24",
    "GB": "GB 60 LV 24 NL 16",
    "UZ": "UZ 92 KZ 8",
    "TR": "TR 95 GE 5",
    "BY": "BY 100",
    "KZ": "KZ 100",
    "RU": "RU 100",
}
"""Origin: countries of dispatch and weights."""
DISPATCH_ELSE: Final = "{} 84 NL 6 AE 4 TR 4 LT 2"

MODES: Final[dict[str, str]] = {
    "CN": "1 34 2 22 3 38 4 6", "KZ": "3 62 2 38", "BY": "3 82 2 18", "UZ": "3 60 2 40", "KG": "3 94 2 6",
    "DE": "3 90 4 5 1 5", "PL": "3 97 4 3", "LT": "3 92 2 8", "LV": "3 84 2 10 1 6", "IT": "3 84 1 11 4 5",
    "FR": "3 86 4 8 1 6", "AT": "3 96 4 4", "CZ": "3 97 4 3", "HU": "3 97 4 3", "SI": "3 97 4 3",
    "CH": "3 78 4 22", "NL": "3 70 1 20 4 10", "BE": "3 80 1 17 4 3", "FI": "3 92 2 8", "SE": "3 74 1 26",
    "ES": "3 74 1 26", "PT": "3 60 1 40", "TR": "1 52 3 44 4 4", "GE": "3 98 2 2", "AM": "3 94 4 6",
    "AZ": "3 82 2 18", "IR": "3 58 1 42", "RS": "3 94 4 6", "MD": "3 100", "KR": "1 88 4 12",
    "JP": "1 90 4 10", "HK": "1 60 4 40", "SG": "1 88 4 12", "AE": "1 74 4 26", "US": "1 84 4 16",
    "IN": "1 88 4 12", "RU": "3 46 1 26 2 24 4 4",
}  # fmt: skip
"""Country of dispatch: modes of transport (UN/ECE Rec. 19) and weights, before air freight by goods."""
MODES_ELSE: Final = "1 94 4 6"

TERMS: Final[dict[int, str]] = {
    1: "FOB 44 CIF 24 CFR 22 FCA 8 EXW 2",
    2: "FCA 34 DAP 30 CPT 28 CIP 4 EXW 4",
    3: "DAP 32 FCA 28 EXW 14 CPT 16 CIP 7 DDP 3",
    4: "FCA 44 CPT 20 CIP 14 EXW 10 DAP 12",
    5: "DAP 70 CPT 30",
    7: "DAP 60 FOB 40",
}
"""Mode of transport: delivery terms and weights."""
BUYER_PAYS_FREIGHT: Final = ("EXW", "FCA", "FAS", "FOB")
"""Under these terms the invoice holds no freight, so the customs value adds it."""

FREIGHT_USD_KG: Final[dict[int, float]] = {1: 0.14, 2: 0.22, 3: 0.26, 4: 2.6, 5: 3.0, 7: 0.03}
"""Median freight to the border by mode, US dollars a kg."""

CURRENCY: Final[dict[str, str]] = {
    "CN": "CNY 68 USD 26 EUR 2 RUB 4", "HK": "USD 76 CNY 18 HKD 6",
    "DE": "EUR 96 USD 4", "FR": "EUR 98 USD 2",
    "IT": "EUR 97 USD 3", "AT": "EUR 100", "NL": "EUR 88 USD 12", "BE": "EUR 100", "ES": "EUR 100",
    "PT": "EUR 100", "FI": "EUR 100", "IE": "EUR 90 USD 10", "SI": "EUR 100", "LT": "EUR 92 USD 8",
    "LV": "EUR 94 USD 6", "PL": "EUR 74 PLN 22 USD 4", "CZ": "EUR 84 CZK 16", "HU": "EUR 92 USD 8",
    "SE": "EUR 70 SEK 30", "CH": "CHF 56 EUR 44", "GB": "GBP 66 USD 20 EUR 14", "RS": "EUR 82 RUB 18",
    "TR": "USD 54 EUR 30 TRY 10 RUB 6", "KZ": "RUB 62 KZT 20 USD 18", "BY": "RUB 93 BYN 5 USD 2",
    "UZ": "USD 62 RUB 38", "KG": "USD 60 RUB 40", "AM": "RUB 70 USD 30", "AZ": "USD 74 RUB 26",
    "GE": "USD 70 EUR 20 RUB 10", "MD": "EUR 60 USD 20 RUB 20", "JP": "JPY 64 USD 36", "KR": "USD 84 KRW 16",
    "AE": "USD 70 AED 30", "IN": "USD 80 INR 14 RUB 6", "RU": "RUB 40 USD 28 CNY 22 EUR 10",
}  # fmt: skip
"""Country of dispatch: invoice currencies and weights."""
CURRENCY_ELSE: Final = "USD 94 EUR 6"

RATES: Final[dict[str, float]] = {
    "USD": 92.5, "EUR": 100.4, "CNY": 12.75, "GBP": 117.2, "CHF": 104.6, "JPY": 0.618, "KRW": 0.0672,
    "TRY": 2.63, "INR": 1.09, "BYN": 28.2, "KZT": 0.189, "AED": 25.19, "HKD": 11.84, "PLN": 23.3,
    "CZK": 3.98, "SEK": 8.76, "RUB": 1.0,
}  # fmt: skip
"""National currency for one unit, about which the daily rates move."""

TRANSIT_THROUGH: Final = ("KZ", "KG", "AM", "AE", "TR", "UZ")
"""Third countries by which an origin is switched or hidden."""


def weights(text: str) -> dict[str, float]:
    """`"CN 60 VN 40"` to {"CN": 0.6, "VN": 0.4}: shares that sum to one."""
    parts = text.split()
    values = [float(value) for value in parts[1::2]]
    total = sum(values)
    return {name: value / total for name, value in zip(parts[::2], values, strict=True)}
