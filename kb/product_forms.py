"""What can be typed about products and their versions."""

import re
from typing import Final

from flask_babel import lazy_gettext
from wtforms import DateField
from wtforms.validators import InputRequired, Optional

from core.forms import BlockField, Form, LineField
from kb import products

_SEPARATORS: Final = re.compile(r"[,;\n]")


class ProductForm(Form):
    """A product: its name and what else it is called."""

    name = LineField(
        lazy_gettext("Name"),
        longest=products.LONGEST_NAME,
        validators=[InputRequired(lazy_gettext("This is still empty."))],
        description=lazy_gettext("As it stands on the product, the same in every language."),
    )
    aliases = BlockField(
        lazy_gettext("Other names"),
        longest=products.MOST_ALIASES * (products.LONGEST_NAME + 2),
        shortest=0,
        description=lazy_gettext("What else people call it, separated by commas. The search knows them."),
    )

    @property
    def alias_list(self) -> list[str]:
        return [word.strip() for word in _SEPARATORS.split(self.aliases.data or "") if word.strip()]


class ReleaseForm(Form):
    """When a version was or will be released."""

    released_on = DateField(
        lazy_gettext("Released on"),
        validators=[Optional()],
        description=lazy_gettext(
            "From that day on, the articles about this product are to be looked at. May be empty."
        ),
    )


class VersionForm(ReleaseForm):
    """A version of a product."""

    version = LineField(
        lazy_gettext("Version"),
        longest=products.LONGEST_VERSION,
        validators=[InputRequired(lazy_gettext("This is still empty."))],
    )
