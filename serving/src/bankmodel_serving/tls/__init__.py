"""TLS on the scoring port: the pair from files that may change, and a port that shakes hands before HTTP begins."""

from bankmodel_serving.tls.context import Pair, TlsPaths
from bankmodel_serving.tls.files import TlsFiles
from bankmodel_serving.tls.peers import Shown
from bankmodel_serving.tls.port import Keeper, TlsPort
from bankmodel_serving.tls.validity import Validity, uncommon_key, validity_of

__all__ = ["Keeper", "Pair", "Shown", "TlsFiles", "TlsPaths", "TlsPort", "Validity", "uncommon_key", "validity_of"]
