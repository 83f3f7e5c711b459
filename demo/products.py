"""What Ulmenfunk sells, which articles are about it, and a release that makes some of them worth a look."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from accounts.models import User
from core.clock import now
from kb import products, publishing, sections
from kb.models import Article

PRODUCTS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, int]]]] = {
    "Birke 2": (("die alte Birke",), {"7.40": 200}),
    "Birke 3": (("Router", "Birke"), {"7.40": 200, "7.50": 2}),
    "Kiesel": (("Thermostat", "Heizkörperthermostat"), {}),
    "Ulmenfunk App": (("App",), {"5.0": 150}),
}
"""By name: other names, and how many days ago each version was released."""
APPLIES: Final[Mapping[str, str]] = {
    "a01": "Birke 2 7.40, Birke 3 7.40",
    "a03": "Kiesel",
    "a04": "Birke 3",
    "a05": "Ulmenfunk App 5.0",
    "a06": "Kiesel",
    "a08": "Birke 2, Birke 3",
    "a09": "Kiesel, Ulmenfunk App 5.0",
    "a11": "Ulmenfunk App 5.0",
    "a12": "Birke 3",
    "a13": "Birke 2 7.40, Birke 3 7.40",
}
MONEY: Final = "invoices"
"""Only Emil publishes what is said about money."""


def begin(everybody: Mapping[str, User], article: Callable[[str], Article]) -> None:
    """Write the list, name the products in the articles, and have the newest release ask for a look."""
    emil = everybody["emil"]
    for name, (aliases, _versions) in PRODUCTS.items():
        products.create(name=name, aliases=aliases, by=emil)
    for product in products.everything():
        for version, days in PRODUCTS[product.name][1].items():
            released_on = (now() - timedelta(days=days)).date()
            products.add_version(product, name=version, released_on=released_on, by=emil)
    for source_id, names in APPLIES.items():
        products.assign(article(source_id), names, by=emil)
    products.look_at_releases()
    section = sections.find(MONEY)
    assert section is not None  # noqa: S101 -- for the type checker: the file names one
    publishing.choose(section, "people", handles=["emil"], by=everybody["ruth"])
