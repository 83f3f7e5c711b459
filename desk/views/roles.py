"""Who may do what at the desk, for leads and admins."""

from flask import render_template

from accounts.access import role_required
from accounts.forms import ROLE_NAMES
from desk import rights
from desk.views.edge import bp


@bp.get("/admin/desk-roles")
@role_required("lead")
def roles_page() -> str:
    return render_template("desk/roles.html", roles=rights.ROLES, names=ROLE_NAMES, lines=list(rights.table()))
