"""The engine: one ONNX model in onnxruntime, and the only importer of it. Called by the scheduler and at start-up.

One thread per session and no spinning: more threads change results by 2e-7 and burn the CPU of other pods
(reference/scoring-performance.md, conclusion 5). Scale by pods.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bankmodel_serving.bound import BoundBatch, FedBatch
from bankmodel_serving.errors import InferenceFailed, ModelInvalid
from bankmodel_serving.grouping import groups_of
from bankmodel_serving.runtime import onnxruntime as ort
from bankmodel_serving.tensors import Array, TensorSpec, kind_of_onnx

__all__ = ["Engine", "probe_rows", "session_options"]

_LOG = logging.getLogger(__name__)
_NOWHERE = "/dev/null/none"  # weights in a second file would not be covered by the digest: none may be found
_QUIET = 3  # onnxruntime's severity "error"; warnings about graph optimisation say nothing to an operator


class Engine:
    """A loaded model. `run` may be called from any thread; what `prepared` makes belongs to one."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self.outputs = tuple(_spec(node) for node in session.get_outputs())
        self.groups = groups_of(self.inputs)
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self._input_names = tuple(spec.name for spec in self.inputs)
        self._output_names = [spec.name for spec in self.outputs]

    @classmethod
    def load(cls, path: str) -> "Engine":
        """Load an ONNX file; raises ModelInvalid saying why it can't be served."""
        try:
            session = ort.InferenceSession(path, session_options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            if "external" in str(error).lower():
                raise ModelInvalid(
                    f"{path} keeps weights in another file, which its sha256 does not cover; save it as one file"
                ) from error
            raise ModelInvalid(f"{path} can't be loaded as an ONNX model: {_first_line(error)}") from error
        return cls(session)

    def run(self, columns: Sequence[Array]) -> list[Array]:
        """All outputs for one set of inputs, both in the model's order."""
        return self._run_feed(dict(zip(self._input_names, columns, strict=True)))

    def _run_feed(self, feed: Mapping[str, Array]) -> list[Array]:
        try:
            found = self._session.run(self._output_names, feed)
        except Exception as error:  # as above
            raise InferenceFailed(f"the model failed on these inputs: {_first_line(error)}") from error
        return [_known(spec, value) for spec, value in zip(self.outputs, found, strict=True)]

    def prepared(self, max_rows: int) -> BoundBatch | FedBatch | None:
        """Batches of up to `max_rows` rows by the shortest way there is, or None where the rows of inputs vary in shape."""
        if not self.groups:
            return None
        rows = self._output_row_shapes() if self._can_be_bound() else None
        if rows is None:
            return FedBatch(self._run_feed, self.inputs, self.groups, max_rows=max_rows)
        return BoundBatch(
            self._session, self.inputs, self.groups, outputs=self.outputs, output_rows=rows, max_rows=max_rows
        )

    def _can_be_bound(self) -> bool:
        specs = (*self.inputs, *self.outputs)
        return all(spec.has_rows and spec.kind.family != "string" for spec in specs)  # onnxruntime can't bind strings

    def _output_row_shapes(self) -> list[tuple[int, ...]] | None:
        """Shapes of one row of each output, seen by running: exporters often leave them open. None if they vary."""
        try:
            one, three = (self.run(probe_rows(self.inputs, rows)) for rows in (1, 3))
        except InferenceFailed as error:
            _LOG.info("no bound buffers: a probe of zeros failed", extra={"error": str(error)})
            return None
        fits = all(a.shape[0] == 1 and b.shape == (3, *a.shape[1:]) for a, b in zip(one, three, strict=True))
        return [array.shape[1:] for array in one] if fits else None


def probe_rows(specs: Sequence[TensorSpec], rows: int) -> list[Array]:
    """`rows` rows of zeros (of empty strings); a dimension that varies is taken as 1."""
    return [np.full(_probe_shape(spec, rows), _zero(spec), dtype=spec.kind.dtype) for spec in specs]


def _probe_shape(spec: TensorSpec, rows: int) -> tuple[int, ...]:
    return tuple((rows if axis == 0 else 1) if size is None else size for axis, size in enumerate(spec.shape))


def _zero(spec: TensorSpec) -> Any:
    return "" if spec.kind.family == "string" else 0


def session_options() -> ort.SessionOptions:
    """How every session is made, here and on the export side: other options may round otherwise."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    return options


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in node.shape)
    return TensorSpec(node.name, kind_of_onnx(node.name, node.type), shape)


def _known(spec: TensorSpec, value: Any) -> Array:
    if not isinstance(value, np.ndarray):
        raise InferenceFailed(f"output {spec.name} has no value for these inputs")
    return value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
