"""`greyhound worker`: join a Dask scheduler and fit what a training elsewhere hands out."""

import click

from greyhound.options import scheduler_option
from greyhound.output.printing import say, shown


@click.command()
@scheduler_option(required=True)
@click.option("--host", help="Address at which others reach this worker; by default found out.")
def worker(scheduler: str, host: str | None) -> None:
    """Work for trainings that use `--engine dask`, until it is stopped or the scheduler ends.

    \b
    Examples:
      dask scheduler --port 8786
      greyhound worker --scheduler tcp://192.168.1.10:8786
      greyhound train --engine dask --scheduler tcp://192.168.1.10:8786

    One thread: start as many as the machine has cores. A client of the scheduler runs code of its choice in
    the workers: scheduler and workers belong in a network of their own. A worker whose code or libraries are
    of another version than those of the last training is refused.
    """
    from distributed.cli.dask_worker import main as dask_worker

    import training.families  # noqa: F401  # seconds of imports before the first work, not within it
    from training.engines.cluster import VERSIONS, connected
    from training.engines.versions import difference, versions
    from training.errors import WorkersDiffer

    with connected(scheduler) as client:
        expected = client.get_metadata(VERSIONS, default=None)
    if expected and (other := difference(versions(), expected)):
        raise WorkersDiffer(f"this worker has {other}; install here what the training runs with")
    say(f"Worker of {shown(scheduler)}, greyhound {versions()['greyhound']}", err=True)
    options = ["--nthreads", "1", "--nworkers", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
    dask_worker([scheduler, *options, *(["--host", host] if host else [])], standalone_mode=False)
