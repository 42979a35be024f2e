"""An action's parameters: checked against what the action says of them, defaults filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leptontui.errors import ActionError
from leptontui.model.action import ActionRequest
from leptontui.model.action_spec import ActionSpec, Parameter
from leptontui.model.text import plain


def complete(request: ActionRequest, spec: ActionSpec) -> ActionRequest:
    """The request with every parameter of the action, sorted by name. Raises as `completed` does."""
    return replace(request, params=completed(request.params, spec.parameters, spec.name))


def completed(
    params: Sequence[tuple[str, str]], parameters: Sequence[Parameter], what: str
) -> tuple[tuple[str, str], ...]:
    """Every parameter with its value, sorted by name.

    Args:
        params: what is given.
        parameters: what there is.
        what: whose they are, for people.

    Raises:
        ActionError: a parameter is unknown, missing, given twice or cannot have this value.
    """
    given = dict(params)
    known = {parameter.name: parameter for parameter in parameters}
    if len(given) != len(params):
        raise ActionError("a parameter is given twice")
    for name in given:
        if name not in known:
            raise ActionError(
                f"{what} has no parameter {plain(name, 40)!r}",
                f"it has {', '.join(known)}" if known else "it has none",
            )
    values: dict[str, str] = {}
    for name, parameter in known.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise ActionError(f"{what} needs {name}: {parameter.meaning}", f"give {name}=…")
        complaint = parameter.complaint(value)
        if complaint:
            raise ActionError(complaint, parameter.meaning)
        values[name] = value
    return tuple(sorted(values.items()))
