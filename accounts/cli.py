"""Commands for people and tokens."""

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import select

from accounts import passwords, people, tokens
from accounts.models import ROLES, User
from core.api import SCOPES
from core.db import db
from core.errors import KlinkeError


def init_app(app: Flask) -> None:
    app.cli.add_command(users)
    app.cli.add_command(token)


@click.group("users")
def users() -> None:
    """Create and list people."""


@users.command("create")
@click.argument("handle")
@click.option("--email", help="Where mail reaches the person.")
@click.option("--name", help="The name people see; the handle unless given.")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be given several times.")
@with_appcontext
def create_user(handle: str, email: str | None, name: str | None, roles: tuple[str, ...]) -> None:
    """Create a person and print a one-time password, which they replace when they sign in."""
    password = passwords.invent()
    hashed = passwords.hashed(password)
    try:
        user = people.create(handle, name=name, email=email, roles=("member", *roles))
    except KlinkeError as error:
        raise click.ClickException(_sentences(error)) from None
    user.password_hash = hashed
    db.session.commit()
    click.echo(f"Created {user.handle} ({', '.join(sorted(user.role_names, key=ROLES.index))}).")
    click.echo("One-time password, to be replaced after signing in:")
    click.echo(password)


@users.command("list")
@with_appcontext
def list_users() -> None:
    """List everybody, one a line: handle, roles, address, state."""
    count = 0
    for user in db.session.scalars(select(User).order_by(User.id).execution_options(yield_per=500)):
        state = "staged" if user.is_staged else "closed" if user.disabled_at else "open"
        roles = ",".join(sorted(user.role_names, key=ROLES.index)) or "-"
        click.echo(f"{user.handle}\t{roles}\t{user.email or '-'}\t{state}")
        count += 1
    click.echo(f"{count} people", err=True)


@click.group("token")
def token() -> None:
    """Create tokens for the JSON API."""


@token.command("create")
@click.argument("handle")
@click.option("--scopes", required=True, help=f"What it may do, separated by commas: {', '.join(SCOPES)}.")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@with_appcontext
def create_token(handle: str, scopes: str, name: str) -> None:
    """Create a token with the rights of HANDLE and print it on a line of its own."""
    user = people.by_handle(handle)
    if user is None:
        raise click.ClickException(f"Nobody is called {handle}.")
    if not user.is_active:
        raise click.ClickException(f"The account of {handle} is staged or closed; a token would open nothing.")
    try:
        plain = tokens.create(user, scopes=scopes.replace(",", " ").split(), name=name)
    except KlinkeError as error:
        raise click.ClickException(_sentences(error)) from None
    db.session.commit()
    click.echo(f"Token of {user.handle}, shown only now:")
    click.echo(plain)


def _sentences(error: KlinkeError) -> str:
    return " ".join(error.fields.values()) or error.sentence or str(error.title)
