"""The forum's mails to guests who reported something: each is a folder of templates, in the reader's language."""

import html
from typing import Any

from flask import current_app
from flask_babel import force_locale

from core import mail
from core.settings import current_settings
from core.web import absolute
from forum import addresses
from forum.models import Flag, Post, ReviewCase


def send_receipt(report: Flag, post: Post) -> None:
    """Confirm that a report has arrived (Digital Services Act, article 16, 4)."""
    _send(report, "report_received", url=absolute(addresses.of_post(post)))


def send_decision(report: Flag, case: ReviewCase) -> None:
    """Say what was decided about it and what one can do then (the same, 5)."""
    _send(report, "report_decided", url=absolute(addresses.of_post_id(case.post_id)), case=case)


def _send(report: Flag, name: str, **values: Any) -> None:
    if not report.guest_email:
        return
    locale = report.guest_locale or current_settings().default_locale
    values |= {"report": report, "site_name": current_settings().site_name, "locale": locale}
    with force_locale(locale):
        mail.queue(
            report.guest_email,
            subject=_plain(_rendered(f"{name}/subject.txt", values)),
            text=_plain(_rendered(f"{name}/body.txt", values)),
            html=_rendered(f"{name}/body.html", values),
        )


def _rendered(path: str, values: dict[str, Any]) -> str:
    # Not flask.render_template: the worker has no page being made, and what pages share is of no use in a mail.
    return current_app.jinja_env.get_template(f"forum/mail/{path}").render(values)


def _plain(rendered: str) -> str:
    # Escaping is on in every template; a plain text takes it back exactly.
    return html.unescape(rendered).strip() + "\n"
