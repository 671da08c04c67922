"""Where the model's file comes from and which file it must be. Read by the core, never by the serving container."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from bankmodel_operator.api.cel import Rule, validations
from bankmodel_operator.api.v1alpha1.base import ImageReference, Model, ObjectName, Region, RelativePath, Version

__all__ = ["HttpSource", "ImageSource", "ModelFile", "Reference", "S3Source", "Source", "Url", "VolumeSource"]

_IS_HTTP: Final = "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''"
_HTTP_URL: Final = (
    Rule(_IS_HTTP, "must be a whole URL with http or https and a host, such as https://models.example/mortgage.onnx"),
    Rule(
        "!self.matches('^[^/]*//[^/?#]*@')",
        "must not contain a password or user name: put them into a Secret and name it in secretRef",
    ),
)
Url = Annotated[str, Field(min_length=1, max_length=2048, json_schema_extra=validations(*_HTTP_URL))]
Sha256 = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        json_schema_extra=validations(
            Rule(
                "self.matches('^[0-9a-f]{64}$')",
                "must be 64 small hexadecimal digits without a prefix such as sha256:, "
                "as `sha256sum FILE` or `bankmodel inspect FILE` prints them",
            )
        ),
    ),
]


class Reference(Model):
    """The name of an object in the BankModel's own namespace."""

    name: ObjectName
    """Name of the object, in the namespace of the BankModel."""


class ImageSource(Model):
    """An OCI image or artifact that holds the file, mounted as an image volume (not fetched, not unpacked by us)."""

    reference: Annotated[ImageReference, Field(min_length=1)]
    """The image, by tag or by digest. A tag may move, what is served may not: sha256 is checked."""
    path: RelativePath = "model.onnx"
    """Path of the ONNX file inside the image."""


class HttpSource(Model):
    """A web server that answers GET with the file."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "!has(self.caBundleRef) || self.url.startsWith('https://')",
                "caBundleRef is for https: use an https url, or leave caBundleRef out",
            )
        )
    )

    url: Url
    """Where to fetch the file: an http or https URL without credentials in it."""
    secret_ref: Reference | None = None
    """Secret with the key `token` (a bearer token) or the keys `username` and `password`. Absent: none is sent."""
    ca_bundle_ref: Reference | None = None
    """ConfigMap with the key `ca.crt`: the certificate authorities to trust instead of the usual ones."""


class S3Source(Model):
    """An object in Amazon S3 or in a store that speaks its protocol."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "!has(self.caBundleRef) || !has(self.endpoint) || self.endpoint.startsWith('https://')",
                "caBundleRef is for https: use an https endpoint, or leave caBundleRef out",
            )
        )
    )

    bucket: Annotated[
        str,
        Field(
            min_length=1,
            max_length=63,
            json_schema_extra=validations(
                Rule(
                    "self.matches('^[a-z0-9][-a-z0-9.]+[a-z0-9]$')",
                    "must be a bucket name: 3 to 63 small letters, digits, '-' and '.'",
                )
            ),
        ),
    ]
    """Name of the bucket."""
    key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            json_schema_extra=validations(
                Rule("!self.startsWith('/')", "must be the object's key without leading '/', such as mortgage/1.onnx")
            ),
        ),
    ]
    """Key of the ONNX file in the bucket."""
    endpoint: Url | None = None
    """URL of the store. Absent: Amazon's own for the region."""
    region: Region | None = None
    """Region of the bucket. Absent: us-east-1, which stores other than Amazon's usually accept."""
    secret_ref: Reference | None = None
    """Secret with the keys `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if needed, `AWS_SESSION_TOKEN`.
    Absent: requests are not signed."""
    ca_bundle_ref: Reference | None = None
    """ConfigMap with the key `ca.crt`: the certificate authorities to trust instead of the usual ones."""


class VolumeSource(Model):
    """A file on a persistent volume, copied into the pod and checked before it is served."""

    claim_name: ObjectName
    """PersistentVolumeClaim in the BankModel's namespace; mounted read-only."""
    path: RelativePath
    """Path of the ONNX file on the volume."""


class Source(Model):
    """How the file reaches the pod. Exactly one member is set."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "[has(self.image), has(self.http), has(self.s3), has(self.volume)].exists_one(set, set)",
                "name exactly one source: image, http, s3 or volume",
            )
        )
    )

    image: ImageSource | None = None
    """An OCI image that holds the file, mounted as an image volume. Needs a cluster that has image volumes."""
    http: HttpSource | None = None
    """A web server to fetch the file from when a pod starts."""
    s3: S3Source | None = None
    """An S3 bucket to fetch the file from when a pod starts."""
    volume: VolumeSource | None = None
    """A persistent volume to copy the file from when a pod starts."""


class ModelFile(Model):
    """Which model is served: a name for people, a digest for proof, and where to get it."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            Rule(
                "self.sha256 == oldSelf.sha256 || self.version != oldSelf.version",
                "a new sha256 needs a new version, or history could not tell the two files apart: "
                "change spec.model.version too",
            )
        )
    )

    version: Version
    """What people call this model version, such as 2026.11; given back in every answer."""
    sha256: Sha256
    """SHA-256 of the ONNX file itself, checked where the file is loaded, whatever brought it there."""
    source: Source
    """Where the file comes from. Exactly one of image, http, s3 and volume."""
