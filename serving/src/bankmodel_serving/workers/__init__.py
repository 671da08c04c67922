"""Several scoring processes in one pod: they share the scoring port, a supervisor has the metrics port.

Nothing in here may import numpy or onnxruntime: the supervisor is to stay small.
"""
