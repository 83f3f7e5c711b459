"""Commands of the knowledge base."""

import click
from flask.cli import with_appcontext

from core.db import db
from kb import promotion

BATCH = 200


@click.group("kb")
def kb() -> None:
    """Look after the knowledge base."""


@kb.command("nominate")
@with_appcontext
def nominate() -> None:
    """Nominate every accepted answer that never was, as after an import."""
    count = 0
    for count, _post_id in enumerate(promotion.nominate_all(), 1):
        if count % BATCH == 0:
            db.session.commit()
    db.session.commit()
    click.echo(f"{count} answers nominated")
