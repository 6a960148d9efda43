"""The body of every answer that is an error: a problem document after RFC 9457."""

from pydantic import BaseModel, Field


class BrokenRule(BaseModel):
    """One rule that the request breaks."""

    pointer: str = Field(
        description="JSON Pointer to the field in the request's body; `#` is the whole body. For a parameter "
        "of the address its name after a question mark, `?explain`; of a CSV the line, `line 14`.",
        examples=["#/runners/2/box"],
    )
    rule: str = Field(description="The rule.", examples=["Input should be less than or equal to 10"])


class Problem(BaseModel):
    """What went wrong, after RFC 9457. It never repeats the request."""

    type: str = Field(
        description="Stable name of the kind of problem, for programs.",
        examples=["urn:greyhound:problem:card-refused"],
    )
    title: str = Field(description="The kind of problem, for people.", examples=["The card breaks a rule"])
    status: int = Field(description="The HTTP status, again.", examples=[422])
    detail: str = Field(description="What is wrong this time.", examples=["1 rule is broken, see errors"])
    request_id: str | None = Field(
        default=None, description="As in the header `X-Request-ID`.", examples=["4f9d1c2ab35e47c0a7c2f1a9"]
    )
    errors: list[BrokenRule] | None = Field(
        default=None,
        description="Each broken rule, where the request breaks some; the first 50 where it breaks more.",
    )
    reason: str | None = Field(
        default=None,
        description="Of `not-ready`, why no version serves: `no-champion` (promote one), `champion-refused` "
        "(promote another, or roll back), `registry-unavailable` or `loading`.",
        examples=["no-champion"],
    )
