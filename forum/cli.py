"""The forum's commands."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from core.db import db
from core.errors import Unavailable
from core.i18n import LOCALES
from forum import counters, stackexchange


@click.command("stackexchange")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--category", help="The category the questions come into; by default one named after the site.")
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="Their language.")
@with_appcontext
def import_stackexchange(folder: Path, category: str | None, locale: str) -> None:
    """Import the XML of a Stack Exchange data dump; FOLDER is named after the site."""
    try:
        with click.progressbar(length=stackexchange.size(folder), label="Importing") as bar:
            report = stackexchange.read(folder, category=category, locale=locale, progress=bar.update)
    except (stackexchange.Unreadable, Unavailable) as error:
        raise click.ClickException(error.sentence) from None
    for what in dict.fromkeys(what for what, _outcome in report.counts):
        parts = [
            f"{report.counts[what, how]} {how}" for how in ("new", "changed", "unchanged") if report.counts[what, how]
        ]
        click.echo(f"{what}: " + ", ".join(parts))
    for what, number in sorted(report.left_out.items()):
        click.echo(f"left out: {number} {what}")
    for file, row, reason in report.skipped:
        click.echo(f"{file} row {row} skipped: {reason}", err=True)
    click.echo(f"{len(report.skipped)} skipped")
    if report.skipped:
        raise SystemExit(1)


@click.group("forum")
def forum() -> None:
    """Look after the forum."""


@forum.command("recount")
@with_appcontext
def recount() -> None:
    """Set the kept numbers of answers and helpful votes to what is counted."""
    wrong = counters.recount()
    db.session.commit()
    click.echo(f"{wrong} numbers were wrong and are right now." if wrong else "All numbers were right.")
