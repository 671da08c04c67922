"""What an end-to-end test sees and does in its namespace. No `test_` in here."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from system.caller import CallerPod
from system.mortgage import MODEL, Mortgage
from system.place import Place

__all__ = ["Scene"]

_POLL_S = 0.2
T = TypeVar("T")


@dataclass(frozen=True)
class Scene:
    """One namespace with (after `apply`) the mortgage model in it."""

    place: Place
    namespace: str
    images: Mapping[str, str]
    example: Mortgage

    @property
    def url(self) -> str:
        """The model's endpoint, by its Service's DNS name."""
        return f"http://{MODEL}.{self.namespace}.svc/v2/models/{MODEL}/infer"

    @property
    def grpc_address(self) -> str:
        """The same Service's port for gRPC."""
        return f"{MODEL}.{self.namespace}.svc:9000"

    def make_namespace(self) -> None:
        """With the restricted standard enforced."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}}
        self.place.kubectl("create", "-f", "-", body=body)

    def caller(self, ca: str = "") -> CallerPod:
        """An application's pod in the namespace, ready to ask; over https it believes CA."""
        pod = CallerPod(self.place.kubectl, self.namespace)
        pod.start(self.images["serving"], self.example.bodies("2"), ca)
        return pod

    def answering(self) -> CallerPod:
        """Version 1 serves and an application asks: the node's proxy may know its Service a second later than Ready says."""
        pod = self.caller()
        self.apply(self.manifest("1"))
        self.serves("1")
        pod.first_answer(self.url)
        return pod

    def manifest(self, version: str = "1", *, name: str = MODEL, **spec: Any) -> dict[str, Any]:
        """The example's BankModel, without a ladder; `spec` replaces whole fields of its spec."""
        model = self.example.manifest(version, self.namespace, **{"rollout": {"steps": []}, **spec})
        model["metadata"]["name"] = name
        return model

    def apply(self, body: dict[str, Any]) -> None:
        """As a user would."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=user", "-f", "-", body=body)

    def kubectl(self, *words: str, body: Any = None, check: bool = True) -> str:
        """What kubectl prints, in this namespace."""
        return self.place.kubectl("-n", self.namespace, *words, body=body, check=check).stdout

    def get(self, kind: str, name: str = MODEL) -> dict[str, Any]:
        """The live object; empty when there is none."""
        text = self.kubectl("get", kind, name, "-o", "json", check=False)
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def items(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """All of a kind."""
        words = ("get", kind, "-o", "json", *(("-l", selector) if selector else ()))
        found: list[dict[str, Any]] = json.loads(self.kubectl(*words))["items"]
        return found

    def pods(self, name: str = MODEL) -> list[dict[str, Any]]:
        """The model's pods that are not on their way out."""
        found = self.items("pods", f"serving.bankmodel.io/model={name}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def condition(self, kind: str, name: str = MODEL) -> dict[str, Any]:
        """A condition; empty until it is there."""
        conditions = self.get("bankmodel", name).get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {})

    def serves(self, version: str, name: str = MODEL, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """Wait until this version serves and nothing is under way; the live BankModel."""

        def look() -> dict[str, Any] | None:
            live = self.get("bankmodel", name)
            status = live.get("status", {})
            is_current = status.get("observedGeneration") == live.get("metadata", {}).get("generation")
            ready: dict[str, Any] = next((each for each in status.get("conditions", []) if each["type"] == "Ready"), {})
            is_there = status.get("stable", {}).get("version") == version and ready.get("status") == "True"
            return live if is_current and is_there else None

        return self.eventually(look, f"{name} serves version {version}", deadline_s=deadline_s)

    def stalls(self, reason: str, name: str = MODEL, *, deadline_s: float = 60.0) -> dict[str, Any]:
        """Wait until the model is stalled for this reason; the condition."""

        def look() -> dict[str, Any] | None:
            found = self.condition("Stalled", name)
            return found if (found.get("status"), found.get("reason")) == ("True", reason) else None

        return self.eventually(look, f"{name} stalls with {reason}", deadline_s=deadline_s)

    def eventually(self, look: Callable[[], T | None], what: str, *, deadline_s: float = 60.0) -> T:
        """Poll until LOOK answers something; past the deadline show what there was."""
        ends = time.monotonic() + deadline_s
        while not (found := look()):
            if time.monotonic() > ends:
                shown = self.kubectl("get", "bankmodels,pods,events", "-o", "wide", check=False)
                raise AssertionError(f"within {deadline_s:g} s it did not happen that {what}; there is:\n{shown}")
            time.sleep(_POLL_S)
        return found
