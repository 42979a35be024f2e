"""Text that no chat, mail or pager takes for more than text: no mentions, no links in disguise, no tags."""

from __future__ import annotations

import re
from typing import Final

from leptontui.model.text import plain

_MENTION: Final = re.compile(r"@(?=(?:everyone|here|channel|room|all)\b)|(?<![\w.+-])@(?=\w)", re.IGNORECASE)
"""What calls all, anywhere (Discord looks within words); a person; not the sign in a mail address or `user@host`."""
_TAG: Final = re.compile(r"<(?=[^\s\d=])")
"""Slack's `<!channel>` and `<https://…|words>`, Discord's `<@&1>`, HTML; "a < b", "<5" and "<=" are left alone."""
_ENDS_TAG: Final = re.compile(r"[!@]\s*\S|://")
"""Where a text holds such, `>` ends a mention or a link: apprise's Slack makes them of `!channel>` and `https://…|words>`
alone, escaped or not. Elsewhere it says "greater than"."""
_LINK: Final = re.compile(r"\](?=\s*[(\[:])")
"""Markdown's `[words](https://…)` and `[words][1]`."""
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")
"""HTML's `&lt;`, which some services decode before they look for tags."""


def defused(text: str, limit: int) -> str:
    """One line of `text` that is only shown: controls are gone, and what would call people or hide a link is broken.

    Args:
        text: what a host, a label or a file said.
        limit: longest result in characters, at least 1.
    """
    text = plain(text, limit)
    text = _ENTITY.sub("＆", text)
    if _ENDS_TAG.search(text):
        text = text.replace(">", "›")
    text = _MENTION.sub("＠", text)
    text = _TAG.sub("‹", text)
    return _LINK.sub("］", text)


def link(text: str) -> str:
    """`text` if it is a plain web address, else ""; a runbook's address comes from a rules file."""
    is_web = re.fullmatch(r"https?://[\w.~:/?#@!$&'()*+,;=%\[\]-]{1,1000}", text, re.ASCII) is not None
    return text if is_web else ""
