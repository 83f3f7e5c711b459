"""E-mail as a channel: one mailbox, read over IMAP and answered over SMTP."""

import imaplib
import logging
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, ClassVar, Final

import imap_tools
from flask_babel import lazy_gettext
from imap_tools.errors import UnexpectedCommandStatusError
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import (
    Batch,
    Capabilities,
    ChannelFailed,
    Cursor,
    Field,
    Finding,
    Means,
    NotLetIn,
    OutgoingReply,
    SentReply,
    Silent,
    register,
)
from desk.channels.mail import account as accounts
from desk.channels.mail import folders, form, imap, sent, sign_in, smtp, tokens, writing
from desk.channels.mail.account import Account
from desk.models import Contact, Conversation, Message

EVERY_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 5.0
"""How long a look for a mail waits for it to come round."""
LOOK_AGAIN_SECONDS: Final = 60.0
MOST_AUTOMATIC: Final = 3
"""Mails that leave by themselves to one address in an hour."""
TLS_PORTS: Final = {993, 465}

log = logging.getLogger(__name__)


class Mail(Silent):
    """Reads a mailbox and sends in its name."""

    name: ClassVar[Any] = lazy_gettext("E-mail")
    about: ClassVar[Any] = lazy_gettext("A mailbox: what customers write to its address is read and answered here.")
    form: ClassVar[Sequence[Field]] = form.FORM

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            may_send=True,
            may_follow_up=True,
            public=False,
            polled=True,
            every=EVERY_SECONDS,
            listens=True,
            looks_for=True,
            files=True,
        )

    @property
    def _account(self) -> Account:
        return accounts.of(self.channel)

    # In

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:
        account = self._account
        with imap.opened(self.channel, account) as box:
            yield from folders.read(self.channel, account, box, cursor)

    def listen(self, wake: Callable[[], None], stopping: threading.Event) -> None:
        folders.listen(self.channel, self._account, wake, stopping)

    # Out

    def own_id(self, reply: OutgoingReply) -> str | None:
        return tokens.message_id(self.channel.id, reply.key, self._account.address)

    def send(self, reply: OutgoingReply) -> SentReply:
        account = self._account
        if reply.is_automatic:
            self._stop_loops(reply)
        message_id = reply.own_id or tokens.message_id(self.channel.id, reply.key, account.address)
        to = writing.in_ascii(reply.handle)
        raw = writing.composed(replace(reply, handle=to), account, self.channel.id)
        with ExitStack() as open_now:
            # Both doors first: a server that is away is known before anything is written down.
            speaks = open_now.enter_context(smtp.opened(self.channel, account))
            box = open_now.enter_context(imap.opened(self.channel, account))
            folder = sent.folder_of(box, account)
            sent.begin(box, folder, message_id, raw)
            self._hand_over(account, speaks, box, folder, message_id, raw, to=to)
        return SentReply(message_id)

    def _hand_over(
        self,
        account: Account,
        speaks: smtplib.SMTP,
        box: imap_tools.BaseMailBox,
        folder: str,
        message_id: str,
        raw: bytes,
        *,
        to: str,
    ) -> None:
        copy_to = [account.address] if account.copies_itself and to != account.address else []
        try:
            smtp.hand_over(speaks, raw, sender=account.address, to=to, copy_to=copy_to)
        except ChannelFailed as failure:
            if not failure.unsure:
                _tidy(lambda: sent.undo(box, folder, message_id))
            raise
        # Whatever becomes of our copy: the mail has left.
        _tidy(lambda: sent.end(box, folder, message_id))

    def look_for(self, reply: OutgoingReply) -> SentReply | None:
        account = self._account
        message_id = reply.own_id or tokens.message_id(self.channel.id, reply.key, account.address)
        until = time.monotonic() + LOOK_SECONDS
        with imap.opened(self.channel, account) as box:
            folder = sent.folder_of(box, account)
            while (trace := sent.trace(box, folder, message_id)) == "draft":
                if sent.came_back_to_us(box, account, message_id):
                    sent.end(box, folder, message_id)
                    return SentReply(message_id)
                if time.monotonic() > until:
                    raise ChannelFailed(
                        phrase("Nobody knows yet whether the mail server took it; it is looked for again."),
                        unsure=True,
                        retry_after=LOOK_AGAIN_SECONDS,
                    )
                time.sleep(0.2)
            if trace == "none" and sent.came_back_to_us(box, account, message_id):
                trace = "sent"  # somebody tidied the folder up
        return SentReply(message_id) if trace == "sent" else None

    def _stop_loops(self, reply: OutgoingReply) -> None:
        """Refuse what leaves by itself when too much of it went to one address lately."""
        since = now().timestamp() - 3600
        times = db.session.scalars(
            select(Message.sent_at)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .join(Contact, Contact.id == Conversation.contact_id)
            .where(
                Message.channel_id == self.channel.id,
                Message.direction == "out",
                Message.by_id.is_(None),
                Message.sent_at.is_not(None),
                func.lower(Contact.handle) == reply.handle.lower(),
            )
            .order_by(Message.sent_at.desc())
            .limit(MOST_AUTOMATIC)
        ).all()
        db.session.rollback()
        if len([at for at in times if at is not None and at.timestamp() > since]) >= MOST_AUTOMATIC:
            raise ChannelFailed(
                phrase("Too many mails went to this address by themselves within an hour."), permanent=True
            )

    def means(self, conversation: Conversation) -> Means:
        means = super().means(conversation)
        proof = (conversation.capabilities or {}).get("sender")
        if proof == "failed":
            doubt = phrase("The sender’s address is forged, says your mail server.")
        elif proof == "unproven":
            doubt = phrase("Nothing proves that the sender’s address is real.")
        else:
            return means
        return Means(
            why_not=means.why_not,
            public=means.public,
            private=means.private,
            private_left=means.private_left,
            until=means.until,
            price=means.price,
            answer_before_hiding=means.answer_before_hiding,
            by_hand=means.by_hand,
            doubt=doubt,
        )

    # The connection

    def check(self) -> Sequence[Finding]:
        account = self._account
        return [*self._check_reading(account), *self._check_sending(account)]

    def _check_reading(self, account: Account) -> Iterator[Finding]:
        try:
            with imap.opened(self.channel, account, seconds=30) as box:
                yield Finding(is_well=True, words=phrase("The mailbox can be opened."))
                for folder in account.folders:
                    yield _finding_about(box, folder)
                if account.sent_folder:
                    yield _finding_about(box, account.sent_folder)
                elif (found := sent.found_folder(box)) is None:
                    words = phrase("There is no folder for sent mail yet; one called Sent is made when it is needed.")
                    yield Finding(is_well=True, words=words)
                else:
                    yield Finding(is_well=True, words=phrase("Sent mail is kept in %(folder)s.", folder=found))
                if folders.can_idle(box):
                    yield Finding(is_well=True, words=phrase("The server tells at once when something arrives."))
                else:
                    words = phrase("The server does not tell when something arrives; it is asked every two minutes.")
                    yield Finding(is_well=True, words=words)
        except ChannelFailed as failure:
            yield _not_well(phrase("Reading: %(reason)s", reason=failure.reason), failure, account.imap)

    def _check_sending(self, account: Account) -> Iterator[Finding]:
        try:
            with smtp.opened(self.channel, account):
                yield Finding(is_well=True, words=phrase("The server for sending lets us in."))
        except ChannelFailed as failure:
            yield _not_well(phrase("Sending: %(reason)s", reason=failure.reason), failure, account.smtp)

    def farewell(self) -> None:
        sign_in.forget(self.channel, self._account)


def _finding_about(box: imap_tools.BaseMailBox, folder: str) -> Finding:
    try:
        box.folder.set(folder, readonly=True)
    except UnexpectedCommandStatusError:
        return Finding(is_well=False, words=phrase("There is no folder called %(folder)s.", folder=folder))
    return Finding(is_well=True, words=phrase("The folder %(folder)s can be read.", folder=folder))


def _not_well(words: str, failure: ChannelFailed, server: accounts.Server) -> Finding:
    advice = ""
    if isinstance(failure, NotLetIn):
        advice = phrase(
            "Please check user name and password; many providers want an app password, Google and Microsoft OAuth."
        )
    elif server.security == "tls" and server.port not in TLS_PORTS:
        advice = phrase("This port is usually used with STARTTLS.")
    elif server.security != "tls" and server.port in TLS_PORTS:
        advice = phrase("This port is usually used with encryption from the start (TLS).")
    elif failure.permanent and f"{server.host}:{server.port}" not in current_settings().trusted_endpoints:
        advice = phrase(
            "A server inside your own network is reached when KLINKE_PRIVATE_ENDPOINTS names it: %(pair)s.",
            pair=f"{server.host}:{server.port}",
        )
    return Finding(is_well=False, words=f"{words.rstrip('.')}. {advice}".strip())


def _tidy(do: Callable[[], None]) -> None:
    """Do something about our own copy that the fate of the mail does not hang on."""
    try:
        do()
    except (imaplib.IMAP4.error, imap_tools.ImapToolsError, OSError):
        log.warning("a copy of a sent mail could not be brought up to date", exc_info=True)


register("mail", Mail)
