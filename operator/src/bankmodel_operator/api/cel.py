"""Validation rules in CEL, written beside the model or type they guard.

Used by the models; `structural.py` carries them into the CRD. A rule's message is what a user reads when an apply is
refused, so it says what to write instead. Rules stand in place of `pattern`, whose only message would be the pattern:
the API server does not run rules on an object that already fails the plain schema.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["VALIDATIONS", "Rule", "validations"]

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """One condition that must hold, and what to tell the user when it does not."""

    cel: str
    message: str

    def as_schema(self) -> dict[str, Any]:
        """Return the rule as an item of `x-kubernetes-validations`."""
        return {"rule": self.cel, "message": self.message}


def validations(*rules: Rule) -> dict[str, Any]:
    """Return the schema extension that holds the rules, for `json_schema_extra`."""
    return {VALIDATIONS: [rule.as_schema() for rule in rules]}
