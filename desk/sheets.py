"""Tables for spreadsheets. What begins like a formula is kept from being one."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from flask import Response

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def answer(name: str, head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Response:
    """Return a table as a file to be saved."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([_cell(one) for one in head])
    writer.writerows([_cell(one) for one in row] for row in rows)
    response = Response("\ufeff" + written.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULAS) else text
