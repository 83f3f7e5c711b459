"""Whether the loud crowd out the quiet; every number opens its list."""

from flask import render_template, request
from flask_login import current_user

from accounts.access import role_required
from desk.triage import fairness
from desk.views.edge import bp

WHAT = ("answered", "unanswered", "overtaken")


@bp.get("/desk/fairness")
@role_required("agent")
def fairness_page() -> str:
    found = fairness.fairness(current_user)
    by = "channel" if request.args.get("by") == "channel" else "reach"
    what = request.args.get("what", "")
    key = request.args.get("key", "")
    listed = fairness.listed(found, by=by, key=key, what=what) if what in WHAT else None
    labels = {group.key: group.label for group in (found.by_reach if by == "reach" else found.by_channel)}
    return render_template(
        "desk/fairness.html",
        found=found,
        listed=None if listed is None else listed[: fairness.MOST_SHOWN],
        many=len(listed or ()),
        by=by,
        what=what,
        label=labels.get(key, ""),
        louder=fairness.LOUDER,
        days=fairness.LOOKED_BACK.days,
    )
