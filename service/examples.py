"""Bodies that the OpenAPI document shows and that run as they are, beside those in :mod:`service.schemas`."""

import json

from service.schemas import EXAMPLE_CARD

EXAMPLE_LINES = "".join(json.dumps(EXAMPLE_CARD | {"race_number": number}) + "\n" for number in (6, 7))
EXAMPLE_GUIDE = """\
Dog Name,Sex,PLC,BOX,WGT,DIST,DATE,TRACK,G,TIME,WIN,BON,1 SEC,MGN,W/2G,PIR,SP
1. Sir Tick,D,2,4,31.2,515,2026-03-07,SAN,5,29.61,29.44,29.30,5.12,2.5,Fast Anna,332,$4.60
"",D,1,1,31.0,515,2026-02-28,SAN,5,29.50,29.50,29.41,5.08,0.75,Quiet Harbour,111,$3.20
2. Nala's Ghost,B,1,2,28.4,450,2026-02-28,BAL,5,25.43,25.43,25.20,6.61,0.75,Late Mail,211,$6.20
"""
