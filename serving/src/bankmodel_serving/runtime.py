"""onnxruntime with its telemetry off; whoever needs onnxruntime takes it from here.

Since 1.29 the official Linux wheels report to their vendor by default: file name, graph name, producer, weight and graph
hashes, timings. A bank's models are nobody else's business. The variable is read when the library is loaded, so it has to
be set before the import; a value somebody chose is overruled, since it could only ask for reports.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
