"""The forum's commands."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from core.db import db
from core.errors import KlinkeError, Unavailable
from core.i18n import LOCALES
from forum import addresses, counters, crediting, received_mail, replies_by_mail, stackexchange

NOT_TAKEN = 65
"""The exit status that mail servers read as "return it to the sender" (EX_DATAERR of sysexits.h)."""
TRY_AGAIN = 75
"""The one they read as "keep it and come again" (EX_TEMPFAIL)."""


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


@click.group("mail")
def mail() -> None:
    """Take mail in."""


@mail.command("receive")
@with_appcontext
def receive_mail() -> None:
    """Post the answer or question in one mail, read from standard input: for the pipe of a mail server.

    Exit status 0: taken, or sent by a machine and dropped. 65: to be returned to the sender, with the sentence on
    standard error. 75: to be kept and tried again.
    """
    raw = sys.stdin.buffer.read(received_mail.LARGEST_MAIL + 1)
    try:
        received = replies_by_mail.receive(raw)
        db.session.commit()
    except (OperationalError, Unavailable) as error:
        db.session.rollback()
        click.echo(f"The database is busy: {error}", err=True)
        raise SystemExit(TRY_AGAIN) from None
    except KlinkeError as error:
        db.session.rollback()
        click.echo(error.sentence or str(error.title), err=True)
        raise SystemExit(NOT_TAKEN) from None
    click.echo(
        {
            "posted": f"1 post: {addresses.of_post(received.post)}" if received.post is not None else "",
            "again": "0 posts: this mail was taken before",
            "automatic": "0 posts: sent by a machine",
            "bounce": "0 posts: one of our mails came back",
            "asked": f"1 question: {addresses.of_post(received.post)}" if received.post is not None else "",
            "waiting": "0 posts: a question waits for somebody's word",
        }[received.outcome]
    )


@click.group("forum")
def forum() -> None:
    """Look after the forum."""


@forum.command("recount")
@with_appcontext
def recount() -> None:
    """Set the kept numbers of answers and helpful votes to what is counted, and settle the ledger of points."""
    wrong = counters.recount()
    db.session.commit()
    while settled := crediting.settle_all():
        wrong += settled
    click.echo(f"{wrong} numbers were wrong and are right now." if wrong else "All numbers were right.")
