"""The first way: hintsync as it is installed, with its state on SQLite in a folder."""

from __future__ import annotations

from pathlib import Path

from bench.batch.way import Result, Stopwatch, Task, begin, tell
from hintsync.bootstrap import open_engine, open_service
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.runtime import run
from hintsync.settings import Settings, load_settings
from hintsync.setup.connecting import connect
from hintsync.state.port import RunStatus


def settings_of(task: Task) -> Settings:
    """Return the settings; the rate is raised to where it never is what we wait for."""
    return load_settings(
        state=Path(task.path),
        hint_url=task.hint_url,
        hint_requests_per_second=1_000,
        hint_concurrency=task.hint_concurrency,
        salesforce_concurrency=task.salesforce_concurrency,
    )


def login_of(task: Task) -> WithToken:
    """Return the way into the org."""
    return WithToken(task.salesforce_url, task.salesforce_token)


async def run_batch(task: Task) -> Result:
    """Connect, which is not timed, then run the batch.

    Raises:
        RuntimeError: the run did not end as it should.
    """
    async with open_service(settings_of(task)) as service:
        connection = await connect(
            service,
            "bench",
            hint_token=task.hint_token,
            login=login_of(task),
            options=Options(write_back=task.write_back),
        )
        begin(task.hint_url, task.salesforce_url)
        watch = Stopwatch()
        async with open_engine(service, connection) as engine:
            done = await batch_patients(engine)
            result = watch.result(done.done)
            outcomes = await service.store.outcome_counts(done.id)
        if done.status is not RunStatus.DONE:
            raise RuntimeError(f"the run is {done.status}: {done.reason}")
        return Result(
            result.seconds,
            result.cpu,
            result.peak_mb,
            done.done,
            {"outcomes": {str(k): n for k, n in outcomes.items()}},
        )


if __name__ == "__main__":
    tell(run(run_batch(Task.from_argv())))
