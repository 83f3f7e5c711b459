"""Claiming what somebody wrote by mail or on a channel. Opening the page changes nothing, its buttons do."""

from flask import flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import attempts, mails, one_time, passwords, people, sessions, staged
from accounts.access import me
from accounts.forms import RegisterForm
from accounts.models import User
from accounts.views import HOME, Answer, bp, gone_link, page, refused
from core import i18n, web
from core.db import db
from core.errors import KlinkeError, NotFound


@bp.route("/claim/<token>", methods=["GET", "POST"])
def claim(token: str) -> Answer:
    try:
        if request.method == "POST":
            attempts.count_at_door("claim", request.remote_addr)
            db.session.commit()
        user = staged.claimable(token, current_user)
    except NotFound:
        return gone_link(gettext("Home"), HOME)
    if current_user.is_authenticated:
        return _taken_over(token) if request.method == "POST" else _page(token, user, RegisterForm(formdata=None))
    if staged.owner_of(user) is not None:
        return _page(token, user, RegisterForm(formdata=None))  # who has an account signs in first
    return _member(token, user)


def _taken_over(token: str) -> WerkzeugResponse:
    staged.claim_into(token, by=me())
    db.session.commit()
    flash(gettext("Done. What you wrote elsewhere is yours here."), "good")
    return web.go(url_for("forum.show_person", handle=me().handle))


def _member(token: str, user: User) -> Answer:
    form = RegisterForm()
    known = staged.identity(user)
    if known is not None and known.email is not None:
        form.email.data = known.email  # the link proves it, whatever was sent along
    if not form.validate_on_submit():
        return _page(token, user, form)
    try:
        db.session.rollback()  # no lock is held while the hash is made
        hashed = passwords.hashed(form.password.data)
        member = staged.become_member(
            token,
            handle=form.handle.data,
            name=form.name.data,
            email=form.email.data,
            password_hash=hashed,
            locale=i18n.locale(),
        )
    except NotFound:
        return gone_link(gettext("Home"), HOME)
    except KlinkeError as error:
        db.session.rollback()
        return refused(form, error, "accounts/claim.html", **_about(token, one_time.holder(token, "claim")))
    if member.email_confirmed_at is None:
        mails.send_confirm(member, one_time.issue(member, "confirm"), locale=i18n.locale())
    sessions.sign_in(member)
    people.learn_time_zone(member, request.form.get("time_zone", ""))
    db.session.commit()
    flash(gettext("Welcome, %(name)s. What you wrote is yours now.", name=member.name), "good")
    return web.go(url_for("forum.show_person", handle=member.handle))


def _page(token: str, user: User, form: RegisterForm) -> Answer:
    return page(form, "accounts/claim.html", **_about(token, user))


def _about(token: str, user: User) -> dict[str, object]:
    known = staged.identity(user)
    return {
        "token": token,
        "person": user,
        "email": "" if known is None else known.email or "",
        "has_account": staged.owner_of(user) is not None,
    }
