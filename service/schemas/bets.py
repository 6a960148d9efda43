"""Bets on the order of finish: what a request may ask for, and the combinations of an answer."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from racing.domain.bets import BETS, bets_of

DEFAULT_TOP = 20
MAX_TOP = 200
"""More combinations of three or four runners than anyone reads; pairs are 90 at most."""

_ONE = f"({'|'.join(BETS)})"


def _known(names: list[str] | None) -> list[str] | None:
    try:
        return None if names is None else [bet.name for bet in bets_of(names)]
    except ValueError as error:
        raise PydanticCustomError("broken_rule", "{rule}", {"rule": str(error)}) from None


Bets = Annotated[
    list[Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{_ONE}(,{_ONE})*$"})]] | None,
    AfterValidator(_known),
    Query(
        description=f"Also answer these bets on the order of finish, in `bets`: {', '.join(BETS)}; with "
        "commas between, or the parameter several times.",
        examples=[["exacta,quinella"]],
    ),
]
Top = Annotated[
    int,
    Query(ge=1, le=MAX_TOP, description="Of each of the `bets` at most so many combinations, the likeliest."),
]


class CombinationOut(BaseModel):
    """One combination of a bet."""

    rugs: list[int] = Field(
        description="The runners' numbers on the card, in the order of finish; of a quinella in the order "
        "of the card.",
        examples=[[1, 4]],
    )
    names: list[str] = Field(description="The same runners' names.", examples=[["Sir Tick", "Slow Coach"]])
    probability: float = Field(ge=0, le=1, description="Chance that it comes in.", examples=[0.0812])
    fair_price: float = Field(
        description="1 / probability, decimal odds; of a stake on this combination alone.", examples=[12.32]
    )


class BetOut(BaseModel):
    """The likeliest combinations of one bet."""

    bet: str = Field(
        description="`exacta`: the first two in order; `quinella`: the first two in any order; "
        "`trifecta`: the first three in order; `first_four`: the first four in order.",
        examples=["exacta"],
    )
    n_combinations: int = Field(
        ge=1,
        description="How many there are of so many starters; their probabilities sum to 1.",
        examples=[56],
    )
    combinations: list[CombinationOut] = Field(description="The likeliest first, at most `top` of them.")
