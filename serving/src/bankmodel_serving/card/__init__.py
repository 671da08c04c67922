"""The card: what travels inside the ONNX file (metadata_props) so that one digest covers the model and its description.

Written by `bankmodel export` and `bankmodel card`, read by the scoring container at start. Standard library only.
"""

from bankmodel_serving.card.parts import DATATYPES, KEY, Card, Feature, Golden, Histogram, OnMissing, Score
from bankmodel_serving.card.reading import read
from bankmodel_serving.card.writing import write

__all__ = ["DATATYPES", "KEY", "Card", "Feature", "Golden", "Histogram", "OnMissing", "Score", "read", "write"]
