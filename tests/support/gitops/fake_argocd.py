"""Argo CD's way of running Lua, as its util/lua does it; not its code, which a longer test runs.

Null is left out of what Lua gets, every number is a double, and an empty table that comes back is
whatever was there before.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lupa.lua51
import yaml

EXAMPLES = Path(__file__).parents[3] / "examples" / "gitops"
CONFIG = yaml.safe_load((EXAMPLES / "argocd" / "argocd-cm.yaml").read_text())["data"]
KIND = "batchprocess.dev_BatchProcessJob"
HEALTH: str = CONFIG[f"resource.customizations.health.{KIND}"]
ACTIONS: str = CONFIG[f"resource.customizations.actions.{KIND}"]
MISSING = ("string", "math", "io", "coroutine", "debug")
"""Libraries that Argo CD does not open unless the ConfigMap asks for them."""


@dataclass(frozen=True)
class Health:
    """What Argo CD shows."""

    status: str
    message: str


def health(made: dict[str, Any]) -> Health:
    """Of an object."""
    if "deletionTimestamp" in made["metadata"]:
        return Health("Progressing", "Pending deletion")
    found = _run(made, HEALTH)
    assert found["status"] in ("Healthy", "Progressing", "Degraded", "Suspended")
    return Health(**found)


def enabled(made: dict[str, Any]) -> set[str]:
    """The actions that may be clicked on."""
    found = _run(made, yaml.safe_load(ACTIONS)["discovery.lua"])
    return {name for name, about in found.items() if not about.get("disabled")}


def patch(made: dict[str, Any], action: str) -> dict[str, Any]:
    """The merge patch that an action sends."""
    (one,) = (each for each in yaml.safe_load(ACTIONS)["definitions"] if each["name"] == action)
    return _merge_patch(made, _as_before(_run(made, one["action.lua"]), made))


def _run(made: dict[str, Any], script: str) -> Any:
    lua = lupa.lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False)
    for library in MISSING:
        lua.globals()[library] = None
    lua.globals()["obj"] = _to_lua(lua, copy.deepcopy(made))
    return _from_lua(lua.execute(script))


def _to_lua(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({k: _to_lua(lua, v) for k, v in value.items() if v is not None})
    if isinstance(value, list):
        return lua.table_from([_to_lua(lua, one) for one in value])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _from_lua(value: Any) -> Any:
    if lupa.lua51.lua_type(value) != "table":
        return value
    keys = list(value)
    if all(isinstance(key, int) for key in keys):
        return [_from_lua(value[key]) for key in keys]
    return {key: _from_lua(value[key]) for key in keys}


def _as_before(after: Any, before: Any) -> Any:
    if after == [] and isinstance(before, dict):
        return {}
    if isinstance(after, dict) and isinstance(before, dict):
        return {key: _as_before(one, before.get(key)) for key, one in after.items()}
    if isinstance(after, list) and isinstance(before, list):
        pairs = zip(after, before, strict=True)
        return [_as_before(one, old) if one != [] else one for one, old in pairs]
    return after


def _merge_patch(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = _merge_patch(old, value)
            made |= {key: inner} if inner else {}
        elif key not in before or value != _in_doubles(old):
            made[key] = value
    return made


def _in_doubles(value: Any) -> Any:
    """It compares the two as Go reads JSON, so that what no double has is no difference."""
    return json.loads(json.dumps(value), parse_int=float)
