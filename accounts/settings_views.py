"""A person's own settings: profile, password, sessions, API tokens."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import attempts, mails, one_time, passwords, people, sessions, tokens
from accounts.access import login_required, me
from accounts.forms import SCOPE_NAMES, TEAM_SCOPES, ChangePasswordForm, ProfileForm, TokenForm, choices
from accounts.views import Answer, bp, page, refused
from core import i18n, once, timezones, web
from core.db import db
from core.errors import Invalid, KlinkeError, NotFound
from core.settings import current_settings


@bp.route("/settings", methods=["GET", "POST"])
@login_required
def settings() -> Answer:
    form = ProfileForm(obj=current_user)
    chosen = form.time_zone.data = form.time_zone.data or me().time_zone or current_settings().time_zone
    if chosen not in timezones.names() and timezones.is_known(chosen):
        form.time_zone.choices = [*form.time_zone.choices, *choices({chosen: chosen})]  # an old name a browser gave
    credit = request.form.get("credit")
    form.credit.data = credit or ("named" if me().is_named else "unnamed")
    if form.validate_on_submit():
        try:
            people.change_profile(
                me(),
                name=form.name.data,
                about=form.about.data,
                locale=form.locale.data or None,
                theme=form.theme.data,
                time_zone=request.form.get("time_zone"),
                is_named=None if credit is None else credit != "unnamed",
            )
        except KlinkeError as error:
            return refused(form, error, "accounts/settings/profile.html")
        db.session.commit()
        flash(gettext("Saved."), "good")
        return web.go(url_for(".settings"))
    return page(form, "accounts/settings/profile.html")


@bp.post("/settings/confirmation")
@login_required
def send_confirmation() -> WerkzeugResponse:
    user = me()
    if user.email_confirmed_at is None and user.email and attempts.may_mail(user):
        mails.send_confirm(user, one_time.issue(user, "confirm"), locale=i18n.locale())
        flash(gettext("A mail is on its way. Its link works for half an hour."), "good")
    else:
        flash(gettext("There is no mail to send right now. The last ones may still be on their way."), "message")
    db.session.commit()
    return web.go(url_for(".settings"))


@bp.route("/settings/password", methods=["GET", "POST"])
@login_required
def password() -> Answer:
    onward = web.safe_path(request.values.get("next"), "")
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            _change_password(form)
        except KlinkeError as error:
            return refused(form, error, "accounts/settings/password.html", onward=onward)
        flash(gettext("Your new password is set. Your other sessions have ended."), "good")
        return web.go(onward or url_for(".password"))
    return page(form, "accounts/settings/password.html", onward=onward)


def _change_password(form: ChangePasswordForm) -> None:
    user = me()
    passwords.check(form.password.data, handle=user.handle, email=user.email)
    attempt = attempts.begin(user, user.handle, request.remote_addr)
    stored, token = user.password_hash, user.session_token
    db.session.commit()  # the attempt counts, and no lock is held while the hashes are made
    if not passwords.fits(stored, form.current.data):
        sentence = gettext("The current password does not match.")
        raise Invalid(sentence, fields={"current": sentence})
    hashed = passwords.hashed(form.password.data)
    attempts.forgive(user, attempt)
    people.change_password(user, password_hash=hashed, keep_token=token)
    db.session.commit()


@bp.get("/settings/sessions", endpoint="sessions")
@login_required
def show_sessions() -> str:
    return render_template("accounts/settings/sessions.html", sign_ins=sessions.of(me()), current=sessions.current())


@bp.post("/settings/sessions/<int:sign_in_id>/end")
@login_required
def end_session(sign_in_id: int) -> WerkzeugResponse:
    mine = {sign_in.id: sign_in for sign_in in sessions.of(me())}
    if sign_in_id not in mine:
        raise NotFound(gettext("This session has ended already."))
    sessions.end(mine[sign_in_id])
    db.session.commit()
    flash(gettext("The session has ended."), "good")
    return web.go(url_for(".sessions"))


@bp.post("/settings/sessions/end")
@login_required
def end_other_sessions() -> WerkzeugResponse:
    user = me()
    sessions.end_all_but(user, user.session_token)
    db.session.commit()
    flash(gettext("All other sessions have ended."), "good")
    return web.go(url_for(".sessions"))


@bp.route("/settings/tokens", methods=["GET", "POST"], endpoint="tokens")
@login_required
def show_tokens() -> Answer:
    user = me()
    form = TokenForm()
    form.scopes.choices = choices(
        {scope: name for scope, name in SCOPE_NAMES.items() if user.is_team or scope not in TEAM_SCOPES}
    )
    if not form.validate_on_submit():
        return page(form, "accounts/settings/tokens.html", tokens=tokens.of(user))
    if once.claim(f"user:{user.id}", form.once.data) is not None:
        db.session.rollback()
        flash(
            gettext("This token was made and shown already. If you missed it, revoke it and make another."), "message"
        )
        return web.go(url_for(".tokens"))
    try:
        plain = tokens.create(user, scopes=form.scopes.data, name=form.name.data)
    except KlinkeError as error:
        db.session.rollback()
        return refused(form, error, "accounts/settings/tokens.html", tokens=tokens.of(user))
    db.session.commit()
    # No redirect: the token can be shown in this answer only, and a reload finds its key claimed.
    return render_template(
        "accounts/settings/tokens.html", form=TokenForm(formdata=None), plain=plain, tokens=tokens.of(user)
    )


@bp.post("/settings/tokens/<int:token_id>/revocation")
@login_required
def revoke_token(token_id: int) -> WerkzeugResponse:
    tokens.revoke(me(), token_id)
    db.session.commit()
    flash(gettext("The token is revoked. Programs that use it are turned away from now on."), "good")
    return web.go(url_for(".tokens"))
