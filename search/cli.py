"""`flask search check`, `flask search rebuild` and `flask search switch`."""

import sys
import time
from typing import Any, Self

import click
from flask.cli import AppGroup

from search import indexer, registry, switching
from search.documents import Ref
from search.engines import IndexBusy, SearchUnavailable

_BAR_AFTER_SECONDS = 2.0
_SHOWN = 10

search = AppGroup("search", help="Look after the search index.")


@search.command()
def check() -> None:
    """Compare the index with the database; exit with 1 when they differ."""
    try:
        report = indexer.check()
    except SearchUnavailable:
        click.echo("The index cannot be read. The worker rebuilds it, or `flask search rebuild` does.")
        raise SystemExit(1) from None
    click.echo(f"{report.documents} documents in the index, {report.stale_notes} changes wait for the worker.")
    _show("missing from the index", report.missing)
    _show("in the index but not to be found", report.surplus)
    if not report.is_clean:
        click.echo("Run `flask search rebuild` to repair this.")
        raise SystemExit(1)
    click.echo("Index and database agree.")


@search.command()
def rebuild() -> None:
    """Write the whole index anew from the database."""
    started = time.monotonic()
    with _Bar() as bar:
        try:
            count = indexer.rebuild(bar.show)
        except IndexBusy:
            click.echo("Another process is writing the index, probably the worker. Please try again.")
            raise SystemExit(1) from None
    click.echo(f"{count} documents indexed in {time.monotonic() - started:.1f} s.")


@search.command()
@click.argument("engine", required=False, type=click.Choice(["whoosh", "postgres"]))
def switch(engine: str | None) -> None:
    """Build the index of another engine while the old one serves; without a name say which one does."""
    serving = registry.engine_name()
    if engine is None:
        _say_who_serves()
    elif engine not in registry.engines():
        click.echo("The engine postgres needs a PostgreSQL database; this installation has SQLite.")
        raise SystemExit(1)
    elif engine == serving:
        if switching.current() is not None:
            switching.stop()
            click.echo(f"The switch is called off: only {serving} is kept up.")
        else:
            click.echo(f"Search is served by {serving} already.")
    else:
        _switch(engine, serving)


def _switch(engine: str, serving: str) -> None:
    click.echo(f"Building the index of {engine}. Meanwhile {serving} serves, and what changes is noted for both.")
    started = time.monotonic()
    with _Bar() as bar:
        try:
            report = indexer.switch(engine, bar.show)
        except IndexBusy:
            switching.stop()
            click.echo("Another process is writing that index. Please try again.")
            raise SystemExit(1) from None
    click.echo(f"{report.documents} documents indexed in {time.monotonic() - started:.1f} s.")
    _show("missing from the new index", report.missing)
    _show("in the new index but not to be found", report.surplus)
    if not report.is_clean:
        click.echo("The new index is not what the database says. Nothing is switched; please try again.")
        raise SystemExit(1)
    click.echo("The new index and the database agree, and the worker keeps both indexes up from now on.")
    click.echo(
        f"To go live set KLINKE_SEARCH_ENGINE={engine} and start the web servers and workers anew, in any order."
    )
    click.echo("An hour after that the old index is removed.")


def _say_who_serves() -> None:
    click.echo(f"Search is served by {registry.engine_name()}.")
    for name, engine in registry.engines().items():
        click.echo(f"{name}: {engine.condition()}")
    under_way = switching.current()
    if under_way is not None:
        state = "both indexes are kept up" if under_way.is_built else "its index is being built"
        click.echo(f"A switch to {under_way.engine} is under way: {state}.")


def _show(what: str, refs: frozenset[Ref]) -> None:
    if refs:
        some = ", ".join(f"{ref.kind} {ref.id}" for ref in sorted(refs, key=lambda ref: (ref.kind, ref.id))[:_SHOWN])
        click.echo(f"{len(refs)} {what}: {some}{' …' if len(refs) > _SHOWN else ''}")


class _Bar:
    """A progress bar that appears only when the work takes longer than two seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Any = None
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def show(self, done: int, total: int) -> None:
        if self._bar is None and time.monotonic() - self._started > _BAR_AFTER_SECONDS:
            self._bar = click.progressbar(length=total, label="Indexing", file=sys.stderr)
        if self._bar is not None:
            self._bar.update(done - self._shown)
            self._shown = done
