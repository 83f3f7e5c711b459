"""The administration: its doors, the people, the log."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user

from accounts import admin, people, queries, subjects
from accounts.access import role_required, team_required
from accounts.forms import ROLE_NAMES, PersonForm
from accounts.models import ROLES, AuditEntry, User
from accounts.views import Answer, bp, page, refused
from core import paging, web
from core.db import db
from core.errors import KlinkeError, NotAllowed, NotFound

LONGEST_SEARCH = 200
PAGE = 50


@bp.get("/admin")
@team_required
def admin_home() -> str:
    doors = admin.doors(current_user)
    if not doors:
        raise NotAllowed(gettext("There is nothing to administer for you."))
    return render_template("accounts/admin/home.html", doors=doors)


@bp.get("/admin/people")
@role_required("admin")
def people_list() -> str:
    words, role = _asked("q"), _asked("role")
    found = paging.page(
        queries.people_matching(words, role if role in ROLES else ""),
        by=(User.id,),
        cursor=request.args.get("page"),
        size=PAGE,
    )
    return render_template("accounts/admin/people.html", people=found, words=words, role=role, role_names=ROLE_NAMES)


@bp.route("/admin/people/<int:user_id>", methods=["GET", "POST"])
@role_required("admin")
def edit_person(user_id: int) -> Answer:
    person = people.by_id(user_id)
    if person is None:
        raise NotFound
    form = PersonForm(data={"roles": list(person.role_names), "is_closed": person.disabled_at is not None})
    if form.validate_on_submit():
        try:
            if form.is_closed.data:
                people.disable(person, by=current_user, reason=form.reason.data)
            else:
                people.enable(person, by=current_user, reason=form.reason.data)
            # The roles come last: an admin may take away their own.
            people.set_roles(person, form.roles.data, by=current_user, reason=form.reason.data)
        except KlinkeError as error:
            return refused(form, error, "accounts/admin/person.html", person=person)
        db.session.commit()
        flash(gettext("Saved, and written into the log."), "good")
        return web.go(url_for(".people_list", q=person.handle))
    return page(form, "accounts/admin/person.html", person=person)


@bp.get("/admin/log")
@role_required("admin")
def audit_log() -> str:
    words, by = _asked("q"), _asked("by")
    entries = paging.page(
        queries.audit_entries(words, by), by=(AuditEntry.id,), cursor=request.args.get("page"), size=PAGE
    )
    return render_template("accounts/admin/log.html", entries=entries, names=subjects.of(entries), words=words, by=by)


def _asked(name: str) -> str:
    return request.args.get(name, "")[:LONGEST_SEARCH].replace("\0", "").strip()
