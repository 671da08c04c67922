"""Our canonical quantities against Kubernetes' own."""

from bankmodel_operator.api.quantity import normalise
from support.kubectl import Kubectl

_WRITTEN = (
    *("0", "1", "1000m", "1500m", "0.5", ".5", "0.1", "1.0000000001", "100k", "1000", "1000000", "1024", "1025", "9E"),
    *(
        "0Ki",
        "0.5Ki",
        "1.5Ki",
        "1.1Ki",
        "1000Ki",
        "1023Ki",
        "2048Ki",
        "1024Mi",
        "1536Mi",
        "0.1Mi",
        "0.5Gi",
        "1.5Gi",
        "7Ei",
    ),
    *(
        "1n",
        "0.1n",
        "1500000000n",
        "0e3",
        "1e1",
        "1e3",
        "1e4",
        "2e2",
        "12e6",
        "0.5e3",
        "1500e3",
        "1e-1",
        "1e-9",
        "1e-12",
    ),
)
_WRITTEN_ODDLY = ("+1", "5.", "1.E3", "100E3", "1e0", "1024e0")
"""Spellings the API server stores as they are; we do not, so what counts is that it leaves our form alone."""


def test_canonical_form_is_that_of_the_api_server(kubectl: Kubectl, namespace: str) -> None:
    theirs = _stored(kubectl, namespace, _WRITTEN)

    assert theirs == tuple(normalise(text) for text in _WRITTEN)


def test_api_server_leaves_our_form_alone(kubectl: Kubectl, namespace: str) -> None:
    ours = tuple(normalise(text) for text in (*_WRITTEN, *_WRITTEN_ODDLY))

    assert ours == _stored(kubectl, namespace, ours)


def _stored(kubectl: Kubectl, namespace: str, written: tuple[str, ...]) -> tuple[str, ...]:
    """Write them all into one object that nothing acts upon, and read back what was kept."""
    volumes = [{"name": f"v{n}", "emptyDir": {"sizeLimit": text}} for n, text in enumerate(written)]
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": volumes}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    body = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "sizes"}, "template": template}
    kubectl("create", "-n", namespace, "-f", "-", body=body)
    kept = kubectl.read("get", "podtemplate", "sizes", "-n", namespace)["template"]["spec"]["volumes"]
    return tuple(volume["emptyDir"]["sizeLimit"] for volume in kept)
