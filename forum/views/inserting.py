"""Putting articles and replies into an answer: at the cursor with script, behind what was typed without."""

from flask import Response, request
from flask_babel import gettext
from flask_login import current_user

from accounts.access import login_required
from accounts.models import User
from core.edge import UNPROCESSABLE
from core.errors import Invalid, NotAllowed
from core.web import limiter
from forum import forms, inserting, policy, queries
from forum.models import Post, Topic
from forum.views.edge import bp, show
from forum.views.topic import Inserts, topic_page

MOST_USED = 20
LONGEST_NAME = 40


@bp.get("/topics/<int:topic_id>/inserts")
@login_required
@limiter.limit("240 per minute")
def inserts(topic_id: int) -> Response:
    """Return what can be inserted, as a piece of the page; asked while words are typed."""
    if not current_user.is_trusted:
        raise NotAllowed(gettext("The team and trusted members insert articles here."))
    topic = queries.visible_topic(topic_id, viewer=current_user)
    found = inserting.find(request.args.get("title", ""), topic, viewer=current_user)
    return show("forum/_inserts.html", found=found, topic=topic, verdicts={})


def is_wanted() -> bool:
    """Tell whether the answer was sent to put something into it, and not to post it."""
    return request.form.get("do") == "find" or "insert" in request.form


def helped(topic: Topic, form: forms.AnswerForm) -> Response:
    """Return the page with what was typed, and what was found for it or put behind it."""
    for field in form:
        field.errors = []  # nobody sent it yet
    words = request.form.get("insert_words", "")[: inserting.LONGEST_QUERY]
    names = used()
    found = None
    if "insert" in request.form:
        name = request.form["insert"][:LONGEST_NAME]
        try:
            form.source.data = inserting.behind(
                form.source.data or "", inserting.take(name, topic, viewer=current_user)
            )
        except Invalid as error:
            form.refuse(error)
            return topic_page(
                topic, answer_form=form, inserts=Inserts(words, None, names, verdicts()), status=UNPROCESSABLE
            )
        names = list(dict.fromkeys([*names, name]))
    elif policy.may_insert(current_user, topic):
        found = inserting.find(words, topic, viewer=current_user)
    return topic_page(topic, answer_form=form, inserts=Inserts(words, found, names, verdicts()))


def verdicts() -> dict[str, str]:
    """Return what is said of the things on the page, by their names."""
    return _given("verdict-")


def keep_verdicts(answer: Post, *, by: User) -> None:
    """Keep what was said of the things that stand in an answer now: who only looked has not used it."""
    if not policy.may_insert(by, answer.topic):
        return
    inserting.answer(used(), verdicts(), _given("verdict_words-"), by=by)


def words_said() -> list[str]:
    """Return what was said of things that were put in: everybody who inserts them later reads it."""
    return list(_given("verdict_words-").values())


def _given(prefix: str) -> dict[str, str]:
    found = [name for name in request.form if name.startswith(prefix)][:MOST_USED]
    return {name.removeprefix(prefix)[:LONGEST_NAME]: request.form[name] for name in found}


def used() -> list[str]:
    """Return the names of what was put into the answer that is being sent."""
    return [name[:LONGEST_NAME] for name in request.form.getlist("uses")[:MOST_USED]]
