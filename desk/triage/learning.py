"""What an installation learns from its corrections: the shipped weights are moved, and never far.

The newest corrections and the texts that come with Klinke are learnt from together, beginning at the shipped weights
and held near them; so one slip changes little, and what was undone is forgotten at the next turn.
"""

import hashlib
import io
import json
from functools import cache
from typing import Final

import numpy as np
from sqlalchemy import delete, func, select

from core.clock import now
from core.db import db
from core.settings import current_settings
from core.unique import add_or_change
from core.worker import chore
from desk.models import Channel, Conversation, Message
from desk.triage import model, signs
from desk.triage.judging import service_of
from desk.triage.model import HEADS, Labelled, Model
from desk.triage.tables import JudgementCorrection, LearntModel, MessageJudgement

MOST_LEARNT: Final = 500
"""So many of the newest corrections are learnt from."""
_ONLY: Final = 1
_known: dict[int, Model] = {}


def current() -> Model:
    """Return the model of this installation: the shipped one, moved by corrections where there are any."""
    row = db.session.execute(select(LearntModel.version, LearntModel.base)).one_or_none()
    if row is None or row.base != _base() or not current_settings().learn_from_corrections:
        return model.shipped()
    if row.version not in _known:
        weights = db.session.scalar(select(LearntModel.weights))
        if weights is None:
            return model.shipped()
        _known.clear()
        with np.load(io.BytesIO(weights), allow_pickle=False) as found:
            base = model.shipped()
            _known[row.version] = Model(
                base.names, base.rarity, {head: found[head].astype(np.float32) for head in HEADS}
            )
    return _known[row.version]


@chore("desk.triage.learn", every=60)
def learn() -> int:
    """Move the weights when there were corrections, or fewer than before; return how many were learnt from."""
    if not current_settings().learn_from_corrections:
        return 0
    many, newest = db.session.execute(
        select(func.count(JudgementCorrection.id), func.max(JudgementCorrection.at))
    ).one()
    there = db.session.execute(select(LearntModel.corrections, LearntModel.at, LearntModel.base)).one_or_none()
    if not many:
        if there is not None:
            db.session.execute(delete(LearntModel))
            db.session.commit()
        return 0
    if there is not None and there.corrections == many and newest < there.at and there.base == _base():
        return 0
    began = now()
    given = _corrected()
    _keep(_moved(given), many, began)
    db.session.commit()
    return len(given)


def _corrected() -> list[Labelled]:
    rows = db.session.execute(
        select(Message.text, MessageJudgement, Channel.slug)
        .join(MessageJudgement, MessageJudgement.message_id == Message.id)
        .join(JudgementCorrection, JudgementCorrection.judgement_id == MessageJudgement.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Channel, Channel.id == Conversation.channel_id)
        .order_by(JudgementCorrection.id.desc())
        .limit(MOST_LEARNT)
    )
    return [
        Labelled(text, told.locale, service_of(slug), {head: getattr(told, head) for head in HEADS})
        for text, told, slug in rows
    ]


def _moved(given: list[Labelled]) -> Model:
    base = model.shipped()
    texts = [*given, *model.own_texts()]
    readings = [signs.read(one.text, one.locale, channel=one.channel) for one in texts]
    rows = base.features(readings, [one.text for one in texts])
    heads = {}
    for head, answers in HEADS.items():
        told = np.array([answers.index(one.answers[head]) for one in texts])
        heads[head] = model.fitted(rows, told, base.heads[head])
    return Model(base.names, base.rarity, heads)


def _keep(learnt: Model, many: int, at: object) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, **{head: weights.astype(np.float16) for head, weights in learnt.heads.items()})  # type: ignore[arg-type]  # names, not options
    values = {"corrections": many, "base": _base(), "weights": packed.getvalue(), "at": at}
    add_or_change(
        LearntModel, by="id", changes={**values, "version": LearntModel.version + 1}, id=_ONLY, version=1, **values
    )


@cache
def _base() -> str:
    """Return the digest of the shipped model and its signs."""
    names = json.dumps(model.shipped().names).encode()
    return hashlib.sha256(model.FILE.read_bytes() + names).hexdigest()
