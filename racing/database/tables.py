"""The tables: tracks and their names, dogs, races, runs, which file reported what, and what was predicted.

A run is one dog in one race. Several files may tell of it; each file's own words are stored as a
:class:`SourceRow`, and :class:`Run` holds their union, so that a file can be taken back out.
"""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlmodel import Field

from racing.database.table import Table

_BIG = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself where this says INTEGER


class Track(Table, table=True):
    """A race track under the one name that we use for it."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    state: str | None = None
    country: str | None = None
    """AU, NZ, GB or IE."""
    zone: str | None = None
    """Its time zone, as ``Australia/Sydney``."""


class TrackAlias(Table, table=True):
    """A name, as :func:`racing.domain.names.name_key` writes it, under which a source knows a track."""

    alias: str = Field(primary_key=True)
    track_id: int = Field(foreign_key="track.id", index=True)


class Dog(Table, table=True):
    """A greyhound; ``key`` is that of its name where it runs (:func:`racing.domain.regions.dog_key`)."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    name: str
    sex: str | None = None
    sire: str | None = None
    dam: str | None = None
    born: str | None = None
    """``2022-10-14``, or ``2022-10`` where only the month is known."""


class Race(Table, table=True):
    """One contest. ``market_id`` is Betfair's; ``source_key`` any other source's own identity of it.

    ``is_whole`` says that every starter is known, which probabilities within the race need. ``off_at`` is
    when it is due to start, UTC; ``going_s`` what the going added to a time, in seconds, as British tracks
    state it.
    """

    __table_args__ = (Index("ix_race_date_track", "date", "track_id"),)

    id: int | None = Field(default=None, primary_key=True)
    date: dt.date
    track_id: int = Field(foreign_key="track.id")
    distance_m: int
    number: int | None = None
    grade: str | None = None
    market_id: str | None = Field(default=None, index=True)
    source_key: str | None = Field(default=None, unique=True)
    off_at: dt.datetime | None = Field(default=None, index=True, sa_type=DateTime)
    going_s: float | None = None
    is_whole: bool = False
    is_simulated: bool = False


class RunFacts(Table):
    """What a source can say of a run; ``None`` is unknown. Units stand in the names.

    ``margin_lengths`` is never negative: behind the winner, or of the winner over the second.
    Prices are decimal odds; ``rated_price`` and ``early_speed`` (0 to 1) are Betfair's models', known before
    the race. ``morning_price`` and ``average_price`` are the means of what was matched on Betfair in the
    morning and until the off, weighted by volume, ``last_price`` the last before the off; ``volume`` is what
    was matched until then. ``remarks`` is the source's own comment on the run.
    """

    box: int | None = None
    rug: int | None = None
    weight_kg: float | None = None
    finish_position: int | None = None
    won: bool | None = None
    placed: bool | None = None
    is_scratched: bool = False
    time_s: float | None = None
    winner_time_s: float | None = None
    first_split_s: float | None = None
    margin_lengths: float | None = None
    position_in_running: str | None = None
    starting_price: float | None = None
    bsp: float | None = None
    place_bsp: float | None = None
    rated_price: float | None = None
    early_speed: float | None = None
    morning_price: float | None = None
    average_price: float | None = None
    last_price: float | None = None
    volume: float | None = None
    trainer: str | None = None
    remarks: str | None = None
    true_probability: float | None = None


class Run(RunFacts, table=True):
    """One runner's record in one race: the union of what all sources reported of it."""

    __table_args__ = (Index("ix_run_dog_date", "dog_id", "date"),)

    id: int | None = Field(default=None, primary_key=True)
    race_id: int = Field(foreign_key="race.id", index=True)
    dog_id: int = Field(foreign_key="dog.id")
    date: dt.date


class SourceFile(Table, table=True):
    """A file (or simulation) that was imported; the digest makes a second import a no-op."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    kind: str
    sha256: str = Field(unique=True)
    imported_at: dt.datetime
    n_read: int = 0
    n_added: int = 0
    n_updated: int = 0
    n_refused: int = 0


class SourceRow(RunFacts, table=True):
    """What one file says of one run, and of the race that it was in.

    ``race_key`` is the file's own identity of the race; ``bucket`` numbers (date, distance), within
    which sources meet (:mod:`racing.importers.resolve`). Rows without them are nobody else's to join.
    ``is_race_whole`` says that the file's race was understood in all its rows and is possible; ``is_blank``
    that the row does not tell how the dog ran, as a reserve's that did not start. ``stated_at`` is when the
    source stated it, UTC: of rows without a result the newest counts.
    """

    __table_args__ = (
        UniqueConstraint("file_id", "run_id"),
        Index(
            "ix_sourcerow_blank", "bucket", sqlite_where=text("is_blank"), postgresql_where=text("is_blank")
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    file_id: int = Field(foreign_key="sourcefile.id")
    run_id: int = Field(foreign_key="run.id", index=True)
    line: int
    bucket: int | None = Field(default=None, index=True)
    race_key: str | None = None
    dog_id: int | None = Field(default=None, foreign_key="dog.id", index=True)
    dog_name: str | None = None
    sex: str | None = None
    sire: str | None = None
    dam: str | None = None
    born: str | None = None
    track_id: int | None = Field(default=None, foreign_key="track.id")
    race_number: int | None = None
    grade: str | None = None
    off_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    going_s: float | None = None
    stated_at: dt.datetime | None = Field(default=None, sa_type=DateTime)
    is_race_whole: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    is_blank: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class WaitingRow(RunFacts, table=True):
    """What a file says of a runner without naming its distance, or without naming the dog.

    It makes no race: it joins the one that other sources know by ``date``, ``track`` and ``race_number``, or
    by the dogs of its place market (``market_id``) where it has no number
    (:mod:`racing.importers.waiting.rejoin`), as a :class:`SourceRow` made from it, and waits until there is
    one. ``kind`` is that of its file. A row without a dog names a box as ``rug``. ``reason`` says why it does
    not join, ``None`` where nothing speaks against it.
    """

    __table_args__ = (Index("ix_waitingrow_date", "date"),)

    id: int | None = Field(default=None, primary_key=True)
    file_id: int = Field(foreign_key="sourcefile.id", index=True)
    line: int
    kind: str
    date: dt.date
    track: str
    race_number: int | None = None
    market_id: str | None = None
    dog_key: str | None = None
    dog_name: str | None = None
    sex: str | None = None
    sire: str | None = None
    dam: str | None = None
    is_race_whole: bool = True
    is_joined: bool = False
    reason: str | None = None


class RunnerPrice(Table, table=True):
    """A runner's prices some minutes before its race was due to start, as one file or a report has them.

    ``race_key`` is the source's identity of the race, as in :class:`SourceRow`; ``minutes`` counts down to
    the off that was due, and below 0 after it. Decimal odds: the best that can be backed and laid, and the
    last that was matched; ``volume`` is what was matched until then. ``file_id`` 0 is a report over HTTP.
    """

    date: dt.date = Field(primary_key=True)
    dog_id: int = Field(primary_key=True, foreign_key="dog.id", ondelete="CASCADE")
    race_key: str = Field(primary_key=True)
    minutes: int = Field(primary_key=True, sa_type=SmallInteger)
    file_id: int = Field(primary_key=True, index=True)
    at: dt.datetime = Field(sa_type=DateTime)
    back: float | None = None
    lay: float | None = None
    last: float | None = None
    volume: float | None = None


class RaceEvent(Table, table=True):
    """Something that happened on a race day, for those who follow it (``GET /events``); old ones are pruned.

    ``body`` is JSON. Written in the transaction of what happened; ``id`` is the order in which they are read.
    """

    id: int | None = Field(default=None, sa_type=_BIG, primary_key=True)
    at: dt.datetime = Field(sa_type=DateTime, index=True)
    kind: str
    """card, scratching, price, promotion or result."""
    race_id: int | None = None
    body: str = Field(sa_type=Text)


class RunWorth(Table, table=True):
    """What a run was worth to each rating (see :mod:`racing.ratings`), known once its day was over.

    A *worth* is the run's measurement rid of box and opposition (or going); its *noise* is the variance. A
    number behind them is that of the days after which they were revised. An *innovation* is what nobody
    expected that morning. A *change* is how far the level of the run's race has moved since its day, once
    it is final; while it is not, :class:`LevelChanges` has it. ``market_share`` is the market's probability
    within the whole race, ``n_starters`` its field size.
    """

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    n_starters: float | None = None
    market_share: float | None = None
    market_shift: float | None = None
    market_innovation: float | None = None
    market_worth: float | None = None
    market_noise: float | None = None
    market_change: float | None = None
    result_innovation: float | None = None
    result_worth: float | None = None
    result_noise: float | None = None
    result_worth_10: float | None = None
    result_noise_10: float | None = None
    result_worth_30: float | None = None
    result_noise_30: float | None = None
    time_worth: float | None = None
    time_noise: float | None = None
    split_worth: float | None = None
    split_noise: float | None = None
    early_worth: float | None = None
    early_noise: float | None = None
    margin_worth: float | None = None
    margin_noise: float | None = None


class DogForm(Table, table=True):
    """A dog's last runs, rated, as :mod:`racing.ratings.dog_forms` packs them; see there.

    Found by the dog's key; as of the last update of the ratings. Days are counted from 1970-01-01.
    """

    dog_id: int = Field(primary_key=True, foreign_key="dog.id", ondelete="CASCADE")
    key: str = Field(unique=True)
    format: int
    n_runs: int
    """All that the dog has, packed or not."""
    first_day: int | None = None
    newest_day: int | None = None
    runs: bytes


class DogLevels(Table, table=True):
    """How far the levels behind a dog's last runs have moved, as known now: beside each :class:`DogForm`.

    ``races`` are the races of those runs, the oldest first, as ids of four bytes, and ``changes``
    single-precision numbers beside them, both little-endian. Changes are others every evening; they are a
    sixtieth of a form.
    """

    dog_id: int = Field(primary_key=True, foreign_key="dog.id", ondelete="CASCADE")
    races: bytes
    changes: bytes


class LevelChanges(Table, table=True):
    """How far the levels of the open races had moved on the evening of a day (:mod:`racing.ratings.levels`).

    ``races`` are their ids, ascending, unsigned numbers of four bytes, ``changes`` single-precision numbers
    beside them, both little-endian; ``digest`` (CRC-32 of both, hexadecimal) tells whether a reader has them.
    """

    day: dt.date = Field(primary_key=True)
    digest: str
    races: bytes
    changes: bytes


class Effect(Table, table=True):
    """What one rating's tables of a month are made from: the sums over all earlier days.

    ``cells`` is JSON: the courses, and the arrays of :class:`racing.ratings.effects.Sums`.
    """

    name: str = Field(primary_key=True)
    as_of: dt.date = Field(primary_key=True)
    cells: str


class MonthOfWords(Table, table=True):
    """What the runs of one month sum up to by first and last word of their dogs' names.

    ``words`` stand side by side with spaces between them; ``sums`` are doubles, little-endian, a row a word,
    compressed (zlib): :data:`racing.ratings.words.SUMS`.
    """

    month: dt.date = Field(primary_key=True)
    """Its first day."""
    words: str = Field(sa_type=Text)
    sums: bytes
    checksum: int = Field(sa_type=_BIG)
    """Of both."""


class RaceChange(Table, table=True):
    """Races of a day changed, and one reader of such changes has not caught up with it yet.

    Written with the change itself, once for each reader (:mod:`racing.database.change_log`).
    """

    reader: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    date: dt.date


class ApiKey(Table, table=True):
    """A key of the service (:mod:`service.security.api_keys`); its text is shown once and stored nowhere.

    ``sha256`` is that of the whole text, ``scopes`` are words with spaces between them; ``last_used`` is true
    to some minutes.
    """

    id: str = Field(primary_key=True)
    name: str
    sha256: str
    scopes: str
    created_at: dt.datetime
    last_used: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


class Prediction(Table, table=True):
    """One answered card as it came in and went out, both JSON; rows are added and never changed.

    ``writer`` is the process that answered and ``number`` its own count, which tell rows apart: clients may
    send a ``request_id`` twice. ``at`` is UTC.

    PostgreSQL has this table and those that refer to it in partitions by month of ``at``, which is part of
    their keys there, and no foreign keys (:mod:`racing.predictions.months`).
    """

    __table_args__ = (UniqueConstraint("writer", "number"),)

    id: int | None = Field(default=None, sa_type=_BIG, primary_key=True)
    writer: str
    number: int = Field(sa_type=_BIG)
    request_id: str = Field(index=True)
    model_version: int
    digest: str
    at: dt.datetime = Field(index=True, sa_type=DateTime)
    card: str = Field(sa_type=Text)
    answer: str = Field(sa_type=Text)
    experiment_id: int | None = None
    """The experiment that ran when it was answered."""
    shadows: str | None = Field(default=None, sa_type=Text)
    """JSON: what the other contestants would have answered, a list of objects with ``version``, ``digest``
    and ``win_probability``: a number a runner in the order of the card, 0 for those that do not start."""


class PredictedRace(Table, table=True):
    """What a logged card is about, and how it came out; read from the card some time after it was logged.

    ``race_id`` is the stored race that it was, ``None`` until one is known. The losses are race log losses
    over the race's ``n_starters``, ``top_pick`` is 1 where the likeliest runner won; they are known where
    the race has one winner and every starter was on the card. ``market_loss`` needs every starter's price.
    """

    __table_args__ = (
        Index("ix_predictedrace_date", "date", "prediction_id"),
        Index("ix_predictedrace_track", "track", "date", "prediction_id"),
        Index("ix_predictedrace_version", "model_version", "date", "prediction_id"),
    )

    prediction_id: int = Field(primary_key=True, foreign_key="prediction.id", sa_type=_BIG)
    model_version: int
    at: dt.datetime = Field(sa_type=DateTime)
    date: dt.date
    track: str
    distance_m: int
    race_number: int | None = None
    n_runners: int
    is_ahead: bool
    """Answered before race day was over at the track."""
    race_id: int | None = None
    n_starters: int | None = None
    loss: float | None = None
    market_loss: float | None = None
    uniform_loss: float | None = None
    top_pick: float | None = None
    experiment_id: int | None = None
    """The experiment that ran when the card was answered."""
    shadows: str | None = Field(default=None, sa_type=Text)
    """JSON: the other contestants' win probabilities of the starters in the order of their boxes, by version;
    null where there was none."""
    expected_loss: float | None = None
    """What the closing prices expect of ``loss``: the sum of market share times -ln of the model's share."""
    market_expected_loss: float | None = None
    """What the closing prices expect of ``market_loss``: their entropy."""


class PredictedRunner(Table, table=True):
    """The probabilities of one runner of a logged card, and its outcome.

    ``share`` is its win probability shared again among the starters; ``market_probability`` is BSP's, else
    SP's, among the same.
    """

    prediction_id: int = Field(primary_key=True, foreign_key="prediction.id", sa_type=_BIG)
    box: int = Field(primary_key=True)
    at: dt.datetime = Field(sa_type=DateTime)
    """When the card was answered, UTC."""
    dog_key: str
    name: str
    win_probability: float
    place_probability: float
    run_id: int | None = None
    finish_position: int | None = None
    won: bool | None = None
    share: float | None = None
    market_probability: float | None = None


class LatestPrediction(Table, table=True):
    """The last judged card of a race, by each version, apart for cards answered ahead and late.

    A row changes in the transaction that changes an outcome. ``track`` is the card's.
    """

    __table_args__ = (Index("ix_latestprediction_prediction", "prediction_id"),)

    date: dt.date = Field(primary_key=True)
    race_id: int = Field(primary_key=True)
    model_version: int = Field(primary_key=True)
    is_ahead: bool = Field(primary_key=True)
    prediction_id: int = Field(sa_type=_BIG)
    track: str
    is_last: bool
    """The last card of the race by any version."""
    is_last_ahead: bool
    """The last card of the race by any version of those that were answered before race day was over."""
    is_last_of_version: bool
    """The last card of the race by its version, ahead or late."""


class PredictionSums(Table, table=True):
    """Sums over the cards of one day, track and version that a score counts.

    ``counting`` tells how cards are counted: 0 is the last card of each race that was answered ahead, 1 adds
    late cards, 2 and 3 are the same with the last card of each version. The losses are summed over
    ``n_races``; those named ``_with_market`` over the ``n_with_market`` races where the market is known.
    ``shares`` holds two bytes a starter, see :mod:`racing.predictions.sums`.
    """

    counting: int = Field(primary_key=True, sa_type=SmallInteger)
    date: dt.date = Field(primary_key=True)
    track: str = Field(primary_key=True)
    model_version: int = Field(primary_key=True)
    n_races: int
    loss: float
    uniform_loss: float
    top_picks: float
    n_with_market: int
    loss_with_market: float
    market_loss: float
    squared_gaps: float
    """Squares of the model's loss less the market's."""
    shares: bytes


class LogProgress(Table, table=True):
    """How far the log was read: no unread card has a number up to ``read_to``.

    ``newest`` was the highest number at ``noted_at``, when all up to there were read but those whose writing
    was not over.
    """

    name: str = Field(primary_key=True)
    read_to: int = Field(sa_type=_BIG)
    newest: int = Field(sa_type=_BIG)
    noted_at: dt.datetime = Field(sa_type=DateTime)


class UnreadablePrediction(Table, table=True):
    """A logged card that cannot be read, and why: it is set aside, so that those after it are read."""

    prediction_id: int = Field(primary_key=True, foreign_key="prediction.id", sa_type=_BIG)
    reason: str = Field(sa_type=Text)
