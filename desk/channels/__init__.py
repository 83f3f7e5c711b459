"""Channels: one module for each kind of service, and the protocol they share."""

from core.counting import Measure
from desk.channels.base import (
    Adapter,
    Capabilities,
    ChannelFailed,
    IncomingMessage,
    Means,
    OutgoingReply,
    Published,
    SentReply,
    Silent,
    WrongPayload,
    WrongSignature,
    adapter_of,
    kinds,
    register,
)
from desk.channels.counting import measure

__all__ = [
    "Adapter",
    "Capabilities",
    "ChannelFailed",
    "IncomingMessage",
    "Means",
    "Measure",
    "OutgoingReply",
    "Published",
    "SentReply",
    "Silent",
    "WrongPayload",
    "WrongSignature",
    "adapter_of",
    "kinds",
    "measure",
    "register",
]
