"""Staged people who came by mail or over a channel, and how one of them becomes a member.

Nobody proved who they are, so a staged account has no password and no address, and signs in nowhere. Whoever holds
the link that went to that address (or, privately, to that handle) claims it: as a new member, or into the account they
have.
"""

import secrets
from collections.abc import Callable
from typing import Any

from flask_babel import force_locale, gettext
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import audit, emails, handles, one_time, people, policy
from accounts.models import StagedIdentity, StagedPlace, User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import Problems
from core.unique import add_once

HANDLE_DIGITS = 4
TRIES = 20
MERGERS: list[Callable[[User, User], None]] = []
"""What other rooms do so that everything of one person is another's; each gets both."""


def person(place: StagedPlace, key: str, *, locale: str, name: str = "", email: str | None = None) -> User:
    """Return the staged person known by this, who is made where there is none; of two at once both get the same.

    The name says where they came from, never who they are: nobody agreed to have an address or a name shown. Raises
    `NotAllowed` where the team closed the account.
    """
    found = _known(place, key)
    if found is None:
        _make(place, key, locale=locale, name=name, email=email)
        found = _known(place, key)
    assert found is not None  # noqa: S101 -- made one line above, or by somebody else at that moment
    if found.user.disabled_at is not None:
        raise NotAllowed(gettext("Nothing more can be written from here."))
    return found.user


def identity(user: User) -> StagedIdentity | None:
    """Return how a staged person is known; None for everybody else."""
    return db.session.scalars(select(StagedIdentity).where(StagedIdentity.user_id == user.id)).first()


def claimable(token: str, viewer: Viewer) -> User:
    """Return the staged person whose link this is; raise `NotFound` when it is used, old, or not this viewer's.

    Where the address belongs to a member, nobody else who is signed in may take what came from it.
    """
    user = one_time.holder(token, "claim")
    owner = owner_of(user)
    if owner is not None and viewer.is_authenticated and viewer.id != owner.id:
        raise NotFound
    return user


def owner_of(user: User) -> User | None:
    """Return the member who has the address that a staged person's mail came from."""
    known = identity(user)
    owner = None if known is None or known.email is None else people.by_email(known.email)
    return None if owner is None or owner.id == user.id or owner.is_staged else owner


def become_member(token: str, *, handle: str, name: str, email: str, password_hash: str, locale: str) -> User:
    """Make a member of a staged person who accepts the licence; everything they wrote stays theirs. Once only.

    An address that mail came from is proven by the link; another one must still be confirmed.
    """
    user = one_time.use(token, "claim")
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    known = identity(user)
    proven = _address(known)
    imported = None if proven is None else people.by_email(proven)
    if imported is not None and imported.id != user.id:
        user = _continued(user, imported)
    _refuse_taken(user, handle=handle, email=proven or email)
    problems = Problems()
    problems.take("handle", lambda: handles.refuse_reserved(handles.checked(handle)), None)
    problems.take("handle", lambda: people.refuse_bad_name(handle), None)
    problems.take("name", lambda: people.refuse_bad_name(name), None)
    problems.refuse()
    address = emails.checked(proven or email)
    try:
        with db.session.begin_nested():
            user.handle, user.handle_key = handles.checked(handle), handles.key(handle)
            user.name = people.checked_name(name)
            user.email, user.email_key = address, emails.key(address)
            user.email_confirmed_at = now() if proven else None
            user.password_hash, user.password_changed_at = password_hash, now()
            user.licence_accepted_at, user.locale, user.is_staged = now(), locale, False
    except IntegrityError:  # somebody took the handle or the address in this moment
        raise Conflict(gettext("Somebody was faster. Please choose another handle, or sign in.")) from None
    _forget(user)
    audit.record("accounts.user.claim", user, by=user, after={"handle": user.handle})
    return user


def claim_into(token: str, *, by: User) -> User:
    """Give everything a staged person wrote, follows and got to the account of who holds the link. Once only."""
    if not by.is_active:
        raise NotAllowed
    claimable(token, by)
    user = one_time.use(token, "claim")
    owner = owner_of(user)
    if owner is not None and owner.id != by.id:
        raise NotFound
    before = {"user_id": user.id, "handle": user.handle}
    _give(user, to=by)
    audit.record("accounts.user.claim", by, by=by, before=before, after={"user_id": by.id})
    return by


def close(user: User, *, by: User) -> None:
    """Take nothing more from where a staged person came from; what they wrote stays, and nobody claims it."""
    _set_closed(user, is_closed=True, by=by)


def open_again(user: User, *, by: User) -> None:
    """Take what comes from there again."""
    _set_closed(user, is_closed=False, by=by)


def _set_closed(user: User, *, is_closed: bool, by: User) -> None:
    if not policy.may_close_staged(by, user):
        raise NotAllowed(gettext("Only moderators can close an account that nobody has claimed."))
    before = user.disabled_at is not None
    if before == is_closed:
        return
    user.disabled_at = now() if is_closed else None
    if is_closed:
        one_time.forget(user)
    db.session.flush()
    deed = "accounts.user.disable" if is_closed else "accounts.user.enable"
    audit.record(deed, user, by=by, before={"disabled": before}, after={"disabled": is_closed})


def _continued(user: User, imported: User) -> User:
    """Go on as the person who came with an import under the same address: that is theirs, too, as the link proves."""
    if not imported.is_staged or imported.disabled_at is not None or imported.is_team:
        raise Conflict(gettext("This address belongs to another account here. Please ask the team."))
    _give(user, to=imported)
    return imported


def _give(user: User, *, to: User) -> None:
    user_id = user.id
    _forget(user)
    for move in MERGERS:
        move(user, to)
    db.session.flush()
    db.session.expire_all()
    db.session.delete(db.session.get_one(User, user_id))
    db.session.flush()


def _known(place: StagedPlace, key: str) -> StagedIdentity | None:
    wanted = (StagedIdentity.place == place, StagedIdentity.key == key)
    return db.session.scalars(
        select(StagedIdentity).where(*wanted).execution_options(populate_existing=True)
    ).one_or_none()


def _make(place: StagedPlace, key: str, *, locale: str, name: str, email: str | None) -> None:
    with force_locale(locale):
        shown = gettext("Somebody on %(place)s", place=name) if name else gettext("Somebody by mail")
    nested = db.session.begin_nested()
    user = people.create(_handle(place), name=shown[: people.LONGEST_NAME], locale=locale, is_staged=True)
    values: dict[str, Any] = {"place": place, "key": key, "email": email, "locale": locale}
    if add_once(StagedIdentity, user_id=user.id, at=now(), **values):
        nested.commit()
    else:
        nested.rollback()


def _handle(place: StagedPlace) -> str:
    for _ in range(TRIES):
        handle = f"{place}-{secrets.token_hex(HANDLE_DIGITS)}"
        if people.by_handle(handle) is None:
            return handle
    raise Conflict


def _address(known: StagedIdentity | None) -> str | None:
    return None if known is None else known.email


def _refuse_taken(user: User, *, handle: str, email: str) -> None:
    wrong: dict[str, str] = {}
    held = db.session.scalar(select(User.id).where(User.handle_key == handles.key(handle), User.id != user.id))
    if held is not None:
        wrong["handle"] = str(gettext("This handle, or one that looks just like it, is taken."))
    owner = people.by_email(email)
    if owner is not None and owner.id != user.id:
        wrong["email"] = str(
            gettext("There is an account with this address already. You can sign in, or ask for a new password.")
        )
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)


def _forget(user: User) -> None:
    """Forget how the person was known: what comes from there later is somebody nobody knows."""
    db.session.execute(delete(StagedIdentity).where(StagedIdentity.user_id == user.id))
    one_time.forget(user)
    db.session.flush()
