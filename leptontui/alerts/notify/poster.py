"""Posts JSON over HTTP(S): certificates are checked, redirects not followed, answers not read. Blocks."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from leptontui.alerts.notify.apprise_way import listen
from leptontui.alerts.notify.spec import Login, Secret
from leptontui.alerts.notify.trouble import of_error, of_status

if TYPE_CHECKING:
    import requests

_CONNECT_S: Final = 5.0
_READ_S: Final = 15.0
_ANSWER_BYTES: Final = 4096


class Poster:
    """One address. Its calls are made from one thread at a time.

    Args:
        url: where to.
        login: how it is told who we are.
    """

    def __init__(self, url: Secret, login: Login) -> None:
        self._url = url
        self._login = login
        self._session: requests.Session | None = None

    def post(self, document: object) -> str:
        """Post a document; what went wrong, in words, "" if nothing did."""
        try:
            return self._post(json.dumps(document).encode())
        except Exception as error:  # noqa: BLE001 — their texts name addresses
            self._session = None
            return of_error(error)

    def _post(self, body: bytes) -> str:
        session = self._session = self._session or self._connected()
        with session.post(
            self._url.reveal(),
            data=body,
            timeout=(_CONNECT_S, _READ_S),
            verify=self._login.ca_file or True,  # said here: requests' environment goes before a session's setting
            allow_redirects=False,
            stream=True,  # an answer of any length must not be read
        ) as answer:
            trouble = of_status(answer.status_code)
            answer.raw.read(_ANSWER_BYTES)
            return trouble

    def _connected(self) -> requests.Session:
        listen()
        import requests  # noqa: PLC0415 — loads much

        session = requests.Session()
        session.headers.update({"Content-Type": "application/json", "User-Agent": "leptontui"})
        login = self._login

        def prove(request: requests.PreparedRequest) -> requests.PreparedRequest:
            """Set our own login or none: without this, requests would take one from ~/.netrc."""
            if login.user:
                pair = f"{login.user}:{login.password.reveal()}".encode()
                request.headers["Authorization"] = "Basic " + b64encode(pair).decode()
            elif token := login.token.reveal():
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        session.auth = prove
        return session
