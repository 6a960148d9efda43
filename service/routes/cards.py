"""``POST /cards``: a form guide's CSV in, the card out."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from service.card_json import answer_with_card
from service.form_guide import CSV, AboutGuide, CsvBody, GuideCardOut, guide_card_out
from service.openapi import problems
from service.running import today

router = APIRouter(tags=["races"])
_EXAMPLE = """\
Dog Name,Sex,PLC,BOX,WGT,DIST,DATE,TRACK,G,TIME,WIN,BON,1 SEC,MGN,W/2G,PIR,SP
1. Sir Tick,D,2,4,31.2,515,2026-03-07,SAN,5,29.61,29.44,29.30,5.12,2.5,Fast Anna,332,$4.60
"",D,1,1,31.0,515,2026-02-28,SAN,5,29.50,29.50,29.41,5.08,0.75,Quiet Harbour,111,$3.20
2. Nala's Ghost,B,1,2,28.4,450,2026-02-28,BAL,5,25.43,25.43,25.20,6.61,0.75,Late Mail,211,$6.20
"""
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {
                "schema": {
                    "type": "string",
                    "description": "A form guide of The Greyhound Recorder: a row a past run, the first of a "
                    "dog with its number and name.",
                },
                "example": _EXAMPLE,
            }
        },
    }
}


@router.post(
    "/cards",
    summary="A form guide as a card",
    response_model=GuideCardOut,
    responses=problems(413, 415, 422),
    openapi_extra=_BODY,
)
async def card(told: AboutGuide, body: CsvBody) -> Response:
    """Send a form guide's CSV; nothing is stored. The answer's `card` can be sent to `POST /predict`.

    What the file's name does not tell (date and track) is given beside it. A file that is refused is told
    with its lines and reasons; rows that are left out of a good file are told beside the card.
    """
    return answer_with_card(await asyncio.to_thread(guide_card_out, body, told, today=today()))
