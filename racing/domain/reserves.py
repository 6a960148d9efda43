"""Reserves step in: a card on which they have taken the boxes of the runners that were scratched.

- Britain: a reserve may replace a withdrawal (GBGB rules of racing 65 and 67, rules.gbgb.org.uk). It wears
  the jacket of its trap, with an R on it (rule 118). Which reserve runs where the racing manager decides: a
  wide runner is never placed inside a middle runner or a railer.
- Australia and New Zealand: reserves have the numbers 9 and 10, and keep them; Betfair's files list them so.
  The Greyhounds Australasia Rules have a rule on "box draw, rug colours and reserve starters" (rule 22 of
  2017), whose text was not at hand.

That the first reserve takes the first vacant box, here by number, is a convention where nothing else is
known. What the field of a race is in the end a source states: a steward may leave a box empty, and a reserve
may itself be scratched.
"""

from dataclasses import replace

from racing.domain.cards import FIRST_RESERVE, Card, Runner, rug_of, status_of


def with_reserves(card: Card) -> Card:
    """Return a card on which its reserves start from the vacant boxes, as far as there are both.

    A box is vacant where a scratched runner stood in it and nobody else starts from it. The card itself where
    no reserve steps in.
    """
    taken = {runner.box for runner in card.runners if status_of(runner) == "starter"}
    vacant = sorted(
        {
            runner.box
            for runner in card.runners
            if runner.is_scratched and runner.box < FIRST_RESERVE and runner.box not in taken
        }
    )
    reserves = sorted(
        (runner for runner in card.runners if status_of(runner) == "reserve"), key=lambda one: rug_of(one)
    )
    boxes = {id(runner): box for runner, box in zip(reserves, vacant, strict=False)}
    if not boxes:
        return card
    runners = tuple(_started(runner, boxes.get(id(runner))) for runner in card.runners)
    return replace(card, runners=runners)


def _started(runner: Runner, box: int | None) -> Runner:
    if box is None:
        return runner
    return replace(runner, box=box, rug=rug_of(runner), is_reserve=False)
