"""Prometheus' text exposition format, read line by line as it arrives: names, labels, escapes, types and values."""

import math
import re

from .parsing import clean

LONGEST_LINE = 1 << 16
"""Bytes; a longer line is not a sample."""
LONGEST_SERIES = 200
"""Characters of a series' name with its labels, escaped for the wire: what the program keeps of a text."""
_LONGEST_VALUE = 1024
_SHORTENED = (48, 24, 12)
"""To how many characters long labels are shortened, as far as it takes."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*')
_ESCAPE = re.compile(r"\\(.)")
_UNESCAPED = {"n": "\n"}
_TYPE_WORDS = 4


def number(word):
    """A value of the format as a float, NaN and infinities included; None if `word` (str) is not one."""
    if "_" in word:
        return None
    try:
        return float(word)
    except ValueError:
        return None


def parse_labels(text):
    """The labels at the start of `text`, which begins after the opening brace: ((name, value), …) and what follows.

    Returns:
        (labels, rest), or (None, "") where it is malformed.
    """
    labels = []
    at = 0
    while True:
        match = _LABEL.match(text, at)
        if match is None:
            break
        value = match.group(2)
        if "\\" in value:
            value = _ESCAPE.sub(lambda escape: _UNESCAPED.get(escape.group(1), escape.group(1)), value)
        labels.append((match.group(1), value))
        at = match.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    rest = text[at:].lstrip()
    return (tuple(labels), rest[1:]) if rest.startswith("}") else (None, "")


def parse_sample(line):
    """One sample, a line of text: (name, labels, value), None if it is malformed. Timestamps are ignored."""
    match = _NAME.match(line)
    if match is None:
        return None
    rest = line[match.end() :].lstrip()
    labels = ()
    if rest.startswith("{"):
        labels, rest = parse_labels(rest[1:])
        if labels is None:
            return None
    elif rest == line[match.end() :]:
        return None
    words = rest.split(None, 2)
    value = number(words[0]) if words else None
    if value is None:
        return None
    # What may follow is a timestamp, or an exemplar as OpenMetrics has them.
    if len(words) > 1 and not words[1].startswith("#") and number(words[1]) is None:
        return None
    return match.group(), labels, value


def notation(name, labels):
    """A series in the format's own notation, printable. A label without a value is as if it were not there."""
    inner = ",".join('%s="%s"' % (key, _escaped(value)) for key, value in labels if value)
    return "%s{%s}" % (name, inner) if inner else name


def series_name(name, labels):
    """As `notation`, with long labels shortened in the middle as far as it takes; None where that is not enough."""
    found = notation(name, labels)
    for length in _SHORTENED:
        if _is_short(found):
            break
        found = notation(name, [(key, _shortened(value, length)) for key, value in labels])
    return found if _is_short(found) else None


def _is_short(text):
    return len(text.encode("ascii", "backslashreplace")) <= LONGEST_SERIES


def _shortened(value, length):
    if len(value) <= length:
        return value
    tail = (length - 1) // 2
    return value[: length - 1 - tail] + "…" + value[-tail:]


def _escaped(value):
    value = value[:_LONGEST_VALUE].replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return clean(value, _LONGEST_VALUE)


def finite(value):
    """`value`, None where it is not a finite number."""
    return value if value is not None and math.isfinite(value) else None


class Page:
    """A page in the format, fed as it arrives.

    Args:
        is_wanted: called with a family's name; samples of others are not looked at.
        most: samples that are kept; what comes after is not.

    Attributes:
        samples: [(name, labels, value)] so far.
        types: {family: type}.
        bad: how many lines are malformed.
        example: the first of them, None without one.
        is_cut: whether there were more than `most`.
    """

    def __init__(self, is_wanted=None, most=20000):
        self.samples = []
        self.types = {}
        self.bad = 0
        self.example = None
        self.is_cut = False
        self._is_wanted = is_wanted
        self._most = most
        self._decided = {}
        self._rest = b""
        self._is_skipping = False

    def feed(self, chunk):
        """Take the next bytes."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if self._is_skipping:
                self._is_skipping = False
                continue
            self.take(line)
        if len(self._rest) > LONGEST_LINE:
            if not self._is_skipping:
                self._reject(self._rest)
            self._rest, self._is_skipping = b"", True

    def finish(self):
        """There is no more; take the last line, which may lack its newline."""
        rest, self._rest = self._rest, b""
        if rest and not self._is_skipping:
            self.take(rest)

    def take(self, line):
        """Take one line, bytes without its newline."""
        line = line.strip()
        if not line or self.is_cut:
            return
        if line.startswith(b"#"):
            self._comment(line)
            return
        name = line.partition(b"{")[0].split(None, 1)
        name = name[0] if name else line
        is_wanted = self._decided.get(name)
        if is_wanted is None:
            is_wanted = self._decide(name)
        if not is_wanted:
            return
        sample = parse_sample(line.decode("utf-8", "replace")) if len(line) <= LONGEST_LINE else None
        if sample is None:
            self._reject(line)
        elif len(self.samples) < self._most:
            self.samples.append(sample)
        else:
            self.is_cut = True

    def _decide(self, name):
        if len(self._decided) > self._most:
            self._decided.clear()
        is_wanted = self._is_wanted is None or self._is_wanted(name.decode("utf-8", "replace"))
        self._decided[name] = is_wanted
        return is_wanted

    def _comment(self, line):
        words = line.split(None, _TYPE_WORDS - 1)
        if len(words) == _TYPE_WORDS and words[1] == b"TYPE" and len(self.types) < self._most:
            self.types[words[2].decode("utf-8", "replace")] = words[3].decode("utf-8", "replace")

    def _reject(self, line):
        self.bad += 1
        if self.example is None:
            self.example = clean(line, 80)
