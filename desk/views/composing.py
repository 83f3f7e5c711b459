"""What the composer knows besides the text: how a reply can leave and shall, and what lies here already."""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_babel import gettext

from accounts.access import me
from core import texts
from core.errors import Invalid
from desk import approvals, conversations, holding, initials, replies, reuse, scheduling, shared_drafts
from desk.beside import There
from desk.draft_models import SharedDraft
from desk.forms import ReplyForm
from desk.heat import seconds_of_rest
from desk.holding import Held
from desk.means import capabilities_of
from desk.models import Conversation, Message
from desk.objections import Objection
from desk.replies import Manner, Use
from desk.reuse import Used
from desk.sending_models import ApprovalRule, HeldReply
from desk.shared_drafts import Found, Written


def context(
    conversation: Conversation,
    form: ReplyForm,
    there: There,
    *,
    asked: Message | None,
    objections: Sequence[Objection] = (),
) -> dict[str, Any]:
    """Return what the composer shows; a fresh one holds what came back to its writer, or the draft that is theirs."""
    means = capabilities_of(conversation)
    held = there.load("held", lambda: holding.of(conversation, viewer=me()), Held(None, ()))
    drafts = there.load("draft", lambda: shared_drafts.of(conversation, viewer=me()), Found())
    filled = None
    if request.method == "GET" and not form.text.data:
        filled = _begin_with(form, held.mine, drafts.open)
    if form.public.data not in {"yes", "no"}:
        form.public.data = "yes" if means.public and (not means.private or (asked and asked.is_public)) else "no"
    return {
        "means": means,
        "held": held,
        "back": held.mine if held.mine is not None and form.held_id == held.mine.id else None,
        "filled": filled,
        "draft": drafts.open,
        "dropped": drafts.dropped,
        "is_mine_too": drafts.open is not None and form.version == drafts.open.version,
        "earlier": shared_drafts.earlier(drafts.open) if drafts.open is not None else (),
        "reasons": holding.REASONS,
        "suffix": "" if means.why_not else initials.suffix_of(conversation.channel, me()),
        "opening": scheduling.next_opening(conversation),
        "rest_seconds": seconds_of_rest(one.code for one in objections),
        "may_approve": {one.id for one in held.waiting if approvals.may_approve(me(), one)},
        "undo_seconds": holding.undo_seconds(conversation.channel),
    }


def manner(conversation: Conversation, form: ReplyForm) -> Manner:
    """Return how the reply shall leave; raise `Invalid` at the field that makes no sense."""
    return Manner(
        split=_way(form),
        at=scheduling.chosen(form.when.data or "", form.at.data or "", conversation),
        undo_seconds=holding.undo_seconds(conversation.channel),
    )


def is_public(form: ReplyForm) -> bool | None:
    """Return what the writer chose; None where nothing was to be chosen."""
    return {"yes": True, "no": False}.get(form.public.data or "")


def preview(conversation: Conversation, form: ReplyForm) -> list[str]:
    """Return the messages the customer would see."""
    return replies.in_parts(conversation, form.text.data or "", _way(form), by=me(), is_public=is_public(form))


def hold_for_approval(conversation: Conversation, form: ReplyForm, rule: ApprovalRule, uses: list[Use]) -> HeldReply:
    """Keep the reply until a second person has read it, and tell who may."""
    chosen = manner(conversation, form)
    public = is_public(form)
    drafters = shared_drafts.settle(
        conversations.locked(conversation.id),
        text=form.text.data or "",
        version=form.version,
        held_id=form.held_id,
        by=me(),
    )
    held = holding.keep(
        conversation,
        text=form.text.data or "",
        drafters=drafters,
        by=me(),
        is_public=replies.is_public_by_default(conversation) if public is None else public,
        inserted=uses,
        split=chosen.split,
        send_at=chosen.at,
        rule=rule.name,
    )
    holding.put_away(form.held_id, by=me())
    approvals.ask(held)
    return held


def written(form: ReplyForm, uses: Sequence[Used]) -> Written:
    """Return what stands in the composer, as the team's draft keeps it."""
    return Written(
        text=form.text.data or "",
        version=form.version,
        is_public=is_public(form),
        split=form.split.data if form.split.data in {"numbered", "link"} else "",
        uses=[one.value for one in uses],
        seen=form.seen_id or 0,
        held_id=form.held_id,
    )


def fill_with(form: ReplyForm, draft: SharedDraft) -> None:
    """Put the team's draft into the composer."""
    form.text.data = draft.text
    form.draft_version.data = str(draft.version)
    form.split.data = draft.split
    if draft.is_public is not None:
        form.public.data = "yes" if draft.is_public else "no"


def drafted_uses(draft: SharedDraft | None) -> list[Used]:
    """Return what was put into a draft, as the composer names it."""
    return [] if draft is None else reuse.read_all(draft.uses)


def _begin_with(form: ReplyForm, back: HeldReply | None, draft: SharedDraft | None) -> SharedDraft | None:
    """Fill a fresh composer, and return the draft where it is that; what came back goes before a draft of others."""
    is_own = draft is not None and me().id in {draft.by_id, draft.for_id}
    if back is not None:
        _fill(form, back)
        is_own = draft is not None and draft.held_id == back.id
    if draft is None or not is_own:
        return None
    fill_with(form, draft)
    return draft


def _fill(form: ReplyForm, held: HeldReply) -> None:
    form.text.data = held.text
    form.public.data = "yes" if held.is_public else "no"
    form.split.data = held.split
    form.held.data = str(held.id)


def _way(form: ReplyForm) -> Any:
    way = form.split.data or ""
    if way not in {"", "numbered", "link"}:
        sentence = gettext("Please choose one of these.")
        raise Invalid(sentence, fields={"split": sentence})
    return way


def held_uses(held: HeldReply | None) -> list[Used]:
    """Return the articles in a text that came back, as the composer names them."""
    if held is None:
        return []
    return [Used("article", number, "short") for use in held.uses if (number := texts.number(str(use[0]))) is not None]
