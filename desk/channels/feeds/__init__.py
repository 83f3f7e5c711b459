"""Feeds and blogs: a list of addresses that are watched for posts about the house, and answered in the browser."""

from desk.channels.base import register
from desk.channels.feeds.adapter import KIND as KIND
from desk.channels.feeds.adapter import Feeds

register(KIND, Feeds)
