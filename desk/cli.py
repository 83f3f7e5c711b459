"""Commands for channels, for forgetting people, and for how long words are kept."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from accounts import people
from accounts.models import User
from core.db import db
from core.errors import KlinkeError
from desk import connections, disclosure, erasing, persons, policy, queries, retention
from desk.channels.base import adapter_of
from desk.models import Contact


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


@click.group("contacts")
def contacts() -> None:
    """Hand out what is known of a person, or forget them, on all their channels."""


@contacts.command("export")
@click.argument("contact_id", type=click.IntRange(1))
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as", "handle", required=True, help="The admin in whose name it is done.")
@with_appcontext
def export_contact(contact_id: int, path: Path, handle: str) -> None:
    """Write everything that is known of the person to a file."""
    admin = _admin(handle)
    pieces = disclosure.of(_contact(contact_id, admin), by=admin)
    with path.open("w", encoding="utf-8") as file:
        for piece in pieces:
            file.write(piece)
    db.session.commit()
    click.echo(f"{path}: {path.stat().st_size} bytes")


@contacts.command("erase")
@click.argument("contact_id", type=click.IntRange(1))
@click.option("--as", "handle", required=True, help="The admin in whose name it is done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def erase_contact(contact_id: int, handle: str, yes: bool) -> None:
    """Say what there is of the person, and forget it; there is no way back."""
    admin = _admin(handle)
    contact = _contact(contact_id, admin)
    for name, many in erasing.preview(contact, viewer=admin).counts.items():
        click.echo(f"{name}: {many}")
    if not yes:
        click.confirm("Forget this person? There is no way back.", abort=True)
    try:
        erasing.erase(contact, by=admin, typed=contact.handle)
    except KlinkeError as error:
        raise click.ClickException(error.sentence) from None
    db.session.commit()
    click.echo("Forgotten.")


@click.group("retention")
def retention_group() -> None:
    """Look at how long words are kept, and take out what is older."""


@retention_group.command("preview")
@click.option("--public-days", type=click.IntRange(1))
@click.option("--private-days", type=click.IntRange(1))
@with_appcontext
def preview_retention(public_days: int | None, private_days: int | None) -> None:
    """Say how much would go if this were the rule; nothing is changed."""
    found = retention.old(public_days=public_days, private_days=private_days)
    click.echo(f"{found.messages} messages in {found.conversations} conversations")


@retention_group.command("run")
@with_appcontext
def run_retention() -> None:
    """Take out what is older than an admin chose, as the worker does every hour."""
    click.echo(f"{retention.purge()} messages")


def _admin(handle: str) -> User:
    found = people.by_handle(handle)
    if found is None or not policy.may_erase(found):
        raise click.ClickException(f"{handle} is no admin here")
    return found


def _contact(contact_id: int, admin: User) -> Contact:
    try:
        return persons.visible_contact(contact_id, viewer=admin)
    except KlinkeError as error:
        raise click.ClickException(error.sentence) from None
