"""How large a net is, and what it makes of its inputs before any weight counts."""

from dataclasses import dataclass

from training.families.field_net.scales import Scales

CLIP = 4.0
"""Standard deviations at which an amount is cut off."""
DEAD = -1e9
"""What is added to a score of attention that must count nothing."""
EPSILON = 1e-5
"""Of the norms of layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a net, in numbers a runner unless it says otherwise."""

    n_features: int
    n_run_columns: int
    """Of one run; 0 for a net without runs."""
    n_runs: int
    static: Scales
    """Of the features."""
    of_run: Scales
    """Of the columns of a run."""
    width: int = 64
    hidden: int = 128
    run_width: int = 32
    n_heads: int = 4
    n_layers: int = 1
    code_width: int = 8

    @property
    def static_width(self) -> int:
        """Return how many numbers a runner's features become."""
        return self.static.width + self.code_width * len(self.static.codes)

    @property
    def n_inputs(self) -> int:
        """Return how many columns the graph takes: features, then the runs one after the other."""
        return self.n_features + self.n_runs * self.n_run_columns

    @property
    def n_products(self) -> int:
        """Return the multiplications a runner, without those of the field's attention.

        Keys and values of single runs are never made: a query is carried to what the runs hold.
        """
        wide = 2 * self.run_width
        of_runs = wide * (self.of_run.width + 2 * self.n_heads) * self.n_runs
        of_query = (self.static_width + 2 * wide) * self.run_width
        n_in = self.static_width + (self.run_width if self.n_run_columns else 0)
        of_layers = 8 * self.width**2 * self.n_layers
        return (
            (of_runs + of_query if self.n_run_columns else 0)
            + n_in * self.hidden
            + self.hidden * self.width
            + of_layers
        )
