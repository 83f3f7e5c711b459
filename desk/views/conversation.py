"""A conversation: the exchange, the reply that is being written, and what may help beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from wtforms import SelectChoice

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import texts, web
from core.clock import now
from core.counting import Measure
from core.db import db
from core.edge import REFUSALS, done, sent_before
from core.errors import Invalid, KlinkeError, NotFound
from desk import (
    assigning,
    beside,
    calls,
    clock_words,
    correcting,
    counters,
    finding,
    handing,
    handing_over,
    hiding,
    holding,
    linking,
    masks,
    message_files,
    notes,
    presence,
    previewing,
    queries,
    questions,
    quiet,
    replies,
    reuse,
    scheduling,
    shared_drafts,
    side_talks,
    suggestions,
    summing,
    wordings,
)
from desk.acknowledging import Holding
from desk.approvals import NeedsApproval
from desk.beside import There
from desk.call_forms import AttemptForm
from desk.channels.base import Means, adapter_of, measure_of
from desk.clock_forms import moment
from desk.draft_models import SharedDraft
from desk.forms import LONGEST_QUESTION, ReplyForm
from desk.inside import Note
from desk.inside_forms import NoteForm
from desk.listing import Listing, listing
from desk.means import capabilities_of
from desk.models import Conversation, Message
from desk.objections import Objected, Objection, mended
from desk.person_models import CallNote
from desk.sending_models import ApprovalRule
from desk.shared_drafts import WrittenMeanwhile
from desk.triage import shown
from desk.views import composing, promises
from desk.views.edge import Answer, bp, given_seals, waiting
from forum import inserting
from kb import judging
from kb import policy as kb_policy
from kb.models import ArticleUse

MOST_USES = 20
QUEUE = 15
NOT_THERE = -1


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a page shows besides: that there are two texts, what the draft was made with, which data is uncovered."""

    clashes: bool = False
    uses: Sequence[reuse.Used] | None = None
    revealed: frozenset[tuple[int, int]] = frozenset()
    """Pairs of message and number, see `desk.masks`."""


_PLAIN = Drafted()


@bp.get("/desk/conversations/<int:conversation_id>")
@role_required("agent")
def show_conversation(conversation_id: int) -> Response:
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    begun = promises.apology(conversation_id) or _correction_of(conversation)
    form = ReplyForm(formdata=None, data={"text": begun})
    return _conversation_page(conversation, form, question=_question(request.args.get("help", "")))


@bp.get("/desk/conversations/<int:conversation_id>/exchange")
@role_required("agent")
def exchange(conversation_id: int) -> str:
    """Show the exchange alone, which the page asks for again and again."""
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return render_template(
        "desk/_exchange.html", conversation=conversation, **_about(conversation, beside.there(conversation))
    )


@bp.post("/desk/messages/<int:message_id>/reveal")
@role_required("agent")
def reveal(message_id: int) -> Response:
    """Show one piece of personal data in a public message, with the composer as it was.

    No redirect, since each look is noted and none happens by a link.
    """
    message = queries.visible_message(message_id, viewer=current_user)
    conversation_id, number = message.conversation_id, texts.number(request.form.get("piece", ""))
    masks.reveal(message, NOT_THERE if number is None else number, by=me())
    db.session.commit()
    form = ReplyForm()
    for field in form:
        field.errors = []
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    shown_now = Drafted(revealed=frozenset({(message_id, number or 0)}))
    page = _conversation_page(conversation, form, question=form.help.data or "", drafted=shown_now)
    page.headers["Cache-Control"] = "no-store"
    return page


@bp.post("/desk/conversations/<int:conversation_id>/replies")
@role_required("agent")
def post_reply(conversation_id: int) -> Answer:
    form = ReplyForm()
    is_fine = form.validate()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    if (still_writing := _still_writing(conversation, form)) is not None:
        return still_writing
    if not is_fine:
        return _conversation_page(conversation, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if sent := sent_before(form):
        return sent
    try:
        message = replies.reply(
            conversation,
            text=form.text.data or "",
            by=me(),
            uses=_articles(),
            ways=reuse.ways(_uses()),
            is_public=composing.is_public(form),
            seen=form.seen_id,
            confirmed=_confirmed() | promises.ticked(),
            promised=promises.read_promised(),
            manner=composing.manner(conversation, form),
            acknowledges=_holding(form),
        )
        reuse.record(message, _uses(), by=me())
        drafters = shared_drafts.settle(
            conversation, text=form.text.data or "", version=form.version, held_id=form.held_id, by=me()
        )
        shared_drafts.credit(message, drafters, by=me())
        holding.put_away(form.held_id, by=me())
        inserting.answer(
            [f"article:{use.article_id}" for use in queries.used_articles([message.id]).get(message.id, ())],
            _given("verdict-"),
            _given("verdict_words-"),
            by=me(),
        )
    except REFUSALS as error:
        return _refused(conversation_id, form, error)
    url = url_for(".show_conversation", conversation_id=conversation_id, _anchor=f"m{message.id}")
    onward = done(form, url)
    flash(_draft_key(conversation_id), "draft_done")
    flash(_on_its_way(message), "good")
    return onward


def _holding(form: ReplyForm) -> Holding | None:
    """Return what a holding reply promises; None where the reply is an answer."""
    if not form.holding.data:
        return None
    owner = texts.number(form.holding_owner.data or "")
    return Holding(
        moment(form.holding_due.data or "", clock_words.zone()), None if owner is None else people.by_id(owner)
    )


def _refused(conversation_id: int, form: ReplyForm, error: KlinkeError) -> Answer:
    """Show the page again with what was typed, or keep it for a second person."""
    if isinstance(error, NeedsApproval):
        return _waits_for_approval(conversation_id, form, error)
    db.session.rollback()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    if isinstance(error, Objected):
        return _conversation_page(conversation, form, objections=error.objections, status=error.status)
    if isinstance(error, WrittenMeanwhile):
        return _conversation_page(conversation, form, drafted=Drafted(clashes=True), status=error.status)
    form.refuse(error)
    return _conversation_page(conversation, form, status=error.status)


def _waits_for_approval(conversation_id: int, form: ReplyForm, needed: NeedsApproval) -> Answer:
    """Keep the reply until a second person has read it."""
    rule_id = needed.rule.id
    db.session.rollback()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    rule = db.session.get(ApprovalRule, rule_id)
    if sent := sent_before(form):
        return sent
    if rule is None:  # taken away in this very moment
        raise needed
    try:
        composing.hold_for_approval(conversation, form, rule, _articles())
    except REFUSALS as error:
        return _refused(conversation_id, form, error)
    onward = done(form, url_for(".show_conversation", conversation_id=conversation_id, _anchor="composer"))
    flash(_draft_key(conversation_id), "draft_done")
    flash(gettext("A colleague reads your reply before it goes out. You hear of it."), "good")
    return onward


def _on_its_way(message: Message) -> str:
    if message.send_after is None:
        return str(gettext("Your reply is on its way."))
    if (message.send_after - now()).total_seconds() > holding.LONGEST_UNDO_SECONDS:
        return str(gettext("Your reply goes out on %(when)s.", when=scheduling.in_words(message.send_after)))
    return str(gettext("Your reply goes out in a moment. Until then you can take it back."))


def _still_writing(conversation: Conversation, form: ReplyForm) -> Answer | None:
    """Do what the other buttons of the composer ask for; None where it is to be sent."""
    if "look" in request.form:
        return _conversation_page(conversation, form, question=form.help.data or "")
    if "address" in request.form:
        return _with_other_address(conversation, form)
    if "mend" in request.form:
        return _with_mended(conversation, form, request.form["mend"])
    if "parts" in request.form:
        return _with_parts(conversation, form)
    if "draft" in request.form:
        return _with_draft(conversation, form, request.form["draft"])
    return _still_looking(conversation, form)


def _still_looking(conversation: Conversation, form: ReplyForm) -> Response | None:
    """Do what the buttons of what may help ask for."""
    if "insert" in request.form:
        return _with_inserted(conversation, form, request.form["insert"])
    if "preview" in request.form:
        form.text.errors = []
        return _conversation_page(conversation, form, question=form.help.data or "", looked_at=request.form["preview"])
    if "about" in request.form or "not_about" in request.form:
        return _with_link(conversation, form)
    return None


def _conversation_page(
    conversation: Conversation,
    form: ReplyForm,
    *,
    question: str = "",
    objections: Sequence[Objection] = (),
    parts: Sequence[str] = (),
    looked_at: str = "",
    drafted: Drafted = _PLAIN,
    status: int = HTTPStatus.OK,
) -> Response:
    if not objections and (kept := promises.ticked()):  # what is ticked beside them is not lost
        found = replies.objections_to(conversation, form.text.data or "", by=me())
        objections = [one for one in found if one.seal in kept]
    messages = conversation.messages
    form.show_as_seen(max((message.id for message in messages), default=0))
    if not form.help.data:
        form.help.data = question
    asked = next((message for message in reversed(messages) if message.direction == "in"), None)
    about_what = question or (asked.text if asked else "")
    wording = wordings.of(conversation, by=me())
    suggested = suggestions.suggest_for(
        about_what,
        locale=None if question else conversation.locale,
        channel=conversation.channel,
        viewer=current_user,
        only_likely=True,
        wording=wording,
    )
    there = beside.there(conversation)
    about = _about(conversation, there, drafted.revealed)
    colleagues = queries.agents()
    form.holding_owner.choices = [SelectChoice(str(agent.id), agent.name) for agent in colleagues]
    if not form.holding_owner.data:
        form.holding_owner.data = str(conversation.assignee_id or current_user.id)
    answers = _answers_from_forum(conversation, about["asked_in_forum"])
    composer = composing.context(conversation, form, there, asked=asked, objections=objections)
    page = render_template(
        "desk/conversation.html",
        conversation=conversation,
        form=form,
        asked=asked,
        queue=_queue(),
        question=question,
        suggestions=suggestions.warned(
            [*answers, *(one for one in suggested if (one.kind, one.id) not in {("answer", a.id) for a in answers})]
        ),
        blocks=finding.blocks_for(conversation, about_what, by=me(), wording=wording) if about_what else [],
        preview=previewing.of(looked_at, conversation, by=me()) if looked_at else None,
        verdicts=_given("verdict-"),
        objections=objections,
        confirmed=_confirmed() - promises.ticked(),
        claimant=questions.claimant(conversation) if about["asked_in_forum"] else None,
        uses=(_uses() if drafted.uses is None else drafted.uses)
        or composing.drafted_uses(composer["filled"])
        or composing.held_uses(composer["back"]),
        clashes=drafted.clashes,
        revealed=drafted.revealed,
        step_meanings=quiet.MEANINGS,
        name_of=shared_drafts.name_of,
        measure=measure_of(conversation.channel, is_public=form.public.data == "yes"),
        measures=_measures(conversation, composer["means"]),
        looks_first=adapter_of(conversation.channel).capabilities.looks_for,
        silent=composer["means"].why_not,
        parts=parts,
        agents=colleagues,
        draft_key=_draft_key(conversation.id),
        card=there.load("card", lambda: handing_over.open_card(conversation), None),
        talks=there.load("talks", lambda: side_talks.of(conversation), []),
        present=presence.others(conversation, me(), among=colleagues),
        beat=presence.BEAT_SECONDS,
        note_form=NoteForm(formdata=None),
        attempt_form=AttemptForm(formdata=None),
        waiting=waiting,
        due_words=clock_words.due(conversation),
        given_why="" if conversation.clock is None else assigning.reason(conversation.clock.given_why),
        **composer,
        beside=beside.of(conversation, there, viewer=current_user),
        link_to_counter=handing.words_for,
        code_of_counter=counters.code_of,
        summary=summing.of(conversation, about["used"]),
        triage=there.load("judgement", lambda: shown.about(conversation), None),
        intent_names=shown.INTENT_NAMES,
        scales=shown.SCALES,
        scale_names=shown.SCALE_NAMES,
        **promises.beside(conversation, there),
        **about,
    )
    return make_response(page, status)


def _measures(conversation: Conversation, means: Means) -> dict[str, Measure]:
    """Return how long a reply may be by what is chosen for who reads it; empty where that makes no difference."""
    adapter = adapter_of(conversation.channel)
    is_one = adapter.measure == adapter.private_measure
    if is_one or not (means.public and means.private and adapter.measure.limit and adapter.private_measure.limit):
        return {}
    return {"yes": adapter.measure, "no": adapter.private_measure}


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


def _correction_of(conversation: Conversation) -> str:
    """Return how a correction begins that is a message of its own, where the address asks for one."""
    number = texts.number(request.args.get("correct", ""))
    sent = [message for message in conversation.messages if message.direction == "out" and message.state == "sent"]
    return next((correcting.opening(message) for message in sent if message.id == number), "")


def _about(
    conversation: Conversation, there: There, revealed: frozenset[tuple[int, int]] = frozenset()
) -> dict[str, Any]:
    means, is_on = capabilities_of(conversation), conversation.channel.disabled_at is None
    every = [message.id for message in conversation.messages]
    ours = [message.id for message in conversation.messages if message.direction == "out"]
    uses: Mapping[int, Sequence[ArticleUse]] = there.load("uses", lambda: queries.used_articles(ours), {})
    linked = there.load("articles", lambda: linking.linked(conversation), ())
    rung = there.load("calls", lambda: calls.of(conversation), ())
    written: list[Note | CallNote] = [*there.load("notes", lambda: notes.of(conversation), [])]
    written += [call for call in rung if call.message_id is None]
    return {
        "pieces": masks.of(conversation.messages, revealed),
        "hidings": there.load("hidings", lambda: hiding.of(every), {}),
        "corrections": there.load("corrections", lambda: correcting.of(every), {}),
        "can_hide": means.hides,
        "can_correct": adapter_of(conversation.channel).capabilities.corrects and is_on,
        "can_answer": not means.why_not,
        "linked": linked,
        "is_linked": bool(linked),
        "may_draft": kb_policy.may_draft(current_user),
        "used": uses,
        "outcomes": judging.OUTCOMES,
        "notes": notes.between(sorted(written, key=lambda one: one.at), conversation.messages),
        "call_notes": rung,
        "said_aloud": {call.message_id: call for call in rung if call.message_id is not None},
        "files": there.load("files", lambda: message_files.of(conversation), {}),
        "earlier_words": message_files.earlier_words(conversation.messages),
        "questions": queries.questions_whether_it_helped(conversation.messages),
        "asked_in_forum": there.load("questions", lambda: questions.linked(conversation, viewer=current_user), {}),
    }


def _with_inserted(conversation: Conversation, form: ReplyForm, what: str) -> Response:
    """Show the page again with the suggestion behind what was typed: the way without a script."""
    kind, _, typed_id = what.partition(":")
    counter_id = texts.number(typed_id) if kind == "counter" else None
    text = handing.link_to(counter_id, conversation) if counter_id is not None else _words_of(what, conversation)
    status = HTTPStatus.OK
    if text is None:
        form.refuse(Invalid(gettext("This can no longer be inserted: it is not here any more, or not for everyone.")))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        typed = form.text.data or ""
        form.text.data = typed + ("" if not typed or typed[-1].isspace() else " ") + text
        form.text.errors = []
    return _conversation_page(conversation, form, question=form.help.data or "", status=status)


def _with_link(conversation: Conversation, form: ReplyForm) -> Response:
    """Show the page again with an article linked to the conversation, or no longer; nothing is sent."""
    conversation_id, is_about = conversation.id, "about" in request.form
    number = texts.number(request.form["about" if is_about else "not_about"])
    if number is not None:
        try:
            (linking.link if is_about else linking.unlink)(conversation, number, by=me())
        except (Invalid, NotFound) as error:
            db.session.rollback()
            form.refuse(error)
        else:
            db.session.commit()
            form.text.errors = []
    return _conversation_page(
        queries.visible_conversation(conversation_id, viewer=current_user), form, question=form.help.data or ""
    )


def _with_other_address(conversation: Conversation, form: ReplyForm) -> Response:
    """Show the page again with short texts that say du or Sie; what was typed stays."""
    wordings.address(conversation, is_informal=request.form["address"] == "informal", by=me())
    db.session.commit()
    conversation = queries.visible_conversation(conversation.id, viewer=current_user)
    form.text.errors = []
    return _conversation_page(conversation, form, question=form.help.data or "")


def _with_parts(conversation: Conversation, form: ReplyForm) -> Response:
    """Show the messages as the customer would see them; nothing is sent."""
    try:
        parts = composing.preview(conversation, form)
    except Invalid as error:
        form.text.errors = []
        form.refuse(error)
        return _conversation_page(conversation, form, status=error.status)
    return _conversation_page(conversation, form, parts=parts)


def _with_draft(conversation: Conversation, form: ReplyForm, what: str) -> Answer:
    """Keep what is typed as the team's draft, or take that up: the buttons of the composer, the way without a script.

    `save`, `hand`, and with a version behind a colon `mine` (in place of that version) and `theirs` (take it up).
    """
    deed, _, number = what.partition(":")
    conversation_id, uses = conversation.id, _uses()
    form.text.errors = []
    try:
        if deed == "theirs":
            draft: SharedDraft | None = shared_drafts.take_up(conversation, form.text.data or "", by=me())
        else:
            if deed == "mine":
                form.draft_version.data = number
            draft = shared_drafts.save(conversation, composing.written(form, uses), by=me())
        if deed == "hand" and draft is not None:
            shared_drafts.hand(draft, to=_colleague(form), by=me())
    except WrittenMeanwhile as error:
        return _refused(conversation_id, form, error)
    except REFUSALS as error:
        if isinstance(error, shared_drafts.DraftGone):
            form.draft_version.data = ""
        return _refused(conversation_id, form, error)
    if draft is not None and deed == "theirs":
        composing.fill_with(form, draft)
        uses = composing.drafted_uses(draft)
    form.draft_version.data = "" if draft is None else str(draft.version)
    db.session.commit()
    if draft is not None:
        flash(_draft_key(conversation_id), "draft_done")
    if deed == "hand" and draft is not None:
        flash(gettext("The draft is handed on. Your colleague hears of it."), "good")
        return web.go(url_for(".show_conversation", conversation_id=conversation_id, _anchor="composer"))
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return _conversation_page(conversation, form, question=form.help.data or "", drafted=Drafted(uses=uses))


def _colleague(form: ReplyForm) -> User:
    user_id = texts.number(form.draft_to.data or "")
    found = None if user_id is None else people.by_id(user_id)
    if found is None:
        sentence = gettext("Please choose a colleague who works at the desk.")
        raise Invalid(sentence, fields={"draft_to": sentence})
    return found


def _words_of(what: str, conversation: Conversation) -> str | None:
    used = reuse.read(what)
    return None if used is None else previewing.text_of(used, conversation, by=me())


def _with_mended(conversation: Conversation, form: ReplyForm, what: str) -> Response:
    """Show the page again with one way out of an objection taken in the text."""
    seal, _, number = what.partition(":")
    way = texts.number(number)
    text = form.text.data or ""
    is_public = composing.is_public(form)
    found = {one.seal: one for one in replies.objections_to(conversation, text, by=me(), is_public=is_public)}
    if seal in found and way is not None and way < len(found[seal].ways_out):
        form.text.data = text = mended(text, found[seal], way)
    left = replies.objections_to(conversation, text, by=me(), is_public=is_public)
    return _conversation_page(conversation, form, objections=left)


def _confirmed() -> frozenset[str]:
    """Return the objections that the writer has read, by their seals."""
    return frozenset(given_seals())


def _uses() -> list[reuse.Used]:
    """Return what was put into the text being written; what makes no sense is left out."""
    return reuse.read_all([*request.form.getlist("uses")[:MOST_USES], *request.form.getlist("insert")[:1]])


def _articles() -> list[replies.Use]:
    return [(one.id, None) for one in _uses() if one.kind == "article"]


def _given(prefix: str) -> dict[str, str]:
    """Return what was said of the articles on the page, by names like `article:9`."""
    found = [name for name in request.form if name.startswith(prefix)][:MOST_USES]
    return {name.removeprefix(prefix): request.form[name] for name in found}


def _queue() -> Listing:
    return listing("waiting", viewer=current_user, size=QUEUE)


def _question(typed: str) -> str:
    try:
        return texts.line(typed, longest=LONGEST_QUESTION)
    except KlinkeError:
        return ""  # an address that somebody mended by hand; the page shows what it shows without it


def _draft_key(conversation_id: int) -> str:
    return f"reply:{conversation_id}-{current_user.id}"
