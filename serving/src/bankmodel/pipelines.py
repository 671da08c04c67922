"""Find the fitted pipeline that `module:attribute` or `path/to/train.py:attribute` names.

Only Python source is loaded: a pickle or joblib file runs whatever its author put in it, and depends on library versions
that it does not record.
"""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from bankmodel.errors import UsageError

__all__ = ["load_pipeline"]

_PICKLES = (".pkl", ".pickle", ".joblib")


def load_pipeline(target: str) -> Any:
    """The object `target` names; a function is called (without arguments) and its result taken."""
    if target.split(":", maxsplit=1)[0].endswith(_PICKLES):
        raise UsageError(
            f"{target}: pickle and joblib files are not read (they run code and hide versions); "
            "give path/to/train.py:attribute, where the attribute is the fitted pipeline or a function that returns it"
        )
    place, separator, attribute = target.rpartition(":")
    if not separator or not place or not attribute:
        raise UsageError(f"{target!r} is not a pipeline; write module:attribute or path/to/train.py:attribute")
    found = _find(_load_module(place), attribute, place)
    # a fitted estimator may be callable itself, but only a function or class lacks `predict`
    return _called(found, target) if callable(found) and not hasattr(found, "predict") else found


def _called(make: Any, target: str) -> Any:
    needed = [item.name for item in inspect.signature(make).parameters.values() if _is_needed(item)]
    if needed:
        raise UsageError(
            f"{target} needs {', '.join(needed)}; name the fitted pipeline, or a function that returns it without arguments"
        )
    return make()


def _is_needed(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not variadic


def _load_module(place: str) -> ModuleType:
    if place.endswith(".py") or "/" in place:
        return _load_file(Path(place))
    sys.path.insert(0, "")
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name != place.split(".", maxsplit=1)[0] and error.name != place:
            raise UsageError(f"{place} imports {error.name!r}, which is not installed here; install it") from error
        raise UsageError(f"no module {place!r} here; give its file instead: path/to/{place}.py:attribute") from error
    finally:
        sys.path.remove("")


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"{path} does not exist; give the training script's path as seen from {Path.cwd()}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file; give path/to/train.py:attribute")
    module = importlib.util.module_from_spec(spec)
    beside = str(path.parent.resolve())
    sys.path.insert(0, beside)  # as `python path/to/train.py` would have it
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(beside)
    return module


def _find(module: ModuleType, attribute: str, place: str) -> Any:
    try:
        return getattr(module, attribute)
    except AttributeError:
        offered = ", ".join(name for name, value in vars(module).items() if _may_be_meant(name, value, module))
        raise UsageError(
            f"{place} has no {attribute!r}; give a fitted pipeline or a function that returns one; "
            f"it has {offered[:200] or 'neither'}"
        ) from None


def _may_be_meant(name: str, value: Any, module: ModuleType) -> bool:
    made_here = callable(value) and getattr(value, "__module__", None) == module.__name__
    return not name.startswith("_") and (made_here or (hasattr(value, "predict") and not inspect.isclass(value)))
