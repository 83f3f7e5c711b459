"""What a person follows and silences, and how they are told."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import login_required, me
from core import paging, texts, web
from core.db import db
from core.errors import NotFound
from forum import addresses, follows, notices, notifications, queries
from forum.models import Follow, Silence, Tag, Topic
from forum.views.edge import bp, show

PAGE_SIZE = 30


@bp.get("/following", endpoint="following")
@login_required
def show_following() -> Response:
    silenced = request.args.get("show") == "silenced"
    model = Silence if silenced else Follow
    mine = queries.visible_topics(current_user).join(model, model.topic_id == Topic.id)
    topics = queries.listed(mine.where(model.user_id == me().id))
    by = (Topic.last_activity_at, Topic.id)
    return show(
        "forum/following.html",
        silenced=silenced,
        topics=paging.page(topics, by=by, cursor=request.args.get("page"), size=PAGE_SIZE),
        others=follows.silenced_by(me()) if silenced else follows.watched_by(me()),
        elsewhere=[] if silenced else follows.followed_elsewhere(me()),
        link=lambda **changed: url_for(".following", show="silenced" if silenced else None, **changed),
    )


@bp.post("/following")
@login_required
def choose_following() -> WerkzeugResponse:
    """Follow, silence or leave one thing: `kind` and `id` name it, `choice` says how."""
    kind, name, choice = (request.form.get(part, "") for part in ("kind", "id", "choice"))
    if (following := follows.elsewhere(kind)) is not None:
        page = following.page(name, viewer=me())
        following.choose(name, is_followed=choice not in {"none", "silenced"}, by=me())
    else:
        subject, page = _subject(kind, name)
        follows.choose(subject, choice, by=me())
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(web.safe_path(request.form.get("next"), page))


@bp.get("/settings/notifications", endpoint="notification_settings")
@login_required
def show_notification_settings() -> Response:
    return _settings_page()


@bp.post("/settings/notifications")
@login_required
def save_notification_settings() -> Response | WerkzeugResponse:
    known = notifications.choices(me())
    chosen = {group: request.form[group] for group in known if group in request.form}
    if wrong := {group for group, way in chosen.items() if way not in notifications.WAYS}:
        return _settings_page(chosen, wrong=wrong, status=422)
    notifications.choose(me(), {group: way for group, way in chosen.items() if way != known[group]})
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(url_for(".notification_settings"))


@bp.post("/settings/notifications/address")
@login_required
def try_address_again() -> WerkzeugResponse:
    notices.forget_bounces(me())
    db.session.commit()
    flash(gettext("Mail goes to your address again."), "good")
    return web.go(url_for(".notification_settings"))


def _settings_page(chosen: dict[str, str] | None = None, *, wrong: Any = (), status: int = 200) -> Response:
    return show(
        "forum/notification_settings.html",
        choices=notifications.choices(me()) | (chosen or {}),
        groups=notifications.GROUPS,
        ways=notifications.WAY_NAMES,
        wrong=wrong,
        comes_back=notices.comes_back(me()),
        status=status,
    )


def _subject(kind: str, name: str) -> tuple[follows.Subject, str]:
    """Return what is meant and its page; what the viewer may not see is not there."""
    found: follows.Subject | None = None
    if kind == "topic":
        topic = queries.visible_topic(texts.number(name) or 0, viewer=current_user)
        return topic, addresses.of_topic(topic)
    if kind == "category":
        return queries.category(name), url_for(".show_category", slug=name)
    if kind == "person":
        found, page = people.by_handle(name), url_for(".show_person", handle=name or "x")
    else:
        page = url_for(".show_tag", tag=name or "x")
        is_used = (
            kind == "tag" and "\0" not in name and db.session.scalars(queries.with_tag(current_user, name)).first()
        )
        found = db.session.scalars(select(Tag).where(Tag.name == name)).first() if is_used else None
    if found is None:
        raise NotFound
    return found, page
