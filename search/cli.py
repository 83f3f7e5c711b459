"""`flask search check` and `flask search rebuild`."""

import sys
import time
from typing import Any, Self

import click
from flask.cli import AppGroup

from search import indexer
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
