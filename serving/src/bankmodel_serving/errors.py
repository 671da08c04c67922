"""Everything that can go wrong in the scoring container, as one tree. Imports nothing.

Branches say what to do: answer the caller (RequestError) or end the process (FatalError). Leaves say the cause.
"""


class ServingError(Exception):
    """The root: whatever this package raises on purpose."""


class RequestError(ServingError):
    """One request can't be answered; its caller is told why and the others are undisturbed."""

    status = 400


class BadRequest(RequestError):
    """The request is not what the protocol or the model asks for; sending it again changes nothing."""


class NotFound(RequestError):
    """No such path, model or version here."""

    status = 404


class MethodNotAllowed(RequestError):
    """The path exists, the method on it does not."""

    status = 405


class RequestTimeout(RequestError):
    """The client took too long to send its request."""

    status = 408


class BodyTooLarge(RequestError):
    """The body is above the limit."""

    status = 413


class UnsupportedEncoding(RequestError):
    """The body is compressed or encoded in a way this server does not read."""

    status = 415


class HeadersTooLarge(RequestError):
    """Too many header bytes or too many headers."""

    status = 431


class InferenceFailed(RequestError):
    """The model itself failed on inputs that looked right."""

    status = 500


class TransferUnsupported(RequestError):
    """A transfer coding other than chunked."""

    status = 501


class Overloaded(RequestError):
    """Full or not ready: try again later or elsewhere."""

    status = 503


class DeadlineExceeded(RequestError):
    """The answer would have come too late; the work was dropped."""

    status = 504


class FatalError(ServingError):
    """The process has to end. `reason` is for machines: it goes into the container's last words."""

    reason = "Unknown"


class StartError(FatalError):
    """The process can't start. `reason` is what the operator shows as the condition's reason."""

    reason = "ModelInvalid"


class SettingsInvalid(StartError):
    """One or more settings are wrong; the message lists them all."""

    reason = "SettingsInvalid"


class DigestMismatch(StartError):
    """The bytes are not those that were approved."""

    reason = "DigestMismatch"


class ModelInvalid(StartError):
    """Not an ONNX file, or one that this runtime can't run."""


class CardError(ModelInvalid):
    """The card inside the model can't be read; the message names the field."""


class SourceError(StartError):
    """The model could not be fetched."""

    reason = "SourceUnreachable"


class SourceUnreachable(SourceError):
    """Name resolution, connection, TLS, time-out or a 5xx: trying again may help."""


class SourceDenied(SourceError):
    """The source refused the credentials (401, 403)."""

    reason = "SourceDenied"


class SourceNotFound(SourceError):
    """The source is there, the model is not (404, no such key, no such file)."""

    reason = "SourceNotFound"


class WorkerLost(FatalError):
    """One of several scoring processes has ended unasked; the others end with it."""

    reason = "WorkerLost"


class CertificateInvalid(ServingError):
    """A certificate, key or client CA can't be used; the last good ones stay."""


class RoutingError(ServingError):
    """A routing table can't be accepted; the last good one stays. `reason` labels the counter."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
