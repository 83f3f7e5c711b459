"""What can be typed about the languages of an article."""

import re

from flask_babel import lazy_gettext
from wtforms.validators import InputRequired

from core import texts
from core.forms import Form, LineField

_ADDRESS = re.compile(r"(?:https?://[^/\s]+)?(?:/kb/)?(\d{1,18})(?:-[^/?#\s]*)?/?(?:[?#]\S*)?")


class JoinForm(Form):
    other = LineField(
        lazy_gettext("Address or number of the article in the other language"),
        longest=500,
        validators=[InputRequired(lazy_gettext("This is still empty."))],
    )

    @property
    def article_id(self) -> int | None:
        """The number of the article that is meant; None where the words name none."""
        found = _ADDRESS.fullmatch((self.other.data or "").strip())
        return texts.number(found[1]) if found else None
