"""What all tables are made from."""

from pydantic import ConfigDict
from sqlmodel import SQLModel


class Table(SQLModel):
    """A table validates nothing, so its validators are not built: that took 0.2 s of each start."""

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]
