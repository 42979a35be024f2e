"""One `[[action]]` of `actions.toml`: its words checked against its parameters, and never left to a shell."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from leptontui.config.action_parameters import read_parameters
from leptontui.config.custom_action import GIVEN, PREFIX, Check, CustomAction, names_in, pieces_of
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.action import Danger
from leptontui.model.action_spec import ActionSpec, Parameter, Where

KEYS: Final = (
    *("name", "verb", "title", "meaning", "command", "where", "danger", "sudo", "timeout_s", "succeeds"),
    *("verify", "verify_succeeds", "verify_says", "verify_timeout_s", "verify_wait_s"),
    *("affects", "undone_by", "undo", "needs", "evidence", "removes_capacity", "asks", "parameter"),
)
MOST_TIMEOUT_S: Final = 86_400.0
_DEFAULT_TIMEOUT_S: Final = 60.0
_MOST_VERIFY_S: Final = 600.0
_MOST_WAIT_S: Final = 3600.0
_LONGEST_WORD: Final = 4096
_MOST_WORDS: Final = 100
_HIGHEST_STATUS: Final = 255

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
_NAME_EXPECTED: Final = "lower-case letters, digits, . _ - (at most 40)"
_COMMAND_EXPECTED: Final = 'a list such as ["/usr/local/bin/burn-in", "--minutes", "{minutes}"]'
_WHERE: Final = {where.value: where for where in (Where.HOST, Where.CONTROLLER)}
_DANGER: Final = {danger.value: danger for danger in Danger}
_BECOMES_ROOT: Final = frozenset({"sudo", "su", "doas", "pkexec", "run0"})

_READS_SCRIPTS: Final = re.compile(
    r"(?:ba|da|z|k|mk|pdk|a|c|tc|fi)?sh|busybox|su|script|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node|lua[0-9.]*|php[0-9.]*"
)
_JOINS_WORDS: Final = frozenset({"ssh", "rsh", "watch", "eval"})
"""Programs that give all their words to a shell."""
_SCRIPT_OPTION: Final = re.compile(r"-[A-Za-z]*[ceEr]")
"""Options after which these programs take the next word for a program: sh -c, bash -lc, perl -e, php -r."""
_NAMES_OPTION: Final = re.compile(r"[-+][A-Za-z]*[oO]")
"""The next word is an option's name: bash -o pipefail."""


def read_action(table: Table) -> CustomAction | None:
    """The action that a table describes; None if anything in it is wrong, which is noted in the table's problems."""
    before = len(table.problems)
    table.refuse_unknown(KEYS)
    name, (parameters, named) = _name(table), read_parameters(table)
    command = _words(table, "command", named, is_needed=True)
    check = _check(table, named)
    where = _WHERE[_choice(table, "where", tuple(_WHERE)) or Where.HOST.value]
    danger = _DANGER[_choice(table, "danger", tuple(_DANGER)) or Danger.DESTRUCTIVE.value]
    succeeds = _statuses(table, "succeeds")
    timeout_s = table.seconds("timeout_s", 1.0, MOST_TIMEOUT_S) or _DEFAULT_TIMEOUT_S
    title = _title(table, name, named)
    texts = {key: table.text(key) or "" for key in ("verb", "meaning", "affects", "undone_by", "undo", "needs")}
    flags = {key: table.flag(key) or False for key in ("sudo", "evidence", "removes_capacity", "asks")}
    if flags["asks"] and "verify" in table.values:
        table.problem("asks", "true beside verify", "one of the two: asks says that the command itself is the question")
    if not texts["meaning"] and "meaning" not in table.values:
        table.problem("meaning", "missing", "what it does, in one sentence")
    if command is None or len(table.problems) > before:
        return None
    words = (*command, *(check.command if check else ()))
    _refuse_unused(table, words, parameters)
    if len(table.problems) > before:
        return None
    used = names_in(words)
    line = table.lines.key(table.name, table.n, "")
    spec = ActionSpec(
        PREFIX + name,
        verb=texts["verb"] or name,
        title=title,
        meaning=texts["meaning"],
        danger=danger,
        where=where,
        command=" ".join(command),
        affects=texts["affects"] or "not said in actions.toml",
        verified_by=_verified_by(check, succeeds, asks=flags["asks"]),
        undone_by=texts["undone_by"] or ("undone by " + texts["undo"] if texts["undo"] else "cannot be undone"),
        needs=texts["needs"],
        undo=texts["undo"],
        schedulers=("slurm", "kubernetes") if where is Where.CONTROLLER else (),
        parameters=parameters,
        takes_unit="unit" in used,
        takes_reason="reason" in used,
        needs_live_link=where is Where.HOST,
        captures_evidence=flags["evidence"],
        removes_capacity=flags["removes_capacity"],
        timeout_s=timeout_s,
    )
    source = f"{Path(table.file).name}:{line}" if line else Path(table.file).name
    return CustomAction(spec, command, succeeds, flags["sudo"], check, flags["asks"], source)


def _name(table: Table) -> str:
    name = table.text("name", _NAME_EXPECTED)
    if "name" not in table.values:
        table.problem("name", "missing", _NAME_EXPECTED)
    elif name is not None and _NAME.fullmatch(name) is None:
        hint = f'write name = "{name.removeprefix(PREFIX)}"' if name.startswith(PREFIX) else ""
        table.problem("name", quoted(name), _NAME_EXPECTED, hint)
    return name or ""


def _words(table: Table, key: str, named: Sequence[str], *, is_needed: bool) -> tuple[str, ...] | None:
    """The argument vector at `key`, its placeholders known and none of them where a shell or a program reads it."""
    value = table.values.get(key)
    if value is None and not is_needed:
        return None
    if isinstance(value, str):
        table.problem(key, f"text {quoted(value)}", _COMMAND_EXPECTED, _as_vector(key, value))
        return None
    words = table.argv(key, _COMMAND_EXPECTED)
    if words is None:
        return None
    before = len(table.problems)
    if len(words) > _MOST_WORDS or max(map(len, words)) > _LONGEST_WORD:
        table.problem(key, "too long", f"at most {_MOST_WORDS} words of at most {_LONGEST_WORD} letters")
        return None
    for word in words:
        if not word.isprintable():
            table.problem(key, quoted(word), "words without control characters", item=word)
        _refuse_unknown_names(table, key, word, named)
    if len(table.problems) > before:
        return None
    program = PurePosixPath(words[0]).name
    if names_in(words[:1]):
        table.problem(key, quoted(words[0]), "a program that is named here", item=words[0])
    elif words[0].startswith("-"):
        table.problem(key, quoted(words[0]), "a program first", item=words[0])
    elif program in _BECOMES_ROOT:
        hint = (
            "write sudo = true, and the program first"
            if key == "command"
            else "write sudo = true, which holds for verify, too"
        )
        table.problem(key, quoted(words[0]), "", hint, item=words[0])
    _refuse_scripts(table, key, words)
    return words if len(table.problems) == before else None


def _as_vector(key: str, text: str) -> str:
    """How a command that was written as one text is written as a vector; "" where that cannot be told."""
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    return f"write {key} = {json.dumps(words)}" if words and text.isprintable() and text.isascii() else ""


def _refuse_unknown_names(table: Table, key: str, word: str, named: Sequence[str]) -> None:
    known = [*GIVEN, *named]
    try:
        names = names_in([word])
    except ValueError:
        table.problem(key, quoted(word), "{name} for a placeholder, {{ and }} for braces", item=word)
        return
    for name in names:
        if name not in known:
            guess = did_you_mean(name, known)
            expected = "" if guess else "one of " + ", ".join(known)
            table.problem(key, f"{{{name}}} is no parameter", expected, guess, item=f"{{{name}}}")


def _refuse_scripts(table: Table, key: str, words: tuple[str, ...]) -> None:
    """A value within a script would be read by the shell; as an argument of the script it would not."""
    script = _script_with_a_name(words)
    if script:
        name = names_in([script])[0]
        hint = f'give it as an argument: ["sh", "-c", "… \\"$1\\"", "sh", "{{{name}}}"]'
        table.problem(key, f"{{{name}}} where a shell reads it", "no placeholder there", hint, item=script)


def _script_with_a_name(words: tuple[str, ...]) -> str:
    """The first word with a placeholder that one of the programs would read as a script; "" if there is none."""
    reads_scripts = joins_words = is_due = are_options = False
    for word, following in itertools.pairwise(words):
        program = PurePosixPath(word).name
        if _READS_SCRIPTS.fullmatch(program):
            reads_scripts = are_options = True
        joins_words = joins_words or program in _JOINS_WORDS
        is_option = following.startswith(("-", "+"))
        is_due = is_due or (reads_scripts and _SCRIPT_OPTION.fullmatch(word) is not None)
        are_options = are_options and is_option
        is_attached = are_options and _SCRIPT_OPTION.match(following) is not None  # perl -e'print …'
        if (joins_words or is_due or is_attached) and names_in([following]):
            return following
        # sh -c -e -- SCRIPT, bash -c -o pipefail SCRIPT: it is the first that is neither an option nor one's value.
        is_due = is_due and (is_option or _NAMES_OPTION.fullmatch(word) is not None)
    return ""


def _refuse_unused(table: Table, words: tuple[str, ...], parameters: tuple[Parameter, ...]) -> None:
    used = names_in(words)
    for parameter in parameters:
        if parameter.name not in used:
            table.problem(
                "parameter", f"{parameter.name} is used nowhere", f"{{{parameter.name}}} in command or verify"
            )


def _title(table: Table, name: str, named: Sequence[str]) -> str:
    title = table.text("title")
    if title is None:
        return f"{name} on {{host}}"
    _refuse_unknown_names(table, "title", title, named)
    try:
        if not any(piece.name == "host" for piece in pieces_of(title)):
            table.problem("title", quoted(title), "{host} in it")
    except ValueError:  # told above
        pass
    return title


def _check(table: Table, named: Sequence[str]) -> Check | None:
    words = _words(table, "verify", named, is_needed=False)
    succeeds, says = _statuses(table, "verify_succeeds"), table.text("verify_says", "a regular expression") or ""
    timeout_s = table.seconds("verify_timeout_s", 1.0, _MOST_VERIFY_S) or 20.0
    wait_s = table.seconds("verify_wait_s", 0.0, _MOST_WAIT_S) or 0.0
    if says:
        try:
            re.compile(says)
        except (re.error, RecursionError, OverflowError) as error:
            table.problem("verify_says", f"{quoted(says)} is no regular expression: {error}")
    for key in ("verify_succeeds", "verify_says", "verify_timeout_s", "verify_wait_s"):
        if key in table.values and "verify" not in table.values:
            table.problem(key, "without verify", 'verify = ["systemctl", "is-active", "{unit}"] or the like')
    return None if words is None else Check(words, succeeds, says, timeout_s, wait_s)


def _verified_by(check: Check | None, succeeds: tuple[int, ...], *, asks: bool) -> str:
    if asks:
        return f"how it ends: {' or '.join(map(str, succeeds))} is well"
    if check is None:
        return "nothing: without verify in actions.toml its outcome is never called verified"
    statuses = " or ".join(map(str, check.succeeds))
    says = f" and says {check.says}" if check.says else ""
    return f"{' '.join(check.command)} ends with {statuses}{says}"


def _statuses(table: Table, key: str) -> tuple[int, ...]:
    value = table.values.get(key)
    expected = f"a list of exit statuses such as [0, 3], each 0 to {_HIGHEST_STATUS}"
    if value is None:
        return (0,)
    if not isinstance(value, list) or not value:
        table.problem(key, quoted(value), expected)
        return (0,)
    for status in value:
        if isinstance(status, bool) or not isinstance(status, int) or not 0 <= status <= _HIGHEST_STATUS:
            table.problem(key, quoted(status), expected)
            return (0,)
    return tuple(value)


def _choice(table: Table, key: str, choices: tuple[str, ...]) -> str | None:
    expected = "one of " + ", ".join(choices)
    text = table.text(key, expected)
    if text is None or text in choices:
        return text
    guess = did_you_mean(text.lower(), choices)
    table.problem(key, quoted(text), "" if guess else expected, guess)
    return None
