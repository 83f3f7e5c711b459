"""Our own copies of what leaves: they tell afterwards whether a mail left.

Before the server is given a mail, a copy marked as a draft is put into the folder for sent mail; the mark goes when the
server has taken the mail. So there are three cases after a crash. No copy: the server was never asked to take it. A
copy without the mark: it was taken. A copy with the mark: nobody knows, and the copy that the mail server itself was to
bring into our mailbox decides.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

import imap_tools
from imap_tools.errors import UnexpectedCommandStatusError

from core.clock import now
from desk.channels.mail.account import Account

Trace = Literal["none", "draft", "sent"]
LOOKED_BACK: Final = timedelta(days=30)
DRAFT: Final = imap_tools.MailMessageFlags.DRAFT
_NAMES: Final = (
    "Sent",
    "Sent Items",
    "Sent Messages",
    "Sent Mail",
    "INBOX.Sent",
    "Gesendet",
    "Gesendete Elemente",
    "Gesendete Objekte",
)


def folder_of(box: imap_tools.BaseMailBox, account: Account) -> str:
    """Return the folder for sent mail; it is made where there is none."""
    if account.sent_folder:
        return account.sent_folder
    found = found_folder(box)
    if found is None:
        found = _NAMES[0]
        box.folder.create(found)
    return found


def found_folder(box: imap_tools.BaseMailBox) -> str | None:
    """Return the folder that the server marks as that for sent mail, or that is called so."""
    there = box.folder.list()
    marked = [each.name for each in there if "\\sent" in {flag.lower() for flag in each.flags}]
    named = [name for name in _NAMES if name in {each.name for each in there}]
    return next(iter([*marked, *named]), None)


def trace(box: imap_tools.BaseMailBox, folder: str, message_id: str) -> Trace:
    """Tell what the folder for sent mail has of a message."""
    box.folder.set(folder)
    uids = with_id(box, message_id)
    if not uids:
        return "none"
    return "draft" if all(_is_draft(box, uid) for uid in uids) else "sent"


def begin(box: imap_tools.BaseMailBox, folder: str, message_id: str, raw: bytes) -> None:
    """Keep a copy of what is about to leave, with its mark."""
    found = trace(box, folder, message_id)
    if found == "none":
        box.append(raw, folder, flag_set=[imap_tools.MailMessageFlags.SEEN, DRAFT])
    elif found == "sent":
        box.client.uid("STORE", ",".join(with_id(box, message_id)), "+FLAGS", f"({DRAFT})")


def end(box: imap_tools.BaseMailBox, folder: str, message_id: str) -> None:
    """Take the mark off: it was taken."""
    box.folder.set(folder)
    if uids := with_id(box, message_id):
        box.client.uid("STORE", ",".join(uids), "-FLAGS", f"({DRAFT})")


def undo(box: imap_tools.BaseMailBox, folder: str, message_id: str) -> None:
    """Let the copy go of what surely was not taken."""
    box.folder.set(folder)
    uids = [uid for uid in with_id(box, message_id) if _is_draft(box, uid)]
    if uids:
        box.client.uid("STORE", ",".join(uids), "+FLAGS", "(\\Deleted)")
        if "UIDPLUS" in box.client.capabilities:
            # Only these: what people have marked for deleting is theirs.
            box.client.uid("EXPUNGE", ",".join(uids))


def came_back_to_us(box: imap_tools.BaseMailBox, account: Account, message_id: str) -> bool:
    """Tell whether the copy that the mail server was to bring has arrived."""
    for folder in account.folders:
        try:
            box.folder.set(folder, readonly=True)
        except UnexpectedCommandStatusError:
            continue  # a folder that is not there has no copy
        if with_id(box, message_id):
            return True
    return False


def with_id(box: imap_tools.BaseMailBox, message_id: str) -> list[str]:
    """Return the UIDs of mails with this Message-ID in the open folder, of those that came lately."""
    since = imap_date(now() - LOOKED_BACK)
    status, told = box.client.uid("SEARCH", f'SINCE {since} HEADER Message-ID "{message_id}"')
    if status != "OK":
        raise UnexpectedCommandStatusError((status, told), "OK")
    return [each.decode() for each in (told[0] or b"").split()]


def imap_date(moment: datetime) -> str:
    """Return a day as IMAP writes it, whatever language the machine speaks."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{moment.day:02d}-{months[moment.month - 1]}-{moment.year}"


def _is_draft(box: imap_tools.BaseMailBox, uid: str) -> bool:
    _, told = box.client.uid("FETCH", uid, "(FLAGS)")
    return any(DRAFT.encode() in (each[0] if isinstance(each, tuple) else each or b"") for each in told)
