"""Forgetting a person, handing out what is known of one, and how long words are kept; for admins."""

from http import HTTPStatus

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user

from accounts.access import me, role_required
from core import web
from core.clock import now
from core.db import db
from core.edge import REFUSALS
from desk import disclosure, erasing, persons, retention
from desk.models import Contact
from desk.privacy_forms import ErasureForm, RetentionForm
from desk.views.edge import Answer, bp


@bp.get("/desk/contacts/<int:contact_id>/erasure")
@role_required("admin")
def preview_erasure(contact_id: int) -> Response:
    """Show what would go, and ask for the handle."""
    return _erasure_page(persons.visible_contact(contact_id, viewer=current_user), ErasureForm(formdata=None))


@bp.post("/desk/contacts/<int:contact_id>/erasure")
@role_required("admin")
def erase_contact(contact_id: int) -> Answer:
    contact = persons.visible_contact(contact_id, viewer=current_user)
    form = ErasureForm()
    if not form.validate():
        return _erasure_page(contact, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        erasing.erase(contact, by=me(), typed=form.handle.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _erasure_page(persons.visible_contact(contact_id, viewer=current_user), form, status=error.status)
    db.session.commit()
    flash(gettext("This person is forgotten. What is counted stays."), "good")
    return web.go(url_for(".show_person", contact_id=contact_id))


@bp.post("/desk/contacts/<int:contact_id>/data")
@role_required("admin")
def disclose_contact(contact_id: int) -> Answer:
    """Hand out everything that is known of a person, as a file; who took it is in the log."""
    contact = persons.visible_contact(contact_id, viewer=current_user)
    body = "".join(disclosure.of(contact, by=me()))
    db.session.commit()
    answer = make_response(body)
    answer.headers["Content-Type"] = "application/json"
    answer.headers["Content-Disposition"] = f'attachment; filename="person-{contact_id}-{now():%Y-%m-%d}.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/admin/retention")
@role_required("admin")
def retention_page() -> Response:
    known = retention.rule()
    chosen = {} if known is None else {"public_days": known.public_days, "private_days": known.private_days}
    return _retention_page(RetentionForm(formdata=None, data=chosen))


@bp.post("/admin/retention")
@role_required("admin")
def choose_retention() -> Answer:
    """Say first how much would go; only who confirms that changes anything."""
    form = RetentionForm()
    if not form.validate():
        return _retention_page(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    public_days, private_days = form.public_days.data, form.private_days.data
    try:
        if request.form.get("sure") != "yes":
            retention.check(public_days=public_days, private_days=private_days)
            return _retention_page(form, old=retention.old(public_days=public_days, private_days=private_days))
        retention.choose(public_days=public_days, private_days=private_days, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _retention_page(form, status=error.status)
    db.session.commit()
    flash(gettext("Saved. The worker takes out what is older, within the hour."), "good")
    return web.go(url_for(".retention_page"))


def _retention_page(form: RetentionForm, *, old: retention.Old | None = None, status: int = HTTPStatus.OK) -> Response:
    page = render_template("desk/retention.html", form=form, rule=retention.rule(), runs=retention.runs(), old=old)
    return make_response(page, status)


def _erasure_page(contact: Contact, form: ErasureForm, *, status: int = HTTPStatus.OK) -> Response:
    found = erasing.preview(contact, viewer=me())
    page = render_template(
        "desk/erasure.html",
        contact=contact,
        found=found,
        form=form,
        lines=[_in_words(name, many) for name, many in found.counts.items()],
    )
    return make_response(page, status)


def _in_words(name: str, many: int) -> str:
    """Say how many things of a kind there are; what has no word of its own is counted among the rest."""
    words = {
        "contact": lambda: ngettext("%(num)s contact", "%(num)s contacts", many),
        "conversation": lambda: ngettext("%(num)s conversation", "%(num)s conversations", many),
        "message": lambda: ngettext("%(num)s message", "%(num)s messages", many),
        "desk_note": lambda: ngettext("%(num)s note of the team", "%(num)s notes of the team", many),
        "hand_over": lambda: ngettext("%(num)s hand-over card", "%(num)s hand-over cards", many),
        "side_talk": lambda: ngettext("%(num)s question to a colleague", "%(num)s questions to colleagues", many),
        "goodwill": lambda: ngettext("%(num)s reason for goodwill", "%(num)s reasons for goodwill", many),
        "promise": lambda: ngettext("%(num)s promise", "%(num)s promises", many),
        "call_back": lambda: ngettext("%(num)s call-back", "%(num)s call-backs", many),
        "call_note": lambda: ngettext("%(num)s call or visit", "%(num)s calls or visits", many),
        "counter": lambda: ngettext("%(num)s secure counter", "%(num)s secure counters", many),
        "counter_file": lambda: ngettext("%(num)s document", "%(num)s documents", many),
        "held_reply": lambda: ngettext("%(num)s held reply", "%(num)s held replies", many),
        "thread_post": lambda: ngettext("%(num)s post of the thread", "%(num)s posts of the thread", many),
        "contact_mark": lambda: ngettext("%(num)s mark", "%(num)s marks", many),
        "contact_step": lambda: ngettext("%(num)s step of the ladder", "%(num)s steps of the ladder", many),
        "card_answer": lambda: ngettext("%(num)s customer card", "%(num)s customer cards", many),
        "card_look": lambda: ngettext("%(num)s look at the card", "%(num)s looks at the card", many),
        "contact_join": lambda: ngettext(
            "%(num)s join with another contact", "%(num)s joins with other contacts", many
        ),
        "contact_member": lambda: ngettext("%(num)s link to a member", "%(num)s links to members", many),
    }
    return str(words[name]())
