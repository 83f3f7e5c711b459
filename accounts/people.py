"""People: how they come, how they are found, what they are."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

from flask_babel import gettext
from flask_login import AnonymousUserMixin
from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError

from accounts import audit, emails, handles, one_time, passwords, policy, sessions
from accounts.models import ROLES, ApiToken, User, UserRole
from core import problems, texts, timezones
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed

LONGEST_NAME = 80
LONGEST_ABOUT = 2000
SHARED_PREFIX = 8
"""So many characters of a skeleton are the same for a handle and for the handle with a number behind it."""
THEMES = ("auto", "light", "dark")
NAME_CHECKS: list[Callable[[str], None]] = []
"""What other rooms have against a name that somebody gives themselves; each raises `Invalid`."""
ABOUT_CHECKS: list[Callable[[str], None]] = []
"""The same against what people say about themselves."""


class AnonymousUser(AnonymousUserMixin):
    """Nobody is signed in: a viewer without an id, rights or wishes."""

    id: None = None
    handle = ""
    name = ""
    locale: None = None
    theme = "auto"
    last_visit_at: None = None
    role_names: frozenset[str] = frozenset()
    is_team = False
    is_trusted = False
    is_experienced = False
    is_silenced = False

    def has_role(self, role: str) -> Literal[False]:  # noqa: ARG002 -- the same question as to a person
        return False


Viewer = User | AnonymousUser


def by_id(user_id: int) -> User | None:
    return db.session.get(User, user_id) if user_id <= LARGEST_ID else None


def by_handle(handle: str) -> User | None:
    """Return who has this handle, in capitals or small letters; a lookalike is nobody."""
    wanted = handles.folded(handle)
    if not handles.is_shaped(wanted):
        return None
    user = db.session.scalar(select(User).where(User.handle_key == handles.key(wanted)))
    return user if user is not None and handles.folded(user.handle) == wanted else None


def by_email(email: str) -> User | None:
    if "\0" in email or "@" not in email:
        return None
    return db.session.scalar(select(User).where(User.email_key == emails.key(email)))


def by_source_id(source_id: str) -> User | None:
    """Return who came from another system under this id."""
    return db.session.scalar(select(User).where(User.source_id == source_id))


def by_handle_or_email(typed: str) -> User | None:
    """Return whom somebody means who types a handle, with or without @, or an e-mail address."""
    return by_email(typed) if "@" in typed.lstrip()[1:] else by_handle(typed)


def free_handle(wanted: str, *, owner: User | None = None) -> str:
    """Return the handle nearest to `wanted` that nobody but `owner` has: itself, or with a number behind it."""
    wanted = handles.fitting(wanted)
    taken = select(User.handle_key)
    if owner is not None:
        taken = taken.where(User.id != owner.id)
    if db.session.scalar(taken.where(User.handle_key == handles.key(wanted))) is None:
        return wanted
    # All numbered relatives at once: some names are borne by thousands.
    prefix = handles.key(wanted)[:SHARED_PREFIX]
    relatives = set(db.session.scalars(taken.where(User.handle_key.startswith(prefix, autoescape=True))))
    return next(candidate for candidate in handles.numbered(wanted) if handles.key(candidate) not in relatives)


def register(*, handle: str, name: str, email: str, password: str, locale: str | None) -> User:
    """Take in a new member who accepts the licence and must still confirm the address; raise `Invalid` with fields."""
    wrong = objections(handle=handle, email=email, password=password)
    for field, value in (("handle", handle), ("name", name)):
        try:
            refuse_bad_name(value)
        except Invalid as error:
            wrong.setdefault(field, error.sentence)
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
    user = create(handle, name=name, email=email, password=password, locale=locale)
    user.licence_accepted_at = now()
    db.session.flush()
    return user


def objections(*, handle: str, email: str, password: str) -> dict[str, str]:
    """Return what speaks against registering with these values, by field; whether they are taken is not asked."""
    wrong: dict[str, str] = {}
    for check in (
        lambda: handles.refuse_reserved(handles.checked(handle)),
        lambda: emails.checked(email),
        lambda: passwords.check(password, handle=handle, email=email),
    ):
        try:
            check()
        except Invalid as error:
            wrong |= error.fields
    return wrong


def create(  # noqa: PLR0913 -- the parts of a person, by keyword
    handle: str,
    *,
    name: str | None = None,
    email: str | None = None,
    password: str | None = None,
    roles: Iterable[str] = ("member",),
    locale: str | None = None,
    source_id: str | None = None,
    is_staged: bool = False,
    created_at: datetime | None = None,
) -> User:
    """Create a person; raise `Invalid` with fields when the handle or the address cannot be had.

    Staged people may have handles that came from elsewhere and that nobody could choose here.
    """
    handle = handles.fitting(handle) if is_staged else handles.checked(handle)
    email = emails.checked(email) if email else None
    user = User(
        handle=handle,
        handle_key=handles.key(handle),
        name=checked_name(name or handle),
        email=email,
        email_key=emails.key(email) if email else None,
        password_hash=passwords.hashed(password) if password else None,
        password_changed_at=now() if password else None,
        locale=locale,
        source_id=source_id,
        is_staged=is_staged,
        created_at=created_at or now(),
        roles=_as_rows(roles),
    )
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError:
        raise _taken(handle, email) from None
    return user


def named(user: User | None) -> dict[str, Any] | None:
    """Return what a page says of a person, as plain values."""
    if user is None:
        return None
    return {"handle": user.handle, "name": user.name, "is_team": user.is_team}


def change_profile(
    user: User,
    *,
    name: str,
    about: str,
    locale: str | None,
    theme: str,
    time_zone: str | None = None,
    is_named: bool | None = None,
) -> None:
    """Change what a person says about themselves and how they want their pages.

    Without a time zone it stays, and so does whether articles name them.
    """
    if theme not in THEMES:
        raise Invalid(fields={"theme": gettext("Please choose one of these.")})
    if time_zone is not None:
        if not timezones.is_known(time_zone):
            raise Invalid(fields={"time_zone": gettext("Please choose one of the list.")})
        user.time_zone = time_zone
    if name != user.name:
        with problems.at("name"):
            refuse_bad_name(name)
    if about != user.about:
        with problems.at("about"):
            for check in ABOUT_CHECKS:
                check(about)
    user.name = checked_name(name)
    user.about = texts.block(about, longest=LONGEST_ABOUT)
    user.locale = locale
    user.theme = theme
    if is_named is not None:
        user.is_named = is_named
    db.session.flush()


def learn_time_zone(user: User, name: str) -> None:
    """Take over what a browser says, unless the person has said it; what is no time zone is nothing."""
    if user.time_zone is None and timezones.is_known(name):
        user.time_zone = name


def change_password(user: User, *, password_hash: str, keep_token: str = "") -> None:
    """Give a person a new password; their sessions but that of `keep_token`, and links in mails, end with the old."""
    user.password_hash = password_hash
    user.password_changed_at = now()
    sessions.end_all_but(user, keep_token)
    one_time.forget(user)
    db.session.flush()


def confirm_email(user: User) -> None:
    """Note that mail reaches this person."""
    user.email_confirmed_at = user.email_confirmed_at or now()
    db.session.flush()


def set_roles(user: User, roles: Iterable[str], *, by: Viewer, reason: str = "") -> None:
    """Make a person have exactly these roles."""
    _require_admin(by, user)
    before, after = _ranked(user.role_names), _ranked(_known(roles))
    if before == after:
        return
    if "admin" in before and "admin" not in after:
        keep_an_admin(user)
    kept = {row.role: row for row in user.roles}
    user.roles = [kept.get(role) or UserRole(role=role) for role in after]
    db.session.flush()
    audit.record(
        "accounts.user.set_roles", user, by=_person(by), reason=reason, before={"roles": before}, after={"roles": after}
    )


def disable(user: User, *, by: Viewer, reason: str) -> None:
    """Close an account: its sessions and links end, its API tokens rest, what it wrote stays."""
    _require_admin(by, user)
    if user.disabled_at is not None:
        return
    if user.has_role("admin"):
        keep_an_admin(user)
    user.disabled_at = now()
    sessions.end_all_but(user)
    one_time.forget(user)
    db.session.flush()
    audit.record(
        "accounts.user.disable",
        user,
        by=_person(by),
        reason=reason,
        before={"disabled": False},
        after={"disabled": True},
    )


def enable(user: User, *, by: Viewer, reason: str = "") -> None:
    """Open a closed account again."""
    _require_admin(by, user)
    if user.disabled_at is None:
        return
    user.disabled_at = None
    db.session.flush()
    audit.record(
        "accounts.user.enable",
        user,
        by=_person(by),
        reason=reason,
        before={"disabled": True},
        after={"disabled": False},
    )


def revoke_everything(user: User) -> None:
    """End whatever a stranger may hold of this account: sessions, links in mails, API tokens."""
    sessions.end_all_but(user)
    one_time.forget(user)
    db.session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))


def refuse_bad_name(name: str) -> None:
    """Raise `Invalid` when another room has something against a name that somebody gives themselves."""
    for check in NAME_CHECKS:
        check(name)


def checked_name(name: str) -> str:
    """Return a clean name; raise `Invalid` at the field `name` when it cannot be one."""
    with problems.at("name"):
        return texts.line(name, longest=LONGEST_NAME, shortest=1)


def _as_rows(roles: Iterable[str]) -> list[UserRole]:
    return [UserRole(role=role) for role in _ranked(_known(roles))]


def _known(roles: Iterable[str]) -> frozenset[str]:
    chosen = frozenset(roles)
    if unknown := chosen - frozenset(ROLES):
        sentence = gettext("There is no role “%(role)s”.", role=min(unknown))
        raise Invalid(sentence, fields={"roles": sentence})
    return chosen | {"agent"} if "lead" in chosen else chosen  # a lead works at the desk, too


def _ranked(roles: Iterable[str]) -> list[str]:
    return sorted(roles, key=ROLES.index)


def _taken(handle: str, email: str | None) -> Invalid:
    if db.session.scalar(select(User.id).where(User.handle_key == handles.key(handle))) is not None:
        sentence = gettext("This handle, or one that looks just like it, is taken.")
        return Invalid(sentence, fields={"handle": sentence})
    if email and by_email(email) is not None:
        sentence = gettext("There is an account with this address already. You can sign in, or ask for a new password.")
        return Invalid(sentence, fields={"email": sentence})
    return Invalid(gettext("This person came in already."))


def _require_admin(by: Viewer, user: User) -> None:
    if not policy.may_change_account(by, user):
        raise NotAllowed(gettext("Only an admin may change accounts."))


def _person(by: Viewer) -> User | None:
    return by if isinstance(by, User) else None


def keep_an_admin(user: User) -> None:
    """Raise `Conflict` when this person is the last admin who can come in."""
    # Of two admins who dismiss each other at the same moment the second waits here, and then sees that nobody is left.
    admins = select(UserRole.user_id).where(UserRole.role == "admin").order_by(UserRole.user_id)
    db.session.execute(admins.with_for_update())
    others = db.session.scalar(
        select(func.count())
        .select_from(UserRole)
        .join(User)
        .where(
            UserRole.role == "admin",
            User.id != user.id,
            User.disabled_at.is_(None),
            User.is_staged.is_(False),
            or_(User.suspended_until.is_(None), User.suspended_until <= now()),
        )
    )
    if not others:
        raise Conflict(gettext("Somebody must stay admin. Please make another person admin first."))
