"""E-mail: read over IMAP, sent over SMTP, with one mailbox for each channel."""

from desk.channels.mail.adapter import Mail as Mail
