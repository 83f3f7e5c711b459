"""The desk's pages: the inbox, a conversation with what may help beside it, the channels, and the door for messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse
from wtforms import SelectChoice

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import texts, web
from core.clock import now
from core.db import db
from core.edge import REFUSALS, done, sent_before
from core.errors import Invalid, KlinkeError
from core.forms import csrf
from desk import asking, connections, conversations, outcomes, queries, questions, replies, suggestions, wordings
from desk.api import receive
from desk.channels.base import adapter_of
from desk.forms import LONGEST_QUESTION, ChannelForm, QuestionForm, ReplyForm
from desk.models import CONVERSATION_STATES, Channel, Conversation, ConversationState, Message
from desk.queries import VIEWS, Listing, View
from forum import addresses as forum_addresses
from forum import inserting
from forum import queries as forum_queries
from forum.models import Category
from kb import judging
from kb.models import ArticleUse

PROMISED_SECONDS = 3600
"""In how long a customer is promised a first answer, until a channel has promises of its own."""
MOST_USES = 20
QUEUE = 15

bp = Blueprint("desk", __name__)
Answer = Response | WerkzeugResponse | str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long somebody has waited, for the bar."""

    percent: int
    seconds: float


@bp.get("/desk")
@role_required("agent")
def inbox() -> str:
    return render_template("desk/inbox.html", **_inbox())


@bp.get("/desk/lines")
@role_required("agent")
def inbox_lines() -> str:
    """Show the list alone, which the page asks for again and again."""
    return render_template("desk/_lines.html", **_inbox())


@bp.get("/desk/conversations/<int:conversation_id>")
@role_required("agent")
def show_conversation(conversation_id: int) -> Response:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return _conversation_page(conversation, ReplyForm(formdata=None), question=_question(request.args.get("help", "")))


@bp.get("/desk/conversations/<int:conversation_id>/exchange")
@role_required("agent")
def exchange(conversation_id: int) -> str:
    """Show the exchange alone, which the page asks for again and again."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return render_template("desk/_exchange.html", conversation=conversation, **_about(conversation))


@bp.post("/desk/conversations/<int:conversation_id>/replies")
@role_required("agent")
def post_reply(conversation_id: int) -> Answer:
    form = ReplyForm()
    is_fine = form.validate()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    if (page := _not_sent_yet(conversation, form)) is not None:
        return page
    if not is_fine:
        return _conversation_page(conversation, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        message = replies.reply(
            conversation,
            text=form.text.data or "",
            by=me(),
            uses=[(use_id, None) for kind, use_id in _uses() if kind == "article"],
            seen=form.seen_id,
        )
        inserting.answer(
            [f"article:{use.article_id}" for use in queries.used_articles([message.id]).get(message.id, ())],
            _given("verdict-"),
            _given("verdict_words-"),
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        conversation = queries.visible_conversation(conversation_id, viewer=current_user)
        return _conversation_page(conversation, form, status=error.status)
    url = url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"m{message.id}")
    onward = done(form, url)
    flash(_draft_key(conversation_id), "draft_done")
    flash(gettext("Your reply is on its way."), "good")
    return onward


@bp.post("/desk/uses/<int:use_id>/outcome")
@role_required("agent")
def tell_outcome(use_id: int) -> WerkzeugResponse:
    message = outcomes.note(use_id, request.form.get("outcome", ""), by=me())
    db.session.commit()
    return _back_to(message.conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/state")
@role_required("agent")
def change_state(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    conversations.change_state(conversation, _state(request.form.get("state", "")), by=me())
    db.session.commit()
    return _back_to(conversation_id)


@bp.post("/desk/conversations/<int:conversation_id>/assignment")
@role_required("agent")
def assign(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    assignee = request.form.get("assignee", "")
    if assignee == "me":
        conversations.take(conversation, by=me())
    else:
        conversations.assign(conversation, _colleague(assignee), by=me())
    db.session.commit()
    return _back_to(conversation_id)


@bp.get("/desk/messages/<int:message_id>/question")
@role_required("agent")
def prepare_question(message_id: int) -> Answer:
    """Show what a message would become in the forum; what it became already is shown there."""
    message = queries.visible_message(message_id, viewer=current_user)
    if (topic := questions.question_of(message)) is not None:
        return web.go(forum_addresses.of_topic(topic))
    proposal = questions.propose(message)
    data = {"title": proposal.title, "source": proposal.source, "locale": proposal.locale}
    return _question_page(message, _question_form(QuestionForm(formdata=None, data=data)))


@bp.post("/desk/messages/<int:message_id>/question")
@role_required("agent")
def ask_in_forum(message_id: int) -> Answer:
    message = queries.visible_message(message_id, viewer=current_user)
    form = _question_form(QuestionForm())
    if not form.validate():
        return _question_page(message, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        questions.ask_in_forum(
            message,
            title=form.title.data or "",
            source=form.source.data or "",
            category=_category(form.category.data or ""),
            locale=form.locale.data or "",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        message = queries.visible_message(message_id, viewer=current_user)
        return _question_page(message, form, status=error.status)
    db.session.commit()
    flash(gettext("The question stands in the forum. When it is solved, the answer is suggested here."), "good")
    return _back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/conversations/<int:conversation_id>/claim")
@role_required("agent")
def send_claim(conversation_id: int) -> WerkzeugResponse:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    message = questions.send_claim(conversation, by=me())
    db.session.commit()
    flash(gettext("The link is on its way, as a private message."), "good")
    return _back_to(conversation_id, anchor=f"m{message.id}")


@bp.post("/desk/messages/<int:message_id>/attempts")
@role_required("agent")
def send_again(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    replies.send_again(message, by=me())
    db.session.commit()
    flash(gettext("It is on its way again."), "good")
    return _back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.post("/desk/messages/<int:message_id>/sent")
@role_required("agent")
def mark_sent(message_id: int) -> WerkzeugResponse:
    message = queries.visible_message(message_id, viewer=current_user)
    replies.mark_sent(message, by=me())
    db.session.commit()
    return _back_to(message.conversation_id, anchor=f"m{message_id}")


@bp.get("/admin/channels")
@role_required("admin")
def channels() -> Response:
    return _channels_page(ChannelForm(formdata=None))


@bp.post("/admin/channels")
@role_required("admin")
def open_channel() -> Answer:
    form = ChannelForm()
    if not form.validate_on_submit():
        return _channels_page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        channel = connections.open_webhook(
            form.slug.data or "",
            name=form.name.data or "",
            endpoint=form.endpoint.data or "",
            limit=form.limit.data,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _channels_page(form, status=error.status)
    db.session.commit()
    # Not a redirect: the secret is shown on this page and nowhere else, neither in an address nor in a cookie.
    return _channels_page(ChannelForm(formdata=None), opened=channel)


@bp.post("/admin/channels/<int:channel_id>/switch")
@role_required("admin")
def switch_channel(channel_id: int) -> WerkzeugResponse:
    channel = queries.channel(channel_id)
    if request.form.get("to") == "on":
        connections.switch_on(channel, by=me())
    else:
        connections.switch_off(channel, by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/asking")
@role_required("admin")
def choose_asking(channel_id: int) -> WerkzeugResponse:
    """Say where the channel asks customers whether a reply helped."""
    asking.choose(queries.channel(channel_id), request.form.get("asks", ""), by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/admin/channels/<int:channel_id>/address")
@role_required("admin")
def address_channel(channel_id: int) -> WerkzeugResponse:
    wordings.address_on(queries.channel(channel_id), is_informal=request.form.get("to") == "informal", by=me())
    db.session.commit()
    return web.go(url_for(".channels"))


@bp.post("/channels/<name>/webhook")
@csrf.exempt
def receive_webhook(name: str) -> Response:
    """Where a service delivers; it proves itself by its signature, not by a token."""
    answer = receive(name)
    db.session.commit()
    return answer


def _inbox() -> dict[str, Any]:
    view = _view(request.args.get("view", ""))
    return {
        "listing": queries.listing(view, viewer=current_user, cursor=request.args.get("page")),
        "counts": queries.counts(current_user),
        "views": VIEWS,
        "waiting": _waiting,
    }


def _conversation_page(
    conversation: Conversation, form: ReplyForm, *, question: str = "", status: int = HTTPStatus.OK
) -> Response:
    messages = conversation.messages
    form.show_as_seen(messages[-1].id if messages else 0)
    form.show_as_seen(max((message.id for message in messages), default=0))
    if not form.help.data:
        form.help.data = question
    asked = next((message for message in reversed(messages) if message.direction == "in"), None)
    found = suggestions.suggest_for(
        question or (asked.text if asked else ""),
        locale=None if question else conversation.locale,
        channel=conversation.channel,
        viewer=current_user,
        only_likely=True,
        wording=wordings.of(conversation, by=me()),
    )
    about = _about(conversation)
    answers = _answers_from_forum(conversation, about["asked_in_forum"])
    page = render_template(
        "desk/conversation.html",
        conversation=conversation,
        form=form,
        asked=asked,
        queue=_queue(),
        question=question,
        suggestions=suggestions.warned(
            [*answers, *(one for one in found if (one.kind, one.id) not in {("answer", a.id) for a in answers})]
        ),
        verdicts=_given("verdict-"),
        claimant=questions.claimant(conversation) if about["asked_in_forum"] else None,
        uses=_uses(),
        measure=adapter_of(conversation.channel).measure,
        silent=replies.why_silent(conversation),
        agents=queries.agents(),
        draft_key=_draft_key(conversation.id),
        waiting=_waiting,
        **about,
    )
    return make_response(page, status)


def _answers_from_forum(
    conversation: Conversation, asked: Mapping[int, questions.Linked]
) -> list[suggestions.Suggestion]:
    """Return the solutions of the questions that were asked for this customer, as suggestions before all others."""
    found = (
        suggestions.of_solution(one.topic, one.solution_id, channel=conversation.channel)
        for one in asked.values()
        if one.solution_id is not None
    )
    return [one for one in found if one is not None]


def _joined(
    first: Sequence[suggestions.Suggestion], others: Sequence[suggestions.Suggestion]
) -> list[suggestions.Suggestion]:
    known = {(one.kind, one.id) for one in first}
    return [*first, *(one for one in others if (one.kind, one.id) not in known)]


def _about(conversation: Conversation) -> dict[str, Any]:
    uses: dict[int, Sequence[ArticleUse]] = dict(
        queries.used_articles([message.id for message in conversation.messages if message.direction == "out"])
    )
    return {
        "used": uses,
        "outcomes": judging.OUTCOMES,
        "questions": queries.questions_whether_it_helped(conversation.messages),
        "asked_in_forum": questions.linked(conversation, viewer=current_user),
    }


def _not_sent_yet(conversation: Conversation, form: ReplyForm) -> Response | None:
    """Show the page again where another button was pressed than the one that sends."""
    if "look" in request.form:
        return _conversation_page(conversation, form, question=form.help.data or "")
    if "address" in request.form:
        return _with_other_address(conversation, form)
    if "insert" in request.form:
        return _with_inserted(conversation, form, request.form["insert"])
    return None


def _with_inserted(conversation: Conversation, form: ReplyForm, what: str) -> Response:
    """Show the page again with the suggestion behind what was typed: the way without a script."""
    kind, _, typed_id = what.partition(":")
    thing_id = texts.number(typed_id)
    text = (
        None
        if thing_id is None
        else suggestions.text_of(
            kind, thing_id, channel=conversation.channel, wording=wordings.of(conversation, by=me())
        )
    )
    status = HTTPStatus.OK
    if text is None:
        form.refuse(Invalid(gettext("This can no longer be inserted: it is not here any more, or not for everyone.")))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        typed = form.text.data or ""
        form.text.data = typed + ("" if not typed or typed[-1].isspace() else " ") + text
        form.text.errors = []
    return _conversation_page(conversation, form, question=form.help.data or "", status=status)


def _with_other_address(conversation: Conversation, form: ReplyForm) -> Response:
    """Show the page again with short texts that say du or Sie; what was typed stays."""
    wordings.address(conversation, is_informal=request.form["address"] == "informal", by=me())
    db.session.commit()
    conversation = queries.visible_conversation(conversation.id, viewer=current_user)
    form.text.errors = []
    return _conversation_page(conversation, form, question=form.help.data or "")


def _uses() -> list[tuple[str, int]]:
    """Return what was inserted into the text being written, as (kind, id); what makes no sense is left out."""
    given = [*request.form.getlist("uses")[:MOST_USES], *request.form.getlist("insert")[:1]]
    pairs = [value.partition(":")[::2] for value in dict.fromkeys(given)]
    return [
        (kind, use_id)
        for kind, typed in pairs
        if kind in {"article", "answer"} and (use_id := texts.number(typed)) is not None
    ]


def _given(prefix: str) -> dict[str, str]:
    """Return what was said of the articles on the page, by names like `article:9`."""
    found = [name for name in request.form if name.startswith(prefix)][:MOST_USES]
    return {name.removeprefix(prefix): request.form[name] for name in found}


def _queue() -> Listing:
    return queries.listing("waiting", viewer=current_user, size=QUEUE)


def _waiting(since: datetime | None) -> Waiting | None:
    if since is None:
        return None
    seconds = max(0.0, (now() - since).total_seconds())
    return Waiting(min(999, int(100 * seconds / PROMISED_SECONDS)), seconds)


def _channels_page(form: ChannelForm, *, status: int = HTTPStatus.OK, opened: Channel | None = None) -> Response:
    page = render_template(
        "desk/channels.html",
        channels=queries.channels(),
        health=connections.health(),
        form=form,
        opened=opened,
        adapter_of=adapter_of,
        asks=asking.where,
    )
    return make_response(page, status)


def _question_form(form: QuestionForm) -> QuestionForm:
    every = forum_queries.categories()
    form.category.choices = [SelectChoice(category.slug, category.name) for category in every]
    if len(every) > 1:  # nobody's question lands in the first category only because it is the first
        form.category.choices = [SelectChoice("", ""), *form.category.choices]
    return form


def _question_page(message: Message, form: QuestionForm, *, status: int = HTTPStatus.OK) -> Response:
    caught = questions.propose(message).caught
    page = render_template("desk/question.html", message=message, form=form, caught=caught)
    return make_response(page, status)


def _category(slug: str) -> Category | None:
    return next((category for category in forum_queries.categories() if category.slug == slug), None)


def _question(typed: str) -> str:
    try:
        return texts.line(typed, longest=LONGEST_QUESTION)
    except KlinkeError:
        return ""  # an address that somebody mended by hand; the page shows what it shows without it


def _view(name: str) -> View:
    return name if name in VIEWS else "waiting"


def _state(name: str) -> ConversationState:
    if name not in CONVERSATION_STATES:
        raise Invalid(gettext("A conversation cannot be put into this state."))
    return name


def _colleague(typed: str) -> User | None:
    if not typed:
        return None
    user_id = texts.number(typed)
    found = None if user_id is None else people.by_id(user_id)
    if found is None:
        raise Invalid(gettext("There is nobody of this name at the desk."))
    return found


def _back_to(conversation_id: int, *, anchor: str | None = None) -> WerkzeugResponse:
    return web.go(url_for(".show_conversation", conversation_id=conversation_id, _anchor=anchor))


def _draft_key(conversation_id: int) -> str:
    return f"reply:{conversation_id}-{current_user.id}"
