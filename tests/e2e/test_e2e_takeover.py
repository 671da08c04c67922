"""What happens to the operator is nobody's outage: upgraded, or its memory deleted, no model pod restarts."""

from system.installation import install_operator
from system.mortgage import MODEL
from system.scene import Scene
from system.takeover import Takeover, pod_ids


def test_an_operator_with_another_renderer_and_image_restarts_no_pod(scene: Scene) -> None:
    scene.apply(scene.manifest("1"))
    scene.serves("1")
    before = pod_ids(scene)

    with Takeover(scene) as other:
        is_effective = other.marks_a_new_revision()
        after = pod_ids(scene)
    install_operator(scene.place, scene.images)

    assert is_effective
    assert before == after


def test_a_deleted_status_is_rebuilt_and_nothing_moves(scene: Scene) -> None:
    scene.apply(scene.manifest("1"))
    stable = scene.serves("1")["status"]["stable"]["revision"]
    before = pod_ids(scene)

    removal = '[{"op":"remove","path":"/status"}]'
    scene.kubectl("patch", "bankmodel", MODEL, "--subresource=status", "--type=json", "-p", removal)

    assert stable == scene.serves("1")["status"]["stable"]["revision"]
    assert before == pod_ids(scene)
