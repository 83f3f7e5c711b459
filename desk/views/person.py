"""The person: everything that was said with them, who they are elsewhere, marks, and what other systems know."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import texts, web
from core.db import db
from core.edge import REFUSALS
from core.errors import Conflict, Invalid
from core.settings import current_settings
from desk import cards, codes, contact_ladder, notes_on_people, persons, quiet, timeline
from desk.models import Contact
from desk.order_forms import BlockForm, EndStepForm, StepForm
from desk.person_forms import CodeForm, LookForm, MarkForm
from desk.person_models import ContactMember, Proof
from desk.views.edge import Answer, bp
from forum import addresses, points
from forum import queries as forum_queries
from forum.models import Topic

MOST_TOPICS = 5
STEP, END, BLOCK = "step-", "end-", "block-"
"""How the fields of the ladder are told from others on the page."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member is in the forum."""

    member: User
    points: int
    solved: int
    open_topics: Sequence[Topic]


@bp.get("/desk/contacts/<int:contact_id>")
@role_required("agent")
def show_person(contact_id: int) -> Response:
    return page_of(persons.visible_contact(contact_id, viewer=current_user))


@bp.post("/desk/contacts/<int:contact_id>/joins")
@role_required("agent")
def join_contacts(contact_id: int) -> Answer:
    """Join somebody to this contact: a suggestion, or whom the agent names by their contact's address."""
    contact = persons.visible_contact(contact_id, viewer=current_user)
    proof: Proof = "matched_by_mail" if request.form.get("proof") == "matched_by_mail" else "claimed"
    try:
        kind, _, typed = request.form.get("whom", "").partition(":")
        found_id = texts.number(typed)
        if kind == "member":
            member = None if found_id is None else people.by_id(found_id)
            if member is None:
                raise Invalid(gettext("There is no such member."))
            persons.join_member(contact, member, proof=proof, by=me())
        else:
            other = persons.visible_contact(found_id or 0, viewer=current_user)
            persons.join(contact, other, proof=proof, by=me())
    except REFUSALS as error:
        return _refused(contact_id, error.sentence, error.status)
    db.session.commit()
    flash(gettext("They are one person now. You can take it back at any time."), "good")
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/joins/<int:join_id>/undo")
@role_required("agent")
def part_contacts(contact_id: int, join_id: int) -> WerkzeugResponse:
    persons.part(join_id, by=me())
    db.session.commit()
    flash(gettext("They are two again, exactly as before."), "good")
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/members/<int:link_id>/undo")
@role_required("agent")
def part_member(contact_id: int, link_id: int) -> WerkzeugResponse:
    persons.part_member(link_id, by=me())
    db.session.commit()
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/code")
@role_required("agent")
def send_code(contact_id: int) -> Answer:
    """Send a code to a contact or a member that may be the same person."""
    contact = persons.visible_contact(contact_id, viewer=current_user)
    kind, _, typed = request.form.get("whom", "").partition(":")
    found_id = texts.number(typed) or 0
    try:
        if kind == "member":
            member = people.by_id(found_id)
            if member is None:
                raise Invalid(gettext("There is no such member."))
            codes.send_to_member(contact, member, by=me())
        else:
            codes.send_to_contact(contact, persons.visible_contact(found_id, viewer=current_user), by=me())
    except REFUSALS as error:
        return _refused(contact_id, error.sentence, error.status)
    db.session.commit()
    flash(gettext("The code is on its way. Ask the customer here to say it."), "good")
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/code/said")
@role_required("agent")
def say_code(contact_id: int) -> Answer:
    contact = persons.visible_contact(contact_id, viewer=current_user)
    form = CodeForm()
    try:
        is_right = form.validate() and codes.say(contact, form.code.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return page_of(persons.visible_contact(contact_id, viewer=current_user), code=form, status=error.status)
    db.session.commit()  # a wrong one counts as well
    if not is_right:
        if not form.errors:
            form.refuse(Invalid(fields={"code": gettext("This is not the code.")}))
        contact = persons.visible_contact(contact_id, viewer=current_user)
        return page_of(contact, code=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    flash(gettext("The code is right: they are one person."), "good")
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/marks")
@role_required("agent")
def mark_person(contact_id: int) -> Answer:
    contact = persons.visible_contact(contact_id, viewer=current_user)
    form = MarkForm()
    if not form.validate():
        return page_of(contact, mark=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        notes_on_people.mark(
            contact,
            is_positive=form.kind.data == "positive",
            note=form.note.data or "",
            by=me(),
            days=form.days.data,
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return page_of(persons.visible_contact(contact_id, viewer=current_user), mark=form, status=error.status)
    db.session.commit()
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/marks/<int:mark_id>/removal")
@role_required("agent")
def remove_mark(contact_id: int, mark_id: int) -> WerkzeugResponse:
    notes_on_people.remove_mark(mark_id, by=me())
    db.session.commit()
    return _back(contact_id)


@bp.post("/desk/contacts/<int:contact_id>/cards/<int:source_id>")
@role_required("agent")
def look_at_card(contact_id: int, source_id: int) -> Answer:
    """Ask another system about the customer; the look is noted before."""
    contact = persons.visible_contact(contact_id, viewer=current_user)
    source = cards.source(source_id)
    form = LookForm(prefix=f"card-{source_id}")
    if not form.validate():
        return page_of(contact, look_form=(source_id, form), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    look = cards.look_up(source, contact, reason=form.reason.data or "", by=me())
    look_id = look.id
    db.session.commit()
    return web.go(
        url_for(".show_person", contact_id=contact_id, look=look_id, conversation=_conversation_id(), _anchor="card")
    )


def page_of(
    contact: Contact,
    *,
    mark: MarkForm | None = None,
    code: CodeForm | None = None,
    look_form: tuple[int, LookForm] | None = None,
    step: StepForm | None = None,
    refused: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    contacts = persons.contacts_of(contact)
    ids = [each.id for each in contacts]
    joins = persons.joins_among(ids) if len(ids) > 1 else []
    members = persons.members_of(ids)
    member_ids = [link.user_id for link in members]
    kind = request.args.get("kind", "")
    line = timeline.of(ids, member_ids, viewer=current_user, kind=kind, cursor=request.args.get("page", "")[:300])
    look = texts.number(request.args.get("look", ""))
    sources = cards.sources()
    page = render_template(
        "desk/person.html",
        contact=contact,
        contacts=contacts,
        by_id={each.id: each for each in contacts},
        joins=joins,
        members=members,
        suggested=persons.suggested(contacts, member_ids),
        line=line,
        kind=kind if kind in timeline.KINDS else "",
        kinds=timeline.KINDS,
        marks=notes_on_people.marks_on(ids),
        mark_form=mark or MarkForm(formdata=None, days=current_settings().mark_days),
        code=codes.waiting_for(contact),
        code_form=code or CodeForm(formdata=None),
        standings=_standings(members),
        sources=sources,
        look_forms=_look_forms(sources, look_form),
        card=None if look is None else cards.card(look, viewer=me()),
        looks=cards.looks_at(ids) if sources else (),
        conversation_id=_conversation_id(),
        refused=refused,
        **_ladder(contact, ids, step),
    )
    return make_response(page, status)


def _ladder(contact: Contact, ids: Sequence[int], typed: StepForm | None) -> dict[str, Any]:
    """Return what the page shows of the ladder: what is in force, what was, and the way to the next step."""
    taken = contact_ladder.history(ids)
    in_force = [one for one in taken if one.state == "in_force" and not contact_ladder.is_over(one)]
    here = next((one for one in in_force if one.contact_id == contact.id), None)
    wanted = next((one for one in taken if one.state == "asked" and one.contact_id == contact.id), None)
    return {
        "steps_taken": taken,
        "steps_in_force": in_force,
        "step_here": here,
        "step_asked": wanted,
        "may_decide": wanted is not None and contact_ladder.may_decide(wanted, me()),
        "waiting_cases": contact_ladder.waiting(contact.id) if wanted is not None else (),
        "step_form": typed or StepForm(formdata=None, prefix=STEP),
        "end_form": EndStepForm(formdata=None, prefix=END),
        "block_form": BlockForm(formdata=None, prefix=BLOCK),
        "step_meanings": quiet.MEANINGS,
        "usual_days": contact_ladder.USUAL_DAYS,
        "why_no_hiding": contact_ladder.why_no_hiding(contact),
        "is_over": contact_ladder.is_over,
    }


def _look_forms(sources: Sequence[Any], typed: tuple[int, LookForm] | None) -> dict[int, LookForm]:
    forms = {source.id: LookForm(formdata=None, prefix=f"card-{source.id}") for source in sources}
    return forms | ({typed[0]: typed[1]} if typed else {})


def _standings(members: Sequence[ContactMember]) -> list[Standing]:
    """Return what these members are in the forum; a few statements for all of them."""
    found: dict[int, User] = {link.user_id: link.user for link in members}
    if not found:
        return []
    open_topics: dict[int, list[Topic]] = {user_id: [] for user_id in found}
    for topic in db.session.scalars(
        forum_queries.visible_topics(current_user)
        .where(Topic.asker_id.in_(found), forum_queries.is_open())
        .order_by(Topic.id.desc())
        .limit(MOST_TOPICS * len(found))
    ).unique():
        if topic.asker_id is not None and len(open_topics[topic.asker_id]) < MOST_TOPICS:
            open_topics[topic.asker_id].append(topic)
    columns = [
        column.label(f"{name}_{user.id}")
        for user in found.values()
        for name, column in (
            ("points", points.total(user, viewer=current_user)),
            ("solved", points.number(user, "solution", viewer=current_user)),
        )
    ]
    row = db.session.execute(select(*columns)).mappings().one()
    return [
        Standing(user, int(row[f"points_{user.id}"] or 0), int(row[f"solved_{user.id}"] or 0), open_topics[user.id])
        for user in found.values()
    ]


def _refused(contact_id: int, sentence: str, status: int) -> Response:
    db.session.rollback()
    contact = persons.visible_contact(contact_id, viewer=current_user)
    return page_of(contact, refused=sentence or str(Conflict.title), status=status)


def _conversation_id() -> int | None:
    """Return from which conversation the agent came, so that there is a way back."""
    return texts.number(request.values.get("conversation", ""))


def _back(contact_id: int) -> WerkzeugResponse:
    return web.go(url_for(".show_person", contact_id=contact_id, conversation=_conversation_id()))


bp.add_app_template_global(addresses.of_topic, "topic_address")
