"""What an admin says to connect a mailbox."""

from typing import Final

from flask_babel import lazy_gettext as _l

from desk.channels.base import Field

_SECURITIES: Final = (
    ("tls", _l("Encrypted from the start (TLS)")),
    ("starttls", _l("Encrypted after the greeting (STARTTLS)")),
    ("plain", _l("Not encrypted: only for a server on this machine")),
)

FORM: Final = (
    Field(
        name="address",
        label=_l("Address"),
        hint=_l("Whom customers write to, and who answers them: support@example.org."),
        kind="email",
        longest=190,
    ),
    Field(
        name="sender_name",
        label=_l("Name of the sender"),
        hint=_l("What customers see before the address. Empty: the name of the channel."),
        is_needed=False,
        longest=80,
    ),
    Field(name="imap_host", label=_l("Server for reading (IMAP)"), hint="imap.example.org", longest=253),
    Field(name="imap_port", label=_l("Port for reading"), kind="number", default="993", most=65535),
    Field(name="imap_security", label=_l("Encryption when reading"), kind="choice", choices=_SECURITIES, default="tls"),
    Field(name="smtp_host", label=_l("Server for sending (SMTP)"), hint="smtp.example.org", longest=253),
    Field(name="smtp_port", label=_l("Port for sending"), kind="number", default="465", most=65535),
    Field(name="smtp_security", label=_l("Encryption when sending"), kind="choice", choices=_SECURITIES, default="tls"),
    Field(
        name="user",
        label=_l("User name"),
        hint=_l("Empty: the address."),
        is_needed=False,
        longest=190,
    ),
    Field(
        name="password",
        label=_l("Password"),
        hint=_l("Many providers want one made for this purpose (an app password)."),
        is_secret=True,
        is_needed=False,
    ),
    Field(
        name="token_endpoint",
        label=_l("OAuth: address for access tokens"),
        hint=_l("Only where the provider wants OAuth in place of a password (Google, Microsoft)."),
        kind="url",
        is_needed=False,
    ),
    Field(name="client_id", label=_l("OAuth: client id"), is_needed=False, longest=300),
    Field(name="client_secret", label=_l("OAuth: client secret"), is_secret=True, is_needed=False, longest=1000),
    Field(name="refresh_token", label=_l("OAuth: refresh token"), is_secret=True, is_needed=False, longest=8000),
    Field(name="scope", label=_l("OAuth: scope"), hint=_l("Microsoft asks for it."), is_needed=False),
    Field(
        name="folders",
        label=_l("Folders that are read"),
        hint=_l("One on a line. The first is listened to, the others are looked into every two minutes."),
        kind="lines",
        default="INBOX",
        is_needed=False,
        longest=2000,
    ),
    Field(
        name="sent_folder",
        label=_l("Folder for sent mail"),
        hint=_l("Empty: the one that the server calls so."),
        is_needed=False,
        longest=200,
    ),
    Field(
        name="aliases",
        label=_l("Other addresses that arrive here"),
        hint=_l("One on a line. Mail from them is never answered by a machine."),
        kind="lines",
        is_needed=False,
        longest=4000,
    ),
    Field(
        name="suffixes",
        label=_l("Mail to address+something arrives here as well"),
        hint=_l("Then answers find back by their address, too. If this is wrong, answers are lost: try it first."),
        kind="switch",
        is_needed=False,
    ),
    Field(
        name="copy_to_self",
        label=_l("Send a copy of each reply to the mailbox itself"),
        hint=_l("If the connection breaks at the wrong moment, the copy proves that the reply left."),
        kind="switch",
        default="y",
        is_needed=False,
    ),
    Field(
        name="days",
        label=_l("Days to look back when connecting"),
        hint=_l("Mail that lies there already and is older is left alone."),
        kind="number",
        default="7",
        is_needed=False,
        most=365,
    ),
    Field(
        name="authority",
        label=_l("Name of your own mail server in Authentication-Results"),
        hint=_l("It says there whether senders are real. Empty: senders are not marked."),
        is_needed=False,
        longest=253,
    ),
    Field(
        name="most_an_hour",
        label=_l("Mails of one address in an hour"),
        hint=_l("What comes beyond is kept, and taken for a machine’s. 0: no limit."),
        kind="number",
        default="20",
        is_needed=False,
        most=10_000,
    ),
)
