"""The scoring port over gRPC. Imported only by a server that was started with --grpc-port, since grpcio costs memory.

`port` opens and ends it, `service` answers the protocol's calls, `health` gRPC's own; `reading` and `writing` are the
codec; `messages` are the protocol's, made from `inference.proto`.
"""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its core writes lines of its own to stderr, where ours are JSON
