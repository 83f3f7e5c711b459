"""What machines send: out of office, lists, mails of our own that came round, and mails that came back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Final, Literal

from core.phrases import phrase
from desk.channels.base import tidied
from desk.channels.mail import parts, tokens
from desk.channels.mail.account import Account

LONGEST_REPORT: Final = 20_000
LONGEST_WORDS: Final = 200
Proof = Literal["proven", "unproven", "failed", ""]
_FAILED: Final = re.compile(
    r"undeliver|unzustellbar|nicht zugestellt|delivery (?:has )?(?:failed|failure|status)|failure notice|"
    r"returned mail|mail delivery|mailer.daemon|could not be delivered|wasn.t delivered|non remis",
    re.IGNORECASE,
)
_STATUS: Final = re.compile(r"(?<![0-9.])([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_PLAIN_CODE: Final = re.compile(r"(?<![0-9])(5[0-9]{2})[ -]")
_FINAL: Final = re.compile(
    r"permanent|fatal|gave up|giving up|endgültig|failed|unknown user|nicht zugestellt", re.IGNORECASE
)
_RESULT: Final = re.compile(r"(?:^|;)\s*(dmarc|dkim|spf)\s*=\s*([a-z]+)([^;]*)", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"(?:header\.(?:d|i|from)|smtp\.mailfrom)\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def is_automatic(message: Message, account: Account) -> bool:
    """Tell whether a machine sent it, so that no machine may answer and nobody is called."""
    submitted = parts.header(message, "Auto-Submitted").lower().split(";")[0].strip()
    if submitted not in {"", "no"}:
        return True
    if parts.header(message, "Return-Path").replace(" ", "") == "<>":
        return True
    precedence = parts.header(message, "Precedence").strip().lower()
    if precedence in {"bulk", "junk", "auto_reply"} or (precedence == "list" and not _is_our_list(message, account)):
        return True
    if any(parts.header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder")):
        return True
    found = parts.addresses(message, "From")
    sender = found[0][1] if found else ""
    return sender.partition("@")[0] in {"mailer-daemon", "postmaster"} or account.is_own(sender)


def _is_our_list(message: Message, account: Account) -> bool:
    # A group address that passes everything on to the mailbox says "list" of what people write to it.
    posted_to = re.findall(r"mailto:([^>?\s]+)", parts.header(message, "List-Post"), re.IGNORECASE)
    return any(account.is_own(address) for address in posted_to)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail of ours came back, for good."""

    message_id: str
    reason: str


def bounce(message: Message, account: Account, channel_id: int) -> Bounce | None:
    """Return which mail of ours came back and why; None for delays and for what is no such thing."""
    report = _report(message)
    if report is None and not _seems_returned(message):
        return None
    action, status, diagnosis = report or ("failed", "", "")
    if action not in {"failed", ""}:
        return None
    said = everything(message)
    ours = next(tokens.ours_in(channel_id, said, account.address), None)
    if ours is None:
        return None
    if not status and (found := _STATUS.search(said)) is not None:
        status = found[0]
    is_final = status.startswith("5") or _PLAIN_CODE.search(said) or _FINAL.search(said)
    if report is None and not is_final:
        return None  # a plain note with no code may be a delay as well; its words are kept for people
    return Bounce(ours, _reason(status, diagnosis or _diagnosis_in(said)))


def _report(message: Message) -> tuple[str, str, str] | None:
    """Return action, status and diagnosis of the first recipient that a delivery report (RFC 3464) names as failed."""
    for part in _all(message):
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        fields = [block for block in blocks if isinstance(block, Message)] if isinstance(blocks, list) else []
        found = [
            (
                parts.header(block, "Action").lower().split("(")[0].strip(),
                parts.header(block, "Status").split("(")[0].strip(),
                parts.header(block, "Diagnostic-Code").partition(";")[2].strip(),
            )
            for block in fields
            if parts.header(block, "Action")
        ]
        if found:
            return next((each for each in found if each[0] == "failed"), found[0])
    return None


def _seems_returned(message: Message) -> bool:
    found = parts.addresses(message, "From")
    sender = found[0][1].partition("@")[0] if found else ""
    is_from_server = (
        sender in {"mailer-daemon", "postmaster", ""} or "mailer-daemon" in parts.header(message, "From").lower()
    )
    is_nobodys = parts.header(message, "Return-Path").replace(" ", "") == "<>"
    return (is_from_server or is_nobodys) and bool(
        _FAILED.search(parts.header(message, "Subject")) or parts.header(message, "X-Failed-Recipients")
    )


def _all(message: Message) -> list[Message]:
    return [part for number, part in enumerate(message.walk()) if number < parts.MOST_PARTS]


def everything(message: Message) -> str:
    """Return all words of a mail that may name one of ours: headers, texts, and the head of the mail that came back."""
    said = [*parts.headers(message, "In-Reply-To", "References", "To", "X-Original-To", "Delivered-To")]
    for part in _all(message):
        if part.get_content_maintype() == "text":
            said.append(parts.decoded(part)[:LONGEST_REPORT])
        said += parts.headers(part, "Message-ID", "In-Reply-To")
    return "\n".join(said)[: 5 * LONGEST_REPORT]


def _diagnosis_in(said: str) -> str:
    for line in said.splitlines():
        if _STATUS.search(line) or _PLAIN_CODE.search(line):
            return line.strip()
    return ""


def _reason(status: str, diagnosis: str) -> str:
    words = _meanings().get(status) or _meanings().get(status.rpartition(".")[0] + ".x") or phrase("It came back.")
    told = " ".join(tidied(diagnosis).split())
    if len(told) > LONGEST_WORDS:
        told = told[:LONGEST_WORDS] + "…"
    return words + f" ({told or status})" if told or status else words


def _meanings() -> Mapping[str, str]:
    """Return what the codes of RFC 3463 mean to somebody who wants to know what to do."""
    return {
        "5.1.1": phrase("There is no mailbox with this address."),
        "5.1.2": phrase("There is no mail server for this address."),
        "5.1.x": phrase("The address is wrong."),
        "5.2.1": phrase("The mailbox is closed."),
        "5.2.2": phrase("The mailbox is full."),
        "5.2.3": phrase("The mail is too large for the mailbox."),
        "5.2.x": phrase("The mailbox does not take it."),
        "5.3.4": phrase("The mail is too large for the server."),
        "5.3.x": phrase("The other mail server could not deliver it."),
        "5.4.x": phrase("The other mail server could not be reached."),
        "5.7.x": phrase("The other mail server refused it by its rules."),
        "4.4.7": phrase("The other mail server could not be reached for too long."),
    }


def proof(message: Message, account: Account, sender: str) -> Proof:
    """Tell whether the house's own mail server found the sender's address to be true; empty where it is not known.

    Anybody can write such a header: only the first that bears our server's name counts, and that server puts its own
    before all others.
    """
    if not account.authority:
        return ""
    for value in parts.headers(message, "Authentication-Results"):
        name, _, results = value.partition(";")
        if name.strip().split(" ")[0].lower() == account.authority:
            return _found(results, sender.partition("@")[2])
    return "unproven"


def _found(results: str, domain: str) -> Proof:
    results = re.sub(r"\([^()]*\)", " ", results)
    is_proven = False
    for method, outcome, about in _RESULT.findall(results.lower()):
        if method == "dmarc":
            if outcome == "pass":
                return "proven"
            if outcome == "fail":
                return "failed"
        elif outcome == "pass":
            told = [each.rpartition("@")[2] for each in _DOMAIN.findall(about)]
            is_proven = is_proven or any(domain == each or domain.endswith("." + each) for each in told if "." in each)
    return "proven" if is_proven else "unproven"
