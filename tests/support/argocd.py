"""Argo CD's view of a BankModel: the shipped health check, run by Lua 5.1 as Argo CD does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lupa import lua51

__all__ = ["argo_health"]

_SCRIPT = (Path(__file__).parents[2] / "manifests" / "argocd" / "health.lua").read_text()
_ALLOWED = ("ipairs", "pairs", "string", "table", "tostring", "tonumber", "type")
"""Argo CD opens no more than Lua's harmless libraries, and none that reaches out of it."""


def argo_health(live: Mapping[str, Any]) -> tuple[str, str]:
    """Status and message."""
    lua = lua51.LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
    names = lua.globals()
    environment = lua.table_from({name: names[name] for name in _ALLOWED})
    environment["obj"] = _table(lua, live)
    run = lua.eval("function(code, environment) return setfenv(assert(loadstring(code)), environment)() end")
    answer = run(_SCRIPT, environment)
    return str(answer["status"]), str(answer["message"])


def _table(lua: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return lua.table_from({key: _table(lua, each) for key, each in value.items() if each is not None})
    if isinstance(value, list | tuple):
        return lua.table_from([_table(lua, each) for each in value])
    return value
