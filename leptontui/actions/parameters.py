"""An action's parameters: checked against what the action says of them, defaults filled in."""

from __future__ import annotations

from dataclasses import replace

from leptontui.errors import ActionError
from leptontui.model.action import ActionRequest
from leptontui.model.action_spec import ActionSpec
from leptontui.model.text import plain


def complete(request: ActionRequest, spec: ActionSpec) -> ActionRequest:
    """The request with every parameter of the action, sorted by name.

    Raises:
        ActionError: a parameter is unknown, missing, given twice or cannot have this value.
    """
    given = dict(request.params)
    known = {parameter.name: parameter for parameter in spec.parameters}
    if len(given) != len(request.params):
        raise ActionError("a parameter is given twice")
    for name in given:
        if name not in known:
            raise ActionError(
                f"{spec.name} has no parameter {plain(name, 40)!r}",
                f"it has {', '.join(known)}" if known else "it has none",
            )
    values: dict[str, str] = {}
    for name, parameter in known.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise ActionError(f"{spec.name} needs {name}: {parameter.meaning}", f"give {name}=…")
        complaint = parameter.complaint(value)
        if complaint:
            raise ActionError(complaint, parameter.meaning)
        values[name] = value
    return replace(request, params=tuple(sorted(values.items())))
