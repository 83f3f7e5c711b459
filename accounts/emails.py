"""E-mail addresses: checked by their shape only, since a request must not wait for the DNS."""

import unicodedata

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext

from core.errors import Invalid

LONGEST = 254


def checked(email: str) -> str:
    """Return `email` without blanks around it; raise `Invalid` at the field `email` when mail cannot go there."""
    email = email.strip()
    try:
        # Addresses under .test are taken: they are what an installation is tried out with.
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        sentence = gettext("This does not look like an e-mail address. It should be like name@example.org.")
        raise Invalid(sentence, fields={"email": sentence}) from None
    return email


def key(email: str) -> str:
    """Return what is the same for two spellings of one address."""
    return unicodedata.normalize("NFC", email.strip().casefold())[:LONGEST]
