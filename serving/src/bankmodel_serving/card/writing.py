"""Card to text, always the same bytes for the same card. Pure."""

import json
from typing import Any

from bankmodel_serving.card.parts import CARD_VERSION, Card, Feature, Golden, Histogram, Score

__all__ = ["write"]


def write(card: Card) -> str:
    """The card as canonical JSON: sorted keys, no spaces, so that the same card is always the same bytes."""
    document = {
        "cardVersion": CARD_VERSION,
        "features": [_feature_json(feature) for feature in card.features],
        "golden": card.golden and _golden_json(card.golden),
        "parity": dict(card.parity),
        "provenance": dict(card.provenance),
        "score": card.score and _score_json(card.score),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _feature_json(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "datatype": feature.datatype,
        "onMissing": feature.on_missing,
        "missingToken": feature.missing_token,
        "baseline": feature.baseline and _histogram_json(feature.baseline),
    }


def _histogram_json(histogram: Histogram) -> dict[str, Any]:
    bins = {"categories": histogram.categories} if histogram.categories else {"edges": histogram.edges}
    return {**bins, "counts": histogram.counts, "missing": histogram.missing, "outside": histogram.outside}


def _score_json(score: Score) -> dict[str, Any]:
    return {
        "output": score.output,
        "classIndex": score.class_index,
        "edges": score.edges,
        "cutoff": score.cutoff,
        "baseline": score.baseline and _histogram_json(score.baseline),
    }


def _golden_json(golden: Golden) -> dict[str, Any]:
    columns = {"inputs": dict(golden.inputs), "outputs": dict(golden.outputs)}
    return {**columns, "rtol": golden.rtol, "atol": golden.atol}
