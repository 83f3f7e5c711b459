"""What every view of the knowledge base stands on: the blueprint, and pages that know what their reader may do."""

import functools

from flask import Blueprint

from core import edge
from kb import policy

bp = Blueprint("kb", __name__)
show = functools.partial(edge.show, policy=policy)
