"""Tells through apprise. Blocks: called in a courier's thread, and nothing here is imported before.

apprise says why something failed in its log only. The log is read here, put into words of our own, and goes nowhere
else: it may name addresses and tokens.
"""

from __future__ import annotations

import logging
import threading
import warnings
from typing import TYPE_CHECKING, Final

from leptontui.alerts.notify.schemas import refused, schema
from leptontui.alerts.notify.spec import Secret
from leptontui.alerts.notify.trouble import UNTOLD, of_error, of_words
from leptontui.config.problem import did_you_mean

if TYPE_CHECKING:
    from apprise import Apprise

_TALKATIVE: Final = ("urllib3", "requests", "requests_oauthlib", "oauthlib", "MARKDOWN", "slixmpp", "gntp", "paho")
"""Libraries below apprise that log addresses or whole messages."""
_FIRST: Final = 40
"""A reason begins with words such as "Socket Exception:" within so many characters; what is sent is logged too."""


class _Reasons(logging.Handler):
    """Listens to apprise's log: keeps the last failure that it recognises, for each thread."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._heard: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Note what went wrong, if it is a failure and is known."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 — a log line that cannot be put together must not stop a message
            return
        words = ""
        if record.exc_info and record.exc_info[1] is not None:
            words = of_error(record.exc_info[1])
        elif record.levelno >= logging.WARNING or "xception" in text[:_FIRST]:
            words = of_words(text)
        if words:
            self._heard[threading.get_ident()] = words

    def take(self) -> str:
        """What was heard in this thread since it was last asked."""
        return self._heard.pop(threading.get_ident(), "")


_reasons = _Reasons()
_setting_up = threading.Lock()


class AppriseWay:
    """One apprise address.

    Args:
        url: the address.
    """

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._teller: Apprise | None = None

    def trouble(self) -> str:
        """Why the address cannot be used, in words; "" if it can. Sends nothing."""
        try:
            return self._open()
        except Exception as error:  # noqa: BLE001 — a plugin's own fault
            return of_error(error)

    def send(self, title: str, body: str, kind: str) -> str:
        """Send one message.

        Args:
            title: one line.
            body: plain text.
            kind: "failure", "warning", "info" or "success": a service's colour and priority.

        Returns:
            What went wrong, in words; "" if nothing did.
        """
        try:
            return self._open() or _send(self._teller, title, body, kind)
        except Exception as error:  # noqa: BLE001 — plugins may raise anything, and their texts hold secrets
            return of_error(error)

    def _open(self) -> str:
        if self._teller is not None:
            return ""
        url = self._url.reveal()
        if reason := refused(url):
            return reason
        listen()
        from apprise import Apprise, AppriseAsset, NotifyBase  # noqa: PLC0415 — loads a second's worth of modules

        asset = AppriseAsset(storage_mode="memory", app_id="leptontui", app_desc="leptontui", async_mode=False)
        if hasattr(asset, "http_redirects"):
            asset.http_redirects = False  # a redirected POST becomes a GET, which is "well received" without a message
        server = Apprise.instantiate(url, asset=asset)
        if not isinstance(server, NotifyBase):
            _reasons.take()
            return _unusable(url)
        if not type(server).__module__.startswith("apprise.plugins."):
            return "this is not one of apprise's own services"
        server.retry = 0  # what is tried again, and when, is decided elsewhere
        server.optional = False  # a failure is to be seen
        self._teller = Apprise()
        self._teller.add(server)
        return ""


def _send(teller: Apprise | None, title: str, body: str, kind: str) -> str:
    from apprise import NotifyFormat, NotifyType  # noqa: PLC0415

    _reasons.take()
    is_sent = teller is not None and teller.notify(
        body=body, title=title, notify_type=NotifyType(kind), body_format=NotifyFormat.TEXT, interpret_escapes=False
    )
    heard = _reasons.take()
    return "" if is_sent else heard or UNTOLD


def listen() -> None:
    """Hear why apprise fails, and keep what it and its libraries log from every other log."""
    with _setting_up:
        # Where an address says ?verify=no that is its owner's wish; said on stderr it would spoil the screen.
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        if _reasons not in logger.handlers:
            logger.addHandler(_reasons)


def _unusable(url: str) -> str:
    from apprise import Apprise  # noqa: PLC0415

    name = schema(url)
    known = sorted(
        str(one)
        for service in Apprise().details()["schemas"]
        for one in (*(service["protocols"] or ()), *(service["secure_protocols"] or ()))
    )
    if name in known:
        return f"apprise does not understand this {name}:// address; see https://appriseit.com/services/"
    guess = did_you_mean(name, known)
    return f"apprise knows no {name}://" + (f"; {guess}" if guess else "")
