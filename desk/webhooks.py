"""Telling other programs of what happens, as Standard Webhooks 1.0 describes it (docs/webhook.md has the payloads).

At least once and in no promised order: each event has an id that stays the same when it is told again. Addresses inside
the house are not reached (`core.http`), redirects are not followed, and 410 Gone ends it.
"""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts import audit
from accounts.models import User
from core import http, paging, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, NotAllowed, NotFound
from core.outbox import Later, publish
from core.phrases import phrase
from core.problems import Problems
from core.settings import current_settings
from core.transfer import iso
from core.unique import add_once
from core.worker import chore
from desk import policy
from desk.channels.base import tidied
from desk.channels.webhook import new_secret, signature
from desk.events import WebhookQueued
from desk.webhook_models import WORDS, Webhook, WebhookDelivery, Words

EVENTS: Final = ("message.received", "reply.sent", "conversation.closed", "promise.broken", "article.published")
TEST: Final = "test"
MOST: Final = 20
LONGEST_NAME: Final = 80
LONGEST_ANSWER: Final = 1000
PAUSES: Final = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
"""Seconds until the next try, after each that failed; together about two days."""
OLD_SECRET: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=30)
PAGE: Final = 30


def hooks() -> Sequence[Webhook]:
    return db.session.scalars(select(Webhook).order_by(Webhook.id)).all()


def hook(hook_id: int) -> Webhook:
    found = db.session.get(Webhook, hook_id) if 0 < hook_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such webhook."))
    return found


def log(of: Webhook, *, cursor: str | None) -> paging.Page[WebhookDelivery]:
    """Return what was told, the newest first."""
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == of.id)
    return paging.page(statement, by=(WebhookDelivery.id,), cursor=cursor, size=PAGE)


def open_hook(*, name: str, url: str, events: Sequence[str], words: str, by: User) -> Webhook:
    """Have an address told of events from now on; its secret is in the row, and is to be shown once."""
    _require(by)
    taking = Problems()
    name = taking.take("name", lambda: texts.line(name, longest=LONGEST_NAME, shortest=1), "")
    chosen = [event for event in EVENTS if event in events]
    if not chosen:
        taking.fields["events"] = gettext("Please choose at least one event.")
    try:
        http.check(url, current_settings())
    except http.Refused as refusal:
        taking.fields["url"] = refusal.reason[:1].upper() + refusal.reason[1:] + "."
    kind: Words | None = next((one for one in WORDS if one == words), None)
    if kind is None:
        taking.fields["words"] = gettext("Please choose one of these.")
    if len(hooks()) >= MOST:
        taking.fields["name"] = gettext("There are %(most)s already, and no more fit.", most=MOST)
    taking.refuse()
    made = Webhook(name=name, url=url, events=chosen, words=kind or "none", secret=new_secret(), by_id=by.id)
    db.session.add(made)
    db.session.flush()
    audit.record("desk.webhook.open", made, by=by, after={"name": name, "url": url, "events": chosen, "words": words})
    return made


def rotate(which: Webhook, *, by: User) -> str:
    """Give it a new secret and return that; the old one signs beside it for a day."""
    _require(by)
    which.old_secret, which.old_until = which.secret, now() + OLD_SECRET
    which.secret = new_secret()
    db.session.flush()
    audit.record("desk.webhook.rotate", which, by=by)
    return which.secret


def switch(which: Webhook, *, on: bool, by: User) -> None:
    _require(by)
    if (which.disabled_at is None) == on:
        return
    which.disabled_at, which.why_disabled = (None, "") if on else (now(), "")
    db.session.flush()
    audit.record("desk.webhook.switch_on" if on else "desk.webhook.switch_off", which, by=by)


def remove(which: Webhook, *, by: User) -> None:
    """Forget an address, its secret and the log of what it was told."""
    _require(by)
    audit.record("desk.webhook.remove", which, by=by, before={"name": which.name, "url": which.url})
    db.session.delete(which)
    db.session.flush()


def try_out(which: Webhook, *, by: User) -> WebhookDelivery:
    """Tell the address something of no meaning, to see whether it listens."""
    _require(by)
    if which.disabled_at is not None:
        raise Conflict(gettext("It is switched off. Switch it on first."))
    at = now()
    made = WebhookDelivery(
        webhook_id=which.id,
        key=f"{TEST}:{at.timestamp()}",
        event=TEST,
        payload=_payload(TEST, at, {"name": which.name}),
    )
    db.session.add(made)
    db.session.flush()
    publish(WebhookQueued(made.id))
    return made


def tell_again(delivery_id: int, *, by: User) -> WebhookDelivery:
    """Send once more what was told, under the same id, by which the other side knows a repeat."""
    _require(by)
    found = None
    if 0 < delivery_id <= LARGEST_ID:
        found = db.session.get(WebhookDelivery, delivery_id, with_for_update={"of": WebhookDelivery})
    if found is None:
        raise NotFound(gettext("There is nothing to send again."))
    if found.webhook.disabled_at is not None:
        raise Conflict(gettext("It is switched off. Switch it on first."))
    if found.state == "queued":
        raise Conflict(gettext("It is on its way already."))
    found.state, found.attempts, found.next_at = "queued", 0, None
    db.session.flush()
    audit.record("desk.webhook.tell_again", found.webhook, by=by, after={"delivery": found.id})
    publish(WebhookQueued(found.id))
    return found


def listeners_to(event: str) -> Sequence[Webhook]:
    """Return who is to be told of an event."""
    found = db.session.scalars(select(Webhook).where(Webhook.disabled_at.is_(None)).order_by(Webhook.id))
    return [one for one in found if event in one.events]


def tell(
    which: Webhook, event: str, *, key: str, at: datetime, data: Mapping[str, Any], conversation_id: int | None = None
) -> None:
    """Have an address told, once for each `key`; the worker sends it."""
    added = add_once(
        WebhookDelivery,
        webhook_id=which.id,
        key=f"{event}:{key}"[:100],
        event=event,
        conversation_id=conversation_id,
        payload=_payload(event, at, data),
        state="queued",
        attempts=0,
        created_at=now(),
        answer="",
    )
    if added:
        made = select(WebhookDelivery.id).where(
            WebhookDelivery.webhook_id == which.id, WebhookDelivery.key == f"{event}:{key}"[:100]
        )
        publish(WebhookQueued(db.session.scalars(made).one()))


def send(delivery_id: int) -> None:
    """Tell an address what is due; raise `Later` when it is to be tried again.

    The attempt is committed before it begins: nothing is held in the database while another server is asked.
    """
    row = db.session.get(WebhookDelivery, delivery_id, with_for_update={"of": WebhookDelivery}, populate_existing=True)
    if row is None or row.state != "queued":
        return
    if row.webhook.disabled_at is not None:
        row.state, row.answer = "failed", phrase("It was switched off meanwhile.")
        return
    row.attempts += 1
    row.attempted_at = now()
    url, body, headers = row.webhook.url, row.payload.encode(), _headers(row)
    db.session.commit()
    status, answer = _post(url, body, headers)
    row = db.session.get(WebhookDelivery, delivery_id, with_for_update={"of": WebhookDelivery}, populate_existing=True)
    if row is None:
        return  # it was removed meanwhile
    row.status, row.answer, row.next_at = status, answer, None
    if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        row.state = "arrived"
        return
    if status == HTTPStatus.GONE:
        row.state = "failed"
        row.webhook.disabled_at, row.webhook.why_disabled = now(), "gone"
        audit.record("desk.webhook.switch_off", row.webhook, by=None, reason="410 Gone")
        return
    if row.attempts > len(PAUSES):
        row.state = "failed"
        return
    pause = PAUSES[row.attempts - 1] * random.uniform(0.8, 1.2)  # noqa: S311 -- spreads attempts over time, guards nothing
    row.next_at = now() + timedelta(seconds=pause)
    db.session.commit()  # what `Later` rolls back must not be this
    raise Later(pause)


@chore("desk.webhooks.forget", every=3600)
def forget() -> None:
    """Forget what was told more than a month ago, and secrets that sign no more."""
    at = now()
    db.session.execute(
        delete(WebhookDelivery).where(WebhookDelivery.created_at < at - KEPT, WebhookDelivery.state != "queued")
    )
    for one in db.session.scalars(select(Webhook).where(Webhook.old_until < at)):
        one.old_secret = one.old_until = None
    db.session.commit()


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, str]:
    try:
        answer = http.post(url, body, headers, current_settings())
    except (http.Refused, http.Unreachable) as problem:
        return None, problem.reason
    return answer.status, tidied(answer.body[:LONGEST_ANSWER].decode("utf-8", "replace"))[:LONGEST_ANSWER]


def _headers(row: WebhookDelivery) -> dict[str, str]:
    message_id, timestamp = f"evt_{row.id}", str(int(now().timestamp()))
    secrets = [row.webhook.secret]
    if row.webhook.old_secret and row.webhook.old_until and row.webhook.old_until > now():
        secrets.append(row.webhook.old_secret)
    raw = row.payload.encode()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(one, message_id, timestamp, raw) for one in secrets),
    }


def _payload(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    said = {"type": event, "timestamp": iso(at), "data": dict(data)}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _require(by: User) -> None:
    if not policy.may_manage_webhooks(by):
        raise NotAllowed
