"""Compiles inference.proto with protoc. Run by `make proto`; the drift test compares what is committed with it.

In a process of its own: where protoc was loaded, loading ortools (for scorecards, in other tests) aborts the process.
"""

import base64
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PACKAGE = Path(__file__).parents[2] / "serving/src/bankmodel_serving/grpc_port"
_DEADLINE_S = 60
_PAGE = '''\
# Generated from inference.proto by `make proto`; do not edit.
"""inference.proto as protoc compiled it: a serialised FileDescriptorProto in base64."""

INFERENCE_PROTO = """
{text}
"""
'''


def compiled() -> FileDescriptorProto:
    """inference.proto as it stands, compiled."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "set"
        words = [f"--proto_path={PACKAGE}", f"--descriptor_set_out={target}", "inference.proto"]
        if subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", *words], check=False, timeout=_DEADLINE_S
        ).returncode:
            raise SystemExit("protoc could not compile inference.proto; what it said stands above")
        return FileDescriptorSet.FromString(target.read_bytes()).file[0]


def main() -> None:
    """Write inference_descriptor.py."""
    text = base64.b64encode(compiled().SerializeToString(deterministic=True)).decode()
    page = _PAGE.format(text="\n".join(textwrap.wrap(text, 100)))
    (PACKAGE / "inference_descriptor.py").write_text(page)


if __name__ == "__main__":
    main()
