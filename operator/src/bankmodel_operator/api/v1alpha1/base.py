"""What all models of the resource share, and the small types their fields are made of.

The models are frozen and ignore fields they do not know: a newer CRD may carry some, and reading must not fail on them.
The text under each field is its description in the CRD, so it is written for the user who types `kubectl explain bm`.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.duration import PATTERN, format_duration, parse_duration
from bankmodel_operator.api.quantity import MAX_LENGTH, normalise

__all__ = [
    "BakeTime",
    "Duration",
    "EnvName",
    "HoldTime",
    "ImageReference",
    "LabelKey",
    "LabelValue",
    "LongTime",
    "Model",
    "ObjectName",
    "Quantity",
    "Region",
    "RelativePath",
    "Version",
    "atomic",
    "map_by",
]


class Model(BaseModel):
    """Base of every part of the resource: frozen, camelCase outside, tolerant when reading."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )


def atomic(max_items: int) -> Any:
    """Return field settings for a list that one owner replaces as a whole."""
    return Field(max_length=max_items, json_schema_extra={"x-kubernetes-list-type": "atomic"})


def map_by(key: str, max_items: int) -> Any:
    """Return field settings for a list whose items are told apart by `key`, and can be owned one by one."""
    extra: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
    return Field(max_length=max_items, json_schema_extra=extra)


def _text(max_length: int, cel: str, message: str) -> Any:
    return Field(max_length=max_length, json_schema_extra=validations(Rule(cel, message)))


def _label_value(example: str) -> Any:
    return _text(
        63,
        "self.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
        f"must be letters, digits, '-', '_' and '.', with a letter or digit at both ends, such as {example}",
    )


def _quantity_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LabelValue = Annotated[str, Field(min_length=1), _label_value("mortgage-risk")]
Region = Annotated[str, Field(min_length=1), _label_value("eu-central-1")]
Version = Annotated[str, Field(min_length=1), _label_value("2026.11")]
LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
ObjectName = Annotated[
    str,
    Field(min_length=1),
    _text(
        253,
        "!format.dns1123Subdomain().validate(self).hasValue()",
        "must be the name of a Kubernetes object: small letters, digits, '-' and '.', such as mortgage-credentials",
    ),
]
EnvName = Annotated[
    str,
    Field(min_length=1),
    _text(
        128,
        "self.matches('^[A-Za-z_][A-Za-z0-9_]*$') && !self.startsWith('BANKMODEL_')",
        "must be letters, digits and '_', not starting with a digit; names with BANKMODEL_ are the operator's own, "
        "choose another",
    ),
]
ImageReference = Annotated[
    str,
    _text(
        512,
        "self.matches('^([a-zA-Z0-9][-a-zA-Z0-9._:/@]*)?$') && !self.contains('://')",
        "must be an image reference without scheme or spaces, such as registry.example/lending/mortgage:1 "
        "or registry.example/lending/mortgage@sha256:<digest>",
    ),
]
RelativePath = Annotated[
    str,
    Field(min_length=1),
    _text(
        512,
        "self.matches('^[-A-Za-z0-9._+=@,/]+$') && !self.matches('(^|/)([.][.])?(/|$)')",
        "must be a path inside the source, without leading '/', '..' or spaces, such as models/mortgage.onnx",
    ),
]
Quantity = Annotated[
    str,
    BeforeValidator(_quantity_text),
    AfterValidator(normalise),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": MAX_LENGTH,
            **validations(
                Rule(
                    "isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('0')) "
                    "&& quantity(string(self)).isLessThan(quantity('8E'))",
                    "must be a Kubernetes quantity from 0 to below 8E, such as 250m, 2 or 256Mi",
                )
            ),
        }
    ),
]


def _duration(least: str, most: str, example: str) -> Any:
    return Annotated[
        timedelta,
        BeforeValidator(parse_duration),
        PlainSerializer(format_duration, return_type=str),
        WithJsonSchema(
            {
                "type": "string",
                "maxLength": 21,
                **validations(
                    Rule(
                        f"self.matches('{PATTERN}') && duration(self) >= duration('{least}') "
                        f"&& duration(self) <= duration('{most}')",
                        f"must be a duration in hours, minutes and seconds between {least} and {most}, such as {example}",
                    )
                ),
            }
        ),
    ]


if TYPE_CHECKING:
    Duration = timedelta
    HoldTime = timedelta
    BakeTime = timedelta
    LongTime = timedelta
else:
    Duration = _duration("10s", "24h", "10m or 1h30m")
    HoldTime = _duration("0s", "720h", "10m or 48h")
    BakeTime = _duration("1m", "720h", "10m or 48h")
    LongTime = _duration("0s", "8760h", "168h")
