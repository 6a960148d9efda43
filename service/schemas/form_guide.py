"""The answer of ``POST /cards``: a form guide as a card, and what of it was left out."""

from pydantic import BaseModel, Field

from service.schemas.card import CardOut


class NotBelievedOut(BaseModel):
    """A row, or a fact of a row, that was left out."""

    line: int = Field(description="Line of the file, the header's is 1.", examples=[14])
    what: str = Field(
        description="`row`: the run is left out; `fact`: the run counts without it.", examples=["fact"]
    )
    reason: str = Field(description="The rule and the value.", examples=["weight must be 15..50 kg, got '3'"])


class GuideCardOut(BaseModel):
    """A form guide as a card."""

    card: CardOut = Field(description="As `POST /predict` takes it: each dog with its past runs as form.")
    n_rows: int = Field(description="Rows of the file, each a past run.", examples=[42])
    not_believed: list[NotBelievedOut] = Field(
        description="What of the rows was left out, and why; at most 200."
    )


EXAMPLE_GUIDE = """\
Dog Name,Sex,PLC,BOX,WGT,DIST,DATE,TRACK,G,TIME,WIN,BON,1 SEC,MGN,W/2G,PIR,SP
1. Sir Tick,D,2,4,31.2,515,2026-03-07,SAN,5,29.61,29.44,29.30,5.12,2.5,Fast Anna,332,$4.60
"",D,1,1,31.0,515,2026-02-28,SAN,5,29.50,29.50,29.41,5.08,0.75,Quiet Harbour,111,$3.20
2. Nala's Ghost,B,1,2,28.4,450,2026-02-28,BAL,5,25.43,25.43,25.20,6.61,0.75,Late Mail,211,$6.20
"""
