"""Reads YAML that somebody else wrote: plain values only, no aliases that multiply, of limited size and depth."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from leptontui.config.found import NotUnderstood
from leptontui.config.problem import quoted

if TYPE_CHECKING:
    import yaml

MAX_ALIASES: Final = 1000
"""A YAML bomb needs few aliases, but multiplies what they name; what is named by an alias here is counted each time."""
MAX_VALUES: Final = 2_000_000
"""Values in a document, aliases followed."""
_MAX_DEPTH: Final = 60
_ENCRYPTED: Final = frozenset({"vault", "vault-encrypted"})
"""Tags of values that Ansible Vault encrypted."""


def parse_yaml(text: str) -> object:
    """The document in `text`; None for an empty one.

    Raises:
        NotUnderstood: it is not YAML, holds anything but plain values, or is made to exhaust memory.
    """
    import yaml  # noqa: PLC0415 — 15 ms, and most fleets have no YAML

    loader = _loader()
    try:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader))
        if aliases > MAX_ALIASES:
            raise NotUnderstood(f"{aliases} aliases", expected=f"at most {MAX_ALIASES}")
        # Made of SafeLoader: no tag of it makes anything but plain values.
        document = yaml.load(text, Loader=loader)  # noqa: S506 — see above
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        words = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed")
        raise NotUnderstood(f"not YAML: {quoted(words)[1:-1]}", None if mark is None else mark.line + 1) from None
    except (ValueError, RecursionError, OverflowError, TypeError) as error:
        words = "nested too deeply" if isinstance(error, RecursionError) else quoted(str(error))[1:-1]
        raise NotUnderstood(f"not YAML: {words}") from None
    _refuse_bomb(document)
    return document


@cache
def _loader() -> type[yaml.SafeLoader]:
    """A safe loader that takes a value with a tag of somebody's own for the plain value; an encrypted one for none."""
    import yaml  # noqa: PLC0415 — see above

    base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = type("PlainLoader", (base,), {})

    def untagged(constructor: yaml.SafeLoader, tag: str, node: yaml.Node) -> object:
        if tag in _ENCRYPTED:
            return None
        if isinstance(node, yaml.MappingNode):
            return constructor.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return constructor.construct_sequence(node, deep=True)
        return node.value if isinstance(node, yaml.ScalarNode) else None

    yaml.add_multi_constructor("!", untagged, Loader=loader)
    return loader


def _refuse_bomb(document: object) -> None:
    """Count what is there as if every alias were written out, and stop early."""
    count = 0
    level: list[object] = [document]
    for _ in range(_MAX_DEPTH):
        following: list[object] = []
        for value in level:
            if isinstance(value, dict):
                following.extend(value.values())
            elif isinstance(value, list | set | tuple):
                following.extend(value)
            if count + len(following) > MAX_VALUES:
                raise NotUnderstood("its aliases multiply to more than can be read")
        count += len(following)
        if not following:
            return
        level = following
    raise NotUnderstood("nested too deeply")
