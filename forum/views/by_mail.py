"""Pages that links in mails lead to. They work without signing in; opening one changes nothing, its buttons do."""

from flask import Response, flash, request
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.models import User
from core import web
from core.db import db
from core.edge import REFUSALS
from core.errors import Invalid, KlinkeError, NotFound
from core.forms import csrf
from core.web import limiter
from forum import answers, experiences, follows, forms, notifications, policy, queries, tickets
from forum.models import Post, Topic
from forum.views import warning
from forum.views.edge import bp, show


@bp.get("/mail/stop/<token>")
def ask_to_stop_mails(token: str) -> Response:
    user, groups, topic_id = tickets.unsubscribing(token)
    return _stop_page(token, user, groups, topic_id)


@bp.post("/mail/stop/<token>")
@csrf.exempt
@limiter.limit("600 per minute")
def stop_mails(token: str) -> Response:
    """End mails of a sort: also for mail programs, which post without a page before (RFC 8058)."""
    user, groups, topic_id = tickets.unsubscribing(token)
    what = request.form.get("what", "kind")
    topic = _topic(topic_id, user)
    if what == "topic" and topic is not None:
        follows.unfollow(topic, by=user)
    else:
        known = notifications.choices(user)
        ended = known if what == "all" else {group for group in groups if group in known}
        notifications.choose(user, {group: "bell" for group in ended if known[group] in {"mail", "digest"}})
    db.session.commit()
    return _stop_page(token, user, groups, topic_id, done=what)


@bp.get("/mail/answer/<token>")
def ask_about_answer(token: str) -> Response:
    user, post = _decidable(token)
    return _answer_page(token, user, post, forms.MailedExperienceForm(formdata=None))


@bp.post("/mail/answer/<token>")
@limiter.limit("60 per minute")
def decide_by_mail(token: str) -> Response | WerkzeugResponse:
    """Say what became of an answer: `solved`, `worked`, or `no` with version and words; `undo` and `take_back` undo."""
    user, post = _decidable(token)
    form, do = forms.MailedExperienceForm(), request.form.get("do", "")
    is_fine = True
    if do == "no":
        is_fine = form.validate() and not warning.stops(form, (form.words.data or "", form.version.data or ""))
    if not is_fine:
        return _answer_page(token, user, post, form, status=422)
    try:
        _decide(do, post, form, by=user)
    except REFUSALS as error:
        db.session.rollback()
        user, post = _decidable(token)
        form.refuse(error)
        return _answer_page(token, user, post, form, refused=error)
    db.session.commit()
    return web.go(request.path)


def _decide(do: str, post: Post, form: forms.MailedExperienceForm, *, by: User) -> None:
    if do == "solved":
        answers.accept(post, by=by)
        flash(gettext("Thank you. The question is marked as solved."), "good")
    elif do == "undo" and _is_accepted(post):
        answers.undo_acceptance(post.topic, by=by, post=post)
    elif do == "worked":
        experiences.tell(post, has_worked=True, by=by)
        flash(gettext("Thank you. That helps the next person to choose."), "good")
    elif do == "take_back":
        experiences.withdraw(post, by=by)
    elif do == "no":
        version, words = form.version.data or "", form.words.data or ""
        if _is_accepted(post):
            experiences.tell(post, has_worked=False, version=version, words=words, by=by)
            flash(gettext("Thank you. That helps the next person to choose."), "good")
        else:
            # Nobody called it the solution yet: what it lacks is said to whoever wrote it.
            answers.comment(post, source=_with_version(words, version), by=by)
            flash(gettext("Thank you. Whoever answered will read what you wrote."), "good")


def _with_version(words: str, version: str) -> str:
    if not words.strip():
        raise Invalid(fields={"words": gettext("A few words, please: what happened instead?")})
    return f"{words} ({version})" if version else words


def _stop_page(token: str, user: User, groups: list[str], topic_id: int | None, *, done: str = "") -> Response:
    labels = [notifications.GROUPS[group].label for group in groups if group in notifications.GROUPS]
    return show(
        "forum/stop_mails.html", token=token, person=user, labels=labels, topic=_topic(topic_id, user), done=done
    )


def _answer_page(
    token: str,
    user: User,
    post: Post,
    form: forms.MailedExperienceForm,
    *,
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    return show(
        "forum/answer_by_mail.html",
        token=token,
        person=user,
        post=post,
        topic=post.topic,
        form=form,
        is_accepted=_is_accepted(post),
        is_asker=post.topic.asker_id == user.id,
        told=experiences.of(user, post),
        may_decide=policy.may_accept_answer(user, post.topic),
        refused=refused,
        status=status,
    )


def _decidable(token: str) -> tuple[User, Post]:
    user, post = tickets.deciding(token)
    return user, queries.visible_post(post.id, viewer=user)


def _is_accepted(post: Post) -> bool:
    """Tell whether this answer is a solution: the one, or one of several."""
    return any(one.post_id == post.id for one in queries.solutions(post.topic))


def _topic(topic_id: int | None, user: User) -> Topic | None:
    if topic_id is None:
        return None
    try:
        return queries.visible_topic(topic_id, viewer=user)
    except NotFound:
        return None  # muted meanwhile: the page then speaks of sorts of mail only
