"""Item 7: the commands a user types, and what they print, as they print it."""

from collections.abc import Iterator

from system.mortgage import MODEL
from system.scene import Scene
from verify.lines import Line

__all__ = ["show"]

_COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "wait": (("wait", "--for=condition=Ready", f"bm/{MODEL}", "--timeout=50s"), ("condition met",)),
    "get": (("get", "bm"), ("READY", "STATE", "REASON", "STABLE", "CANARY", "WEIGHT", "REPLICAS", "AGE", "Serving")),
    "get -o wide": (
        ("get", "bm", "-o", "wide"),
        ("OWNER", "TIER", "DIGEST", "URL", "MESSAGE", "mortgage-risk", "High"),
    ),
    "scale": (("scale", "bm", MODEL, "--replicas=3"), ("scaled",)),
    "wait again": (("wait", "--for=condition=Ready", f"bm/{MODEL}", "--timeout=50s"), ("condition met",)),
    "describe": (("describe", "bm", MODEL), ("Available", "Lead Time", "Stable", "Events", "FirstSeen")),
}


def show(scene: Scene) -> Iterator[Line]:
    """Run each, print what came, and look for what must be in it."""
    for name, (words, wanted) in _COMMANDS.items():
        printed = scene.kubectl(*words)
        print(f"$ kubectl {' '.join(words)}\n{printed}", flush=True)
        absent = [word for word in wanted if word not in printed]
        yield Line(f"kubectl {name}", "all there" if not absent else f"absent: {absent}", "printed above", not absent)
