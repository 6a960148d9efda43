"""One short vocabulary for the grades of races, whichever source named them.

======================  =====================================================================
``Maiden``              never won
``Novice`` ``Juvenile`` young or little raced (``Nvce``, ``NOV``; ``Juv``)
``Grade 1`` .. ``7``    the lower, the better; ``Mixed 4/5`` spans several
``Free For All``        open to all (``FFA``, ``OPEN``)
``Restricted Win``      few wins (``Rest``, ``R/W``)
``Tier 3 ...``          the lowest prize money, before any of the above
``Masters n``           from four years on (``M3``, ``M2/M3``); ``Veterans``
``Class n``             New Zealand's (``C0`` .. ``C5``)
``Group 1`` .. ``3``    and ``Listed``, ``Invitation``: the best
``Special Event``       ``S/E``
``Heat`` ``Semi Final`` ``Final``  Betfair says no more; after another grade they are left out
``A1`` .. ``A11``       Britain's and Ireland's standard distance, 1 the best; ``D`` sprint,
                        ``S`` staying, ``B`` middle distance, ``H`` hurdles, ``N`` Irish novices;
                        ``OR`` open, ``HP`` handicap
``T1`` .. ``T4``        trials, which are no races: importers leave them out
======================  =====================================================================

What fits none of these is left as it is.
"""

import re
from functools import lru_cache

_ROUNDS = re.compile(r"\b(HEATS?|SEMI FINAL|SEMI|FINAL|NO PENALTY|NON PENALTY)\b")
_NAMED = {
    "M": "Maiden", "MDN": "Maiden", "MAIDEN": "Maiden", "NOV": "Novice", "NVCE": "Novice", "NOVICE": "Novice",
    "NOV/M": "Novice", "JUV": "Juvenile", "JUVENILE": "Juvenile", "J/M": "Juvenile", "JUV/MDN": "Juvenile",
    "FFA": "Free For All", "FREE FOR ALL": "Free For All", "OPEN": "Free For All",
    "REST": "Restricted Win", "R/W": "Restricted Win", "RESTRICTED WIN": "Restricted Win",
    "VETS": "Veterans", "VETERANS": "Veterans", "S/E VETERAN": "Veterans",
    "NG": "No Grade", "N/G": "No Grade", "MX": "Mixed",
    "S/E": "Special Event", "SE": "Special Event", "SPECIAL EVENT": "Special Event",
    "I": "Invitation", "INV": "Invitation", "LISTED": "Listed", "GROUP LISTED": "Listed",
}  # fmt: skip
_TIER = re.compile(r"^TIER 3(?: - )?(.*)$|^(.*?) (?:TIER 3|T3)$")
_GROUP = re.compile(r"^(?:S/E GROUP|GROUP|GRP) ?([123])$")
_MASTERS = re.compile(r"^M/?([1-6](?:/?M?[1-6])*)$")
_CLASS = re.compile(r"^C([0-9](?:/[0-9])*)$")
_GRADE = re.compile(r"^(?:GRADE|GR|G|MIXED)? ?([1-8](?:/[1-8])*)$")
_BRITISH = re.compile(r"^(A|D|S|H|OR|N) (\d{1,2})$")
_WITH_MAIDEN = re.compile(r"^(?:GR)?([1-8](?:/[1-8])*)/(?:M|MDN)$|^(?:M|MDN)/(?:GR)?([1-8](?:/[1-8])*)$")


@lru_cache(maxsize=4096)
def grade_of(text: str) -> str | None:
    """Return a source's grade in our vocabulary; ``None`` if it says nothing."""
    plain = " ".join(text.upper().split())
    if not plain:
        return None
    if tier := _TIER.match(plain):
        rest = grade_of(tier[1] or tier[2] or "")
        return f"Tier 3 {rest}" if rest else "Tier 3"
    without_round = " ".join(_ROUNDS.sub(" ", plain).split())
    if not without_round:
        return "Semi Final" if "SEMI" in plain else "Final" if "FINAL" in plain else "Heat"
    if without_round != plain:
        return grade_of(without_round)
    return _NAMED.get(plain) or _numbered(plain) or " ".join(text.split())


def _numbered(plain: str) -> str | None:
    if found := _GROUP.match(plain):
        return f"Group {found[1]}"
    if found := _MASTERS.match(plain):
        return "Masters " + "/".join(re.findall(r"\d", found[1]))
    if found := _CLASS.match(plain):
        return f"Class {found[1]}"
    if found := _GRADE.match(plain):
        return f"Mixed {found[1]}" if "/" in found[1] else f"Grade {found[1]}"
    if found := _BRITISH.match(plain):
        return f"{found[1]}{found[2]}"
    if found := _WITH_MAIDEN.match(plain):
        return f"Mixed {found[1] or found[2]}/Maiden"
    return None
