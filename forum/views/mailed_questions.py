"""What a member finds behind the link in the mail about a question that came from their address."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotAllowed
from core.web import limiter
from forum import addresses, forms, personal_data, policy, questions_by_mail
from forum.models import MailedQuestion
from forum.views.edge import bp, show


@bp.get("/mail/question/<token>")
def ask_about_question(token: str) -> Response:
    question = questions_by_mail.waiting(token)
    return _page(token, question, forms.MailedQuestionForm(formdata=None, obj=question))


@bp.post("/mail/question/<token>")
@limiter.limit("60 per minute")
def post_mailed_question(token: str) -> Response | WerkzeugResponse:
    """Post it as it stands in the form, or forget it (`do` is `discard`); personal data asks once more."""
    question = questions_by_mail.waiting(token)
    if request.form.get("do") == "discard":
        questions_by_mail.discard(question)
        db.session.commit()
        flash(gettext("The question is forgotten. Nothing was posted."), "good")
        return web.go(url_for(".home"))
    form = forms.MailedQuestionForm()
    if not form.validate():
        return _page(token, question, form, status=UNPROCESSABLE)
    if _caught(form) and not request.form.get("anyway"):
        return _page(token, question, form, status=UNPROCESSABLE, is_warned=True)
    try:
        topic = questions_by_mail.post(question, title=form.title.data or "", source=form.source.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(token, questions_by_mail.waiting(token), form, refused=error)
    db.session.commit()
    flash(gettext("Your question is posted. We tell you when somebody answers."), "good")
    return web.go(addresses.of_topic_id(topic.id) if not topic.is_muted else url_for(".home"))


def _caught(form: forms.MailedQuestionForm) -> list[str]:
    return personal_data.kinds(f"{form.title.data or ''}\n{form.source.data or ''}")


def _page(
    token: str,
    question: MailedQuestion,
    form: forms.MailedQuestionForm,
    *,
    status: int = 200,
    refused: KlinkeError | None = None,
    is_warned: bool = False,
) -> Response:
    if not policy.may_ask(question.user):
        raise NotAllowed(gettext("You can read here and not write for now; the bar on top of the page says why."))
    return show(
        "forum/mailed_question.html",
        token=token,
        question=question,
        form=form,
        caught=_caught(form),
        is_warned=is_warned,
        status=status,
        refused=refused,
    )
