"""Names that exist in each language."""

from functools import partial
from typing import Final

from flask_babel import gettext

from core import texts
from core.i18n import LOCALES
from core.problems import Problems

LONGEST_NAME: Final = 60


def checked(names: dict[str, str]) -> dict[str, str]:
    """Return a name for each language, the missing one taken from the other; raise `Invalid` at `name_<locale>`."""
    problems = Problems()
    found = {
        locale: problems.take(f"name_{locale}", partial(texts.line, names.get(locale, ""), longest=LONGEST_NAME), "")
        for locale in LOCALES
    }
    if not any(found.values()):
        problems.fields.setdefault("name_en", gettext("This is still empty."))
    problems.refuse()
    filled = next(name for name in found.values() if name)
    return {str(locale): name or filled for locale, name in found.items()}
