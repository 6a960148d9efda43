"""Bets on the order of finish: the combinations of an answer."""

from pydantic import BaseModel, Field


class BetCombinationOut(BaseModel):
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
    combinations: list[BetCombinationOut] = Field(description="The likeliest first, at most `top` of them.")
