"""What every view of the forum stands on: the blueprint, and pages that know what their reader may do."""

import functools

from flask import Blueprint

from core import edge
from forum import policy

bp = Blueprint("forum", __name__)
show = functools.partial(edge.show, policy=policy)
