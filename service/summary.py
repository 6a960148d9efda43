"""A model in the eleven keys that pages made for earlier services read."""

from pydantic import BaseModel, Field


class Summary(BaseModel):
    """The keys of the pages that exist already; all but ``success`` are null while nothing is served."""

    success: bool = Field(description="Whether a champion is serving.", examples=[True])
    model_type: str | None = Field(default=None, description="What kind of model.", examples=["Ensemble"])
    accuracy: float | None = Field(
        default=None,
        description="Share of right yes/no calls at probability 0.5 on untouched races. Saying `nobody wins` "
        "scores 0.875 in fields of eight, so judge by auc_score and metrics.",
        examples=[0.861],
    )
    auc_score: float | None = Field(
        default=None, description="Area under the ROC curve, untouched races.", examples=[0.752]
    )
    f1_score: float | None = Field(default=None, description="F1, untouched races.", examples=[0.39])
    last_trained: str | None = Field(
        default=None, description="End of training, ISO 8601, UTC.", examples=["2026-03-01T08:05:30Z"]
    )
    features: int | None = Field(default=None, description="Number of features.", examples=[68])
    samples: int | None = Field(default=None, description="Runs trained on.", examples=[15420])
    class_balance: str | None = Field(
        default=None, description="How winners and losers were balanced.", examples=["Class weights"]
    )
    calibration: str | None = Field(
        default=None, description="How scores were calibrated.", examples=["Platt Scaling"]
    )
    optimization: str | None = Field(
        default=None, description="How parameters were searched.", examples=["Optuna Bayesian (30 trials)"]
    )
