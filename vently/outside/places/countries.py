"""Countries and regions by the names people give them."""

from functools import cache

from vently.outside.places import folded

OTHER_NAMES = {
    "uk": "GB", "greatbritain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northernireland": "GB", "america": "US", "unitedstatesofamerica": "US", "czechrepublic": "CZ", "holland": "NL",
    "thenetherlands": "NL", "russia": "RU", "korea": "KR", "southkorea": "KR", "republicofkorea": "KR",
    "vietnam": "VN", "turkey": "TR", "turkiye": "TR", "uae": "AE", "macedonia": "MK", "northmacedonia": "MK",
    "ivorycoast": "CI", "burma": "MM", "bosnia": "BA", "capeverde": "CV", "swaziland": "SZ", "palestine": "PS",
    "prchina": "CN", "peoplesrepublicofchina": "CN", "taiwanroc": "TW", "roi": "IE", "republicofireland": "IE",
}  # fmt: skip

# Which of Europe's and the Americas' own languages name countries in addresses most often.
LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "tr")

# GeoNames numbers the provinces of these; people write letters. https://download.geonames.org/export/dump/admin1CodesASCII.txt
REGIONS = {
    "CA": {
        "ab": "01", "alberta": "01", "bc": "02", "britishcolumbia": "02", "mb": "03", "manitoba": "03", "nb": "04",
        "newbrunswick": "04", "nl": "05", "newfoundlandandlabrador": "05", "ns": "07", "novascotia": "07", "on": "08",
        "ontario": "08", "pe": "09", "princeedwardisland": "09", "qc": "10", "quebec": "10", "sk": "11",
        "saskatchewan": "11", "yt": "12", "yukon": "12", "nt": "13", "northwestterritories": "13", "nu": "14",
        "nunavut": "14",
    },
    "AU": {
        "act": "01", "australiancapitalterritory": "01", "nsw": "02", "newsouthwales": "02", "nt": "03",
        "northernterritory": "03", "qld": "04", "queensland": "04", "sa": "05", "southaustralia": "05", "tas": "06",
        "tasmania": "06", "vic": "07", "victoria": "07", "wa": "08", "westernaustralia": "08",
    },
    "GB": {"england": "ENG", "scotland": "SCT", "wales": "WLS", "northernireland": "NIR"},
}  # fmt: skip


@cache
def names_in_other_languages() -> dict[str, str]:
    """`Deutschland` and `Suède`, from CLDR; read only when a name is not known in English (some 0.2 s)."""
    from babel import Locale

    names: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():  # noqa: PLR2004 - ISO 3166-1 codes have two letters
                names.setdefault(folded(name), code)
    return names
