"""What is wrong with which field, gathered and named so that a person or a program learns it all at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ValidationError

from core.errors import Invalid

T = TypeVar("T")


class Problems:
    """Collects what is wrong with which field, so that a person learns it all at once."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def take(self, name: str, check: Callable[[], T], otherwise: T) -> T:
        """Return what `check` returns; when it refuses, keep its sentence for the field `name`, return `otherwise`."""
        try:
            return check()
        except Invalid as error:
            self.fields[name] = error.fields.get(name) or error.sentence
            return otherwise

    def take_all(self, check: Callable[[], T], otherwise: T) -> T:
        """Return what `check` returns; when it refuses, keep what it says of each field, return `otherwise`."""
        try:
            return check()
        except Invalid as error:
            self.fields |= error.fields
            return otherwise

    def refuse(self) -> None:
        """Raise `Invalid` with the fields when anything is wrong."""
        if self.fields:
            raise Invalid(next(iter(self.fields.values())), fields=self.fields)


@contextmanager
def at(field: str) -> Iterator[None]:
    """Have what is refused inside said at one field."""
    try:
        yield
    except Invalid as error:
        raise Invalid(error.sentence, fields={field: error.fields.get(field) or error.sentence}) from None


@contextmanager
def renamed(**names: str) -> Iterator[None]:
    """Have what is refused inside said at the fields that an edge calls otherwise: `renamed(source="body")`."""
    try:
        yield
    except Invalid as error:
        fields = {names.get(name, name): sentence for name, sentence in error.fields.items()}
        raise Invalid(error.sentence, fields=fields) from None


def reasons(error: ValidationError, *, whole: str = "body") -> dict[str, str]:
    """Return what pydantic has against a value, by field; `whole` names the value itself."""
    return {
        ".".join(str(part) for part in item["loc"]) or whole: item["msg"].removeprefix("Value error, ")
        for item in error.errors()
    }
