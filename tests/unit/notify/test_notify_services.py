"""What apprise makes of messages for the services that people use: nothing that a host says becomes more than text."""

import json
import smtplib
from typing import Any

import pytest
import requests

from leptontui.alerts.notify.apprise_way import AppriseWay
from leptontui.alerts.notify.duties import kind_of
from leptontui.alerts.notify.message import Message, News, Part
from leptontui.alerts.notify.spec import Secret
from leptontui.alerts.notify.wording import words
from tests.unit.notify.boards import T0, alert

HOSTILE = (
    "<!channel> <!here|x> <@U1> @everyone <https://evil.example|log in> [log in](https://evil.example) <b>big</b> "
    "&lt;!channel&gt;"
)
SERVICES = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops",
    "slack as markdown": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops?format=markdown",
    "slack in blocks": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops?blocks=yes",
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "telegram": "tgram://123456789:AAG-abcdefghijklmnopqrstuvwxyz12345/12315544",
    "telegram as html": "tgram://123456789:AAG-abcdefghijklmnopqrstuvwxyz12345/12315544?format=html",
    "teams": "workflows://prod.example:443/643fe9a1b2c3d4e5f60718293a4b5c6d/iXfyU1ZVrnC0Bv9xB2k1mFxE",
    "matrix": "matrix://user:pass@matrix.example/%23ops?mode=slack",
    "mattermost": "mmosts://mm.example/3ccdd113474722377935511fc85d3dd4",
    "google chat": "gchat://workspace/key/token",
    "ntfy": "ntfys://ntfy.example/ops",
    "opsgenie": "opsgenie://a4bd1ae4-1234-1234-1234-123456789012",
    "pagerduty": "pagerduty://ABCDEFGHIJKLMNOP@abcdefghijklmnopqrst",
    "json": "jsons://hook.example/x",
}


def message() -> Message:
    one = alert("a", summary=HOSTILE, evidence=(HOSTILE,), labels=(("job", HOSTILE),), action=HOSTILE, runbook=HOSTILE)
    return Message((Part("g", News.FIRING, HOSTILE, HOSTILE, new=(one,)),), T0)


class Answer:
    """What every service is made to answer."""

    status_code = 200

    def __init__(self, url: str) -> None:
        document = b'{"ok": true, "event_id": "x", "requestId": "x", "result": {"message_id": 1}}'
        self.content = b"ok" if "slack" in url else document
        self.text = self.content.decode()

    headers: dict[str, str] = {}  # noqa: RUF012

    def json(self) -> Any:
        return json.loads(self.content)


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be sent to services over HTTP, as they would read it."""
    sent: list[str] = []

    def post(url: str, data: Any = None, json: Any = None, **_: Any) -> Answer:
        sent.append(read(data if data is not None else json))
        return Answer(url)

    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setattr(requests, "put", post)
    monkeypatch.setattr(requests, "request", lambda method, url, **options: post(url, **options))
    return sent


def read(data: Any) -> str:
    """Every text in a body, unescaped, one a line."""
    if isinstance(data, bytes):
        data = data.decode()
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            return data
    if isinstance(data, dict):
        return "\n".join(map(read, data.values()))
    if isinstance(data, list):
        return "\n".join(map(read, data))
    return str(data)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_becomes_a_mention_a_tag_or_a_link_in_disguise(service: str, posted: list[str]) -> None:
    title, body = words(message())
    assert AppriseWay(Secret(SERVICES[service])).send(title, body, kind_of(message())) == ""
    text = "\n".join(posted)
    assert "evil.example" in text, "it was not sent"
    for hostile in ("<!", "<@", "@everyone", "<https:", "](https://evil", "<b>big", 'href="https://evil'):
        assert hostile not in text


def test_mail_is_text_and_its_subject_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    mails: list[str] = []

    class Smtp:
        def __init__(self, *_: object, **__: object) -> None: ...
        def starttls(self, *_: object, **__: object) -> None: ...
        def ehlo(self, *_: object, **__: object) -> None: ...
        def login(self, *_: object) -> None: ...
        def quit(self) -> None: ...
        def sendmail(self, _: str, __: list[str], text: str) -> None:
            mails.append(text)

    monkeypatch.setattr(smtplib, "SMTP", Smtp)
    monkeypatch.setattr(smtplib, "SMTP_SSL", Smtp)
    title, body = words(message())
    url = "mailtos://user:pass@example.org?smtp=mail.example.org&to=oncall@example.org&format=text"
    assert AppriseWay(Secret(url)).send(title, body, "failure") == ""
    (mail,) = mails
    assert "text/html" not in mail
    assert mail.count("\nSubject:") + mail.startswith("Subject:") == 1


def test_a_mail_server_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"5.7.8 SECRET")

    monkeypatch.setattr(smtplib, "SMTP_SSL", refuse)
    monkeypatch.setattr(smtplib, "SMTP", refuse)
    url = "mailtos://user:pass@example.org?smtp=mail.example.org&to=oncall@example.org"
    trouble = AppriseWay(Secret(url)).send("t", "b", "info")
    assert "does not accept who we are" in trouble
    assert "SECRET" not in trouble
