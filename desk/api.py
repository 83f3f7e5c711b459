"""The desk's calls of the JSON API.

A conversation in a list: id, source_id, channel (slug), contact (id, handle, name, reach), state, locale, assignee
(handle or null), created, last_message, waiting_since (or null) and words, what the customer wrote last.
A conversation by itself has messages instead of words. A message: id, source_id, direction ("in"/"out"), public, text,
url (or null), created, state, failure (or null), by (handle of the agent, or null) and uses (ids of articles).
Times are ISO 8601 in UTC.
"""

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal

from flask import Response, make_response, request
from flask_babel import gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from pydantic import AwareDatetime, Field
from werkzeug.exceptions import RequestEntityTooLarge

from accounts import people
from accounts.models import User
from core import db as database
from core import web
from core.api import Api, Id, Model, block, line
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.transfer import iso
from desk import (
    conversations,
    deliveries,
    intake,
    lint,
    linting,
    listing,
    notes,
    persons,
    policy,
    promises,
    queries,
    replies,
    scheduling,
    suggestions,
    wordings,
)
from desk.arrivals import Taken
from desk.channels.base import LONGEST_TEXT, Arrival
from desk.deliveries import Arriving
from desk.inside import Note
from desk.intake import Trouble
from desk.listing import BuiltIn
from desk.models import Contact, Conversation, Message
from desk.promise_models import LONGEST_REASON, LONGEST_WHAT, Promise
from desk.replies import Manner
from desk.splitting import Way
from desk.triage import judging, learning
from desk.triage.judging import service_of
from desk.wordings import Wording
from forum import personal_data

LARGEST_PAGE = 100
MOST_SUGGESTIONS = 20
MOST_USES = 20
DELIVERIES = "1200 per minute"
"""To one channel from one address; what a stranger sends does not count for the service."""

api = Api("desk")


class ConversationsQuery(Model):
    """Which conversations, and from where on; `cursor` is the `next` of the page before."""

    view: BuiltIn = "waiting"
    limit: int = Field(20, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, max_length=500)


class NewReply(Model):
    """`public` is as the customer wrote unless it is said; `seen` is the id of the last message that was read."""

    text: str
    public: bool | None = None
    uses: list[Id] = Field(default=[], max_length=MOST_USES)
    seen: Id | None = None
    split: Way = Field("", description="In numbered messages, or short with the address, when it does not fit.")
    send_at: AwareDatetime | None = Field(None, description="Not before; a new message of the customer stops it.")


class NewNote(Model):
    text: str = Field(max_length=notes.LONGEST)


class Assigned(Model):
    """The handle of an agent, or null for nobody."""

    assignee: str | None = Field(max_length=100)


class Turned(Model):
    state: Literal["open", "waiting_customer", "waiting_inside", "solved", "no_answer"]


class NewPromise(Model):
    """`owner` is the handle of who is to keep it, the token's person unless it is said."""

    what: str = Field(max_length=LONGEST_WHAT)
    due: AwareDatetime
    owner: str | None = Field(None, max_length=100)
    message: Id | None = Field(None, description="The reply that says it.")


class SettledPromise(Model):
    """`kept`, or `withdrawn` with a reason."""

    state: Literal["kept", "withdrawn"]
    reason: str = Field("", max_length=LONGEST_REASON)


class ContactQuery(Model):
    channel: str = Field(max_length=80, description="The slug of a channel.")
    handle: str = Field(max_length=200)


class Asked(Model):
    text: block(LONGEST_TEXT)  # type: ignore[valid-type]  # a type made for the limit
    locale: str | None = Field(None, pattern="^(de|en)$")
    channel: line(80) = "webhook"  # type: ignore[valid-type]  # the same
    limit: int = Field(5, ge=1, le=MOST_SUGGESTIONS)
    informal: bool | None = Field(None, description="German with du; without it, as the channel says.")


class Judged(Model):
    """`channel` is one that is open here, or a service; the text is read as it is, so that places in it are true."""

    text: str = Field(max_length=LONGEST_TEXT)
    locale: str | None = Field(None, pattern="^(de|en)$")
    channel: str = Field("", max_length=80)


class Linted(Model):
    """A draft; `channel` is the slug or kind of a channel, `public` whether everybody would read it."""

    text: block(LONGEST_TEXT)  # type: ignore[valid-type]  # a type made for the limit
    channel: line(80) = "webhook"  # type: ignore[valid-type]  # the same
    public: bool = True
    locale: str | None = Field(None, pattern="^(de|en)$")


@api.call("GET", "/conversations", summary="A view of the inbox", query=ConversationsQuery, scope="desk", team=True)
def list_conversations(query: ConversationsQuery) -> dict[str, Any]:
    """Return `{"conversations": […], "next": cursor or null}`."""
    _require_agent()
    page = listing.listing(query.view, viewer=current_user, cursor=query.cursor, size=query.limit)
    found = [_in_short(each.conversation) | {"words": each.words} for each in page.lines]
    return {"conversations": found, "next": page.next}


@api.call("GET", "/conversations/<int:conversation_id>", summary="A conversation", scope="desk", team=True)
def show_conversation(conversation_id: int) -> dict[str, Any]:
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return _in_short(conversation) | {"messages": _messages(conversation.messages)}


@api.call(
    "POST",
    "/conversations/<int:conversation_id>/replies",
    summary="Answer a customer",
    body=NewReply,
    scope="desk",
    team=True,
    status=201,
)
def post_reply(conversation_id: int, body: NewReply) -> dict[str, Any]:
    """Return the message, queued, or its first part; 409 when the conversation went on after `seen`.

    409 as well where a rule asks for a second person: such a reply is written at the desk.
    """
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    message = replies.reply(
        conversation,
        text=body.text,
        by=current_user,
        uses=[(article_id, None) for article_id in body.uses],
        is_public=body.public,
        seen=body.seen,
        manner=Manner(split=body.split, at=None if body.send_at is None else scheduling.checked(body.send_at)),
    )
    return _messages([message])[0]


@api.call(
    "POST",
    "/conversations/<int:conversation_id>/notes",
    summary="Write a note for the team",
    body=NewNote,
    scope="desk",
    team=True,
    status=201,
)
def post_note(conversation_id: int, body: NewNote) -> dict[str, Any]:
    """Return the note: id, text, by, created. Who is named with @ is told."""
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return _note(notes.write(conversation, text=body.text, by=current_user))


@api.call("GET", "/conversations/<int:conversation_id>/notes", summary="What the team noted", scope="desk", team=True)
def list_notes(conversation_id: int) -> dict[str, Any]:
    """Return `{"notes": […]}`, the first one first; those that were taken back are left out."""
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return {"notes": [_note(note) for note in notes.of(conversation) if note.withdrawn_at is None]}


@api.call(
    "POST",
    "/conversations/<int:conversation_id>/assignment",
    summary="Give a conversation to an agent, or to nobody",
    body=Assigned,
    scope="desk",
    team=True,
)
def post_assignment(conversation_id: int, body: Assigned) -> dict[str, Any]:
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    conversations.assign(conversation, _agent(body.assignee, "assignee"), by=current_user)
    return _in_short(conversation)


@api.call(
    "POST",
    "/conversations/<int:conversation_id>/state",
    summary="Say where a conversation stands",
    body=Turned,
    scope="desk",
    team=True,
)
def post_state(conversation_id: int, body: Turned) -> dict[str, Any]:
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    conversations.change_state(conversation, body.state, by=current_user)
    return _in_short(conversation)


@api.call("GET", "/conversations/<int:conversation_id>/promises", summary="What was promised", scope="desk", team=True)
def list_promises(conversation_id: int) -> dict[str, Any]:
    """Return `{"promises": […]}`: id, what, due, state, owner, by, created, settled (or null), reason."""
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    return {"promises": [_promise(promise) for promise in promises.every_one_of(conversation)]}


@api.call(
    "POST",
    "/conversations/<int:conversation_id>/promises",
    summary="Note what was promised to a customer",
    body=NewPromise,
    scope="desk",
    team=True,
    status=201,
)
def post_promise(conversation_id: int, body: NewPromise) -> dict[str, Any]:
    _require_agent()
    conversation = queries.visible_conversation(conversation_id, viewer=current_user)
    said = next((one for one in conversation.messages if one.id == body.message and one.direction == "out"), None)
    if body.message is not None and said is None:
        sentence = gettext("There is no such reply in this conversation.")
        raise Invalid(sentence, fields={"message": sentence})
    made = promises.make(
        conversation,
        what=body.what,
        due_at=body.due,
        owner=_agent(body.owner, "owner") or current_user,
        by=current_user,
        message=said,
    )
    return _promise(made)


@api.call(
    "POST",
    "/promises/<int:promise_id>/settlement",
    summary="Say that a promise was kept, or is withdrawn",
    body=SettledPromise,
    scope="desk",
    team=True,
)
def settle_promise(promise_id: int, body: SettledPromise) -> dict[str, Any]:
    _require_agent()
    promise = promises.visible_promise(promise_id, viewer=current_user)
    if body.state == "kept":
        promises.keep(promise, by=current_user)
    else:
        promises.withdraw(promise, reason=body.reason, by=current_user)
    return _promise(promise)


@api.call("GET", "/contacts", summary="Somebody on a channel", query=ContactQuery, scope="desk", team=True)
def find_contact(query: ContactQuery) -> dict[str, Any]:
    """Return `{"contacts": […]}`: the one with this handle, or nobody."""
    _require_agent()
    channel = queries.channel_by(query.channel)
    found = None if channel is None else queries.contact_at(channel, query.handle)
    return {"contacts": [] if found is None else [_contact(found)]}


@api.call("GET", "/contacts/<int:contact_id>", summary="A contact", scope="desk", team=True)
def show_contact(contact_id: int) -> dict[str, Any]:
    """Return id, channel, handle, name, reach, `same` (the person's other contacts) and `conversations` (ids)."""
    _require_agent()
    contact = persons.visible_contact(contact_id, viewer=current_user)
    every = persons.contacts_of(contact)
    return _contact(contact) | {
        "same": [_contact(one) for one in every[1:]],
        "conversations": queries.conversation_ids_of([one.id for one in every]),
    }


@api.call(
    "POST", "/suggestions", summary="What may help with a message", body=Asked, scope="desk", team=True, reads=True
)
def suggest(body: Asked) -> dict[str, Any]:
    """Return `{"suggestions": […]}`: kind, id, source_id, title, url, text, fits, length, limit, score, why, locale.

    And warning: what somebody who used the article says against it and nobody has settled, or null.
    What a `text` leaves open, as {customer}, is to be filled in before it is sent.
    """
    channel = queries.channel_by(body.channel) or body.channel
    wording = wordings.plain(channel)
    found = suggestions.suggest_for(
        body.text,
        locale=body.locale,
        channel=channel,
        viewer=current_user,
        limit=body.limit,
        wording=Wording(
            is_informal=wording.is_informal if body.informal is None else body.informal,
            values={"agent": current_user.name},
        ),
    )
    return {"suggestions": [_suggestion(each) for each in suggestions.warned(found)]}


@api.call("POST", "/triage", summary="What a message is", body=Judged, scope="desk", team=True, reads=True)
def triage(body: Judged) -> dict[str, Any]:
    """Return locale, intent, sentiment -2..2, heat and urgency 0..3, pii (type, value, start, end), sure and why."""
    judged = judging.judge(body.text, channel=service_of(body.channel), locale=body.locale, by=learning.current())
    return {
        "locale": judged.locale,
        "intent": judged.intent,
        "sentiment": judged.sentiment,
        "heat": judged.heat,
        "urgency": judged.urgency,
        "pii": [
            {"type": one.type, "value": one.value, "start": one.start, "end": one.end}
            for one in personal_data.spans(body.text, judged.locale)
        ],
        "sure": judged.sure,
        "why": [reason.words for reason in judged.reasons],
    }


@api.call("POST", "/lint", summary="What speaks against a draft", body=Linted, scope="desk", team=True, reads=True)
def lint_draft(body: Linted) -> dict[str, Any]:
    """Return `{"issues": […]}`: type, value, start, end, due (words, or null) and due_at (ISO 8601, or null)."""
    found = linting.look(body.text, public=body.public, locale=body.locale)
    return {"issues": [_issue(one) for one in found]}


@api.call(
    "POST", "/channels/<int:channel_id>/webhook", summary="Deliver a signed message (docs/webhook.md)", own_guard=True
)
def deliver(channel_id: int) -> Response:
    """Return 202 with our id; a repeat gets 200 and the same id."""
    return receive(str(channel_id))


@web.limiter.limit(DELIVERIES, key_func=lambda: f"{request.path} {get_remote_address()}")
def receive(name: str) -> Response:
    """Take in what a service delivers to the channel with this slug or id; the caller commits."""
    began = time.monotonic()
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.args.to_dict()
    try:
        raw = request.get_data(cache=True)
    except RequestEntityTooLarge:
        most = gettext("A delivery has at most %(most)s kB.", most=web.LARGEST_BODY // 1024)
        trouble: Trouble | None = Trouble(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most)
        raw = b""
    else:
        trouble = None
    # Whoever cannot prove who they are does not get to hold the database's one place for writers.
    with database.reading():
        channel = queries.channel_by(name)
        trouble = trouble or intake.trouble_with(channel, headers, raw, query)
        size = len(raw) or request.content_length or 0
        arriving = deliveries.arriving(channel, headers, raw, size=size, began=began)
        db.session.rollback()
    if trouble is not None:
        return _refused(arriving, trouble)
    channel = queries.channel_by(name)
    if channel is None:
        raise NotFound
    try:
        told = intake.take_in(channel, raw, query)
    except intake.NotTaken as failure:
        db.session.rollback()
        return _refused(arriving, failure.trouble)
    return _taken(arriving, told)


def _refused(arriving: Arriving | None, trouble: Trouble) -> Response:
    """Answer who delivers what is wrong, and write it down where there is a log."""
    if arriving is not None and trouble.is_proven:
        deliveries.note_failed(arriving, status=trouble.status, reason=trouble.reason)
        db.session.commit()
    elif arriving is not None:
        deliveries.note_refused(arriving, status=trouble.status, reason=trouble.reason)
    return web.problem(trouble.status, trouble.title, trouble.detail, trouble.fields)


def _taken(arriving: Arriving | None, told: Sequence[tuple[Arrival, Taken | None]]) -> Response:
    """Answer who delivers what became of it, and write it down where there is a log; the caller commits."""
    taken = [each for _arrival, each in told if each is not None]
    is_new = any(each.is_new for each in taken)
    why = ""
    if is_new and arriving is not None and deliveries.took_before(arriving):
        # Its message is not known any more, as after its writer was forgotten: who caught it cannot bring it back.
        db.session.rollback()
        taken, is_new, why = [], False, gettext("The same bytes were taken in before.")
    status = HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK
    message_id = taken[0].message_id if taken else None
    if arriving is not None:
        name = next((arrival.id for arrival, _each in told), "")
        deliveries.note_taken(arriving, message_id=message_id, name=name, is_new=is_new, status=status, why=why)
    body = {
        "id": message_id,
        "conversation": taken[0].conversation_id if taken else None,
        "ids": [each.message_id for each in taken],
    }
    return make_response(body, status)


def _require_agent() -> None:
    if not policy.may_work(current_user):
        raise NotAllowed(gettext("Only agents work at the desk."))


def _in_short(conversation: Conversation) -> dict[str, Any]:
    contact = conversation.contact
    return {
        "id": conversation.id,
        "source_id": conversation.source_id,
        "channel": conversation.channel.slug,
        "contact": {"id": contact.id, "handle": contact.handle, "name": contact.name, "reach": contact.reach},
        "state": conversation.state,
        "locale": conversation.locale,
        "assignee": None if conversation.assignee is None else conversation.assignee.handle,
        "created": iso(conversation.created_at),
        "last_message": iso(conversation.last_message_at),
        "waiting_since": None if conversation.waiting_since is None else iso(conversation.waiting_since),
    }


def _messages(messages: list[Message]) -> list[dict[str, Any]]:
    used = queries.used_articles([message.id for message in messages if message.direction == "out"])
    return [
        {
            "id": message.id,
            "source_id": message.source_id,
            "direction": message.direction,
            "public": message.is_public,
            "text": message.text,
            "quoted": message.quoted if message.direction == "in" else None,
            "url": message.url,
            "created": iso(message.created_at),
            "state": message.state,
            "failure": message.failure,
            "by": None if message.by is None else message.by.handle,
            "uses": [use.article_id for use in used.get(message.id, ())],
        }
        for message in messages
    ]


def _agent(handle: str | None, field: str) -> User | None:
    if handle is None:
        return None
    found = people.by_handle(handle.removeprefix("@"))
    if found is None:
        sentence = gettext("Nobody here has the handle %(handle)s.", handle=handle)
        raise Invalid(sentence, fields={field: sentence})
    return found


def _note(note: Note) -> dict[str, Any]:
    return {
        "id": note.id,
        "text": note.text,
        "by": None if note.by is None else note.by.handle,
        "created": iso(note.at),
    }


def _promise(promise: Promise) -> dict[str, Any]:
    return {
        "id": promise.id,
        "conversation": promise.conversation_id,
        "message": promise.message_id,
        "what": promise.what,
        "due": iso(promise.due_at),
        "state": promise.state,
        "owner": None if promise.owner is None else promise.owner.handle,
        "created": iso(promise.at),
        "settled": None if promise.settled_at is None else iso(promise.settled_at),
        "reason": promise.reason,
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "channel": contact.channel.slug,
        "handle": contact.handle,
        "name": contact.name,
        "reach": contact.reach,
    }


def _issue(found: lint.Issue) -> dict[str, Any]:
    due_at = linting.until(found.due)
    return {
        "type": found.type,
        "value": found.value,
        "start": found.start,
        "end": found.end,
        "due": found.due,
        "due_at": None if due_at is None else iso(due_at),
    }


def _suggestion(found: suggestions.Suggestion) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "id": found.id,
        "source_id": found.source_id,
        "title": found.title,
        "url": found.url,
        "text": found.text,
        "fits": found.fits,
        "length": found.length,
        "limit": found.limit,
        "score": round(found.score, 4),
        "why": list(found.why),
        "locale": found.locale,
        "warning": found.warning or None,
    }
