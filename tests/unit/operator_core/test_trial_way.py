"""Which changes climb the ladder, and which go beside the stable and take over when ready."""

from __future__ import annotations

import pytest

from support.simulated_cluster import Simulation
from support.simulated_trials import HTTP, LADDER


@pytest.mark.parametrize(("applies_to", "state"), [("ModelChange", "Progressing"), ("AnyChange", "Preparing")])
def test_the_same_model_with_other_resources_is_tried_only_where_the_spec_says_so(applies_to: str, state: str) -> None:
    simulation = Simulation(model=HTTP, rollout={**LADDER, "appliesTo": applies_to})
    simulation.settle()
    simulation.edit(serving={"resources": {"requests": {"cpu": "1"}}})
    simulation.reconcile()

    assert state == simulation.rollout["state"]
