"""Commands for channels."""

import click
from flask.cli import with_appcontext

from core.db import db
from core.errors import KlinkeError
from desk import connections, queries
from desk.channels.base import adapter_of


@click.group("channels")
def channels() -> None:
    """Open and list the channels over which customers reach the desk."""


@channels.command("create")
@click.argument("slug")
@click.option("--kind", type=click.Choice(["webhook"]), default="webhook", help="What the channel speaks.")
@click.option("--name", help="The name people see; the slug unless given.")
@click.option("--endpoint", default="", help="Where replies go; without it the channel is only listened to.")
@click.option("--limit", type=int, help="Characters that fit into a reply; 0 for no limit.")
@with_appcontext
def create(slug: str, kind: str, name: str | None, endpoint: str, limit: int | None) -> None:
    """Open a channel and print its id and its secret, which is shown only now."""
    try:
        channel = connections.open_webhook(slug, name=name or slug, endpoint=endpoint, limit=limit, by=None)
    except KlinkeError as error:
        sentences = [f"{field}: {sentence}" for field, sentence in error.fields.items()]
        raise click.ClickException("; ".join(sentences) or error.sentence) from None
    db.session.commit()
    click.echo(f"Opened the {kind} channel {channel.slug}. Messages are delivered to /channels/{channel.slug}/webhook.")
    click.echo(f"id: {channel.id}")
    click.echo(f"secret: {channel.secret}")


@channels.command("list")
@with_appcontext
def list_channels() -> None:
    """List the channels, one a line: id, slug, kind, limit, state."""
    found = queries.channels()
    for channel in found:
        limit = adapter_of(channel).measure.limit
        state = "off" if channel.disabled_at else "on"
        click.echo(f"{channel.id}\t{channel.slug}\t{channel.kind}\t{limit or 'no limit'}\t{state}")
    click.echo(f"{len(found)} channels", err=True)
