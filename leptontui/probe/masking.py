"""Secrets in command lines: what looks like a password, token or key is replaced before anybody sees it."""

import re

MASK = "***"
LONGEST = 4096
"""Characters of a command that are looked at; what is beyond is dropped, not shown unmasked."""

_SECRET = frozenset("pw pwd pass auth authorization bearer cookie jwt sas sig signature credential".split())
_SECRET_ENDS = ("token", "secret", "password", "passwd", "passwort", "passphrase", "apikey", "accesskey", "credentials")
_REST_OF_LINE = ("authorization", "cookie")
_KEY = "key"
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# Names are bounded on the left, so that a long word is looked at once, not once from each of its characters.
_ASSIGNED = re.compile(r"(?<![\w.\-])([\w.\-]+)\\{0,8}[\"']?\s*[=:]\s*")
_OPTION_IN_TEXT = re.compile(r"(?<![\w.\-])(--?[a-zA-Z][\w.\-]*)\s+(?!-)")
_OPTION = re.compile(r"--?[a-zA-Z][\w.\-]*\Z")
_VALUE = re.compile(
    # JSON in a shell's words has its quotes escaped.
    r"\\{1,8}[\"'](?:(?!\\{1,8}[\"']).)*(?:\\{1,8}[\"'])?"
    r"|\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|[^\s,;&}\"']+",
    re.DOTALL,
)
_LINE = re.compile(r"[\"']?[^\"'\n]*")
_URL = re.compile(r"(?<![a-zA-Z0-9+.\-])([a-zA-Z][a-zA-Z0-9+.\-]*://)([^\s/?#\"'@]*)@")
_SCHEME = re.compile(r"\b(bearer|basic)(\s+)[\w+/=.~\-]{8,}", re.IGNORECASE)
_SHAPES = re.compile(
    # As their issuers write them: Hugging Face, OpenAI and the like, GitHub, GitLab, Slack, AWS, Google, NVIDIA, JWT.
    r"(?<![a-zA-Z0-9])(?:hf_[a-zA-Z0-9]{16,}|sk-[\w\-]{16,}|gh[pousr]_[a-zA-Z0-9]{16,}|github_pat_\w{16,}"
    r"|glpat-[\w\-]{16,}|xox[abeoprs]-[\w\-]{10,}|A[KS]IA[A-Z0-9]{12,}|AIza[\w\-]{20,}|nvapi-[\w\-]{16,}"
    r"|eyJ[\w\-]{6,}\.eyJ[\w\-]{6,}(?:\.[\w\-]*)?)"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY.*", re.DOTALL)


def is_secret(name):
    """Whether a thing called `name` (an option, a variable, a header) holds what must not be shown.

    "hf_token", "--api-key" and "awsSecretAccessKey" do, "--max-tokens" and "--tokenizer" do not.
    """
    parts = [part.lower() for part in _PARTS.findall(name)]
    if not parts:
        return False
    return parts[-1] == _KEY or any(part in _SECRET or part.endswith(_SECRET_ENDS) for part in parts)


def masked(words):
    """`words`, an argument vector (str), as one line without secrets."""
    shown = []
    is_value = False
    room = LONGEST
    for word in words:
        if room <= 0:
            break
        piece = word[:room]
        room -= len(piece) + 1
        if is_value and not piece.startswith("--"):
            shown.append(MASK)
            is_value = False
            continue
        is_value = _OPTION.match(piece) is not None and is_secret(piece)
        shown.append(masked_text(piece))
    return " ".join(shown)


def masked_text(text):  # type: (str) -> str
    """`text` without secrets: assignments, options with a value, headers, credentials in URLs, and known tokens."""
    text = _URL.sub(_without_credentials, _PEM.sub(MASK, text))
    text = _without_values(_OPTION_IN_TEXT, _without_values(_ASSIGNED, text))
    return _SHAPES.sub(MASK, _SCHEME.sub(r"\1\2" + MASK, text))


def _without_credentials(match):
    user, colon, _ = match.group(2).partition(":")
    if colon:
        user += ":" + MASK
    elif match.group(1).lower() not in ("ssh://", "sftp://"):
        # A name alone is a token: nobody gives only a user but to SSH.
        user = MASK
    return "%s%s@" % (match.group(1), user)


def _without_values(names, text):
    """`text` with the values masked that follow secret ones of `names`, whose first group is the name."""
    kept, end = [], 0
    for match in names.finditer(text):
        name = match.group(1)
        if match.start() < end or not is_secret(name):
            continue
        value = (_LINE if name.lower().endswith(_REST_OF_LINE) else _VALUE).match(text, match.end())
        if value is not None and value.end() > match.end():
            kept.append(text[end : match.end()] + MASK)
            end = value.end()
    return "".join(kept) + text[end:]
