"""NVIDIA's client against the running server: both of its HTTP clients, JSON and binary, every datatype."""

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from bankmodel_serving.engine import Engine
from bankmodel_serving.tensors import KINDS
from support.scoring_process import ScoringProcess

ROWS = 5
FORMS = [False, True]


def _values(datatype: str, dtype: "np.dtype[Any]") -> "np.ndarray[Any, Any]":
    if datatype == "BYTES":
        values: np.ndarray[Any, Any] = np.empty(ROWS, dtype=object)
        values[:] = ["", "Zürich", "a\x00b", "𝄞", "north"]
    elif datatype == "BOOL":
        values = np.array([True, False, True, True, False])
    elif datatype.startswith("FP"):
        values = np.array([np.finfo(dtype).max, -0.0, 0.1, np.finfo(dtype).tiny, np.finfo(dtype).min], dtype)
    else:
        values = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1, 7], dtype)
    return values.reshape(ROWS, 1)


COLUMNS = {kind.datatype: _values(kind.datatype, kind.dtype) for kind in KINDS}


def _inputs(module: Any, columns: dict[str, "np.ndarray[Any, Any]"], binary: bool, **names: str) -> list[Any]:
    inputs = []
    for datatype, array in columns.items():
        tensor = module.InferInput(names.get(datatype, datatype), list(array.shape), datatype)
        tensor.set_data_from_numpy(array, binary_data=binary)
        inputs.append(tensor)
    return inputs


def _texts(array: "np.ndarray[Any, Any]") -> list[str]:
    return [value.decode() if isinstance(value, bytes) else value for value in array.reshape(-1).tolist()]


def _bits(name: str, array: "np.ndarray[Any, Any]") -> Any:
    return _texts(array) if name.startswith("BYTES") else (array.dtype.str, array.shape, array.tobytes())


@pytest.fixture
def client(every: ScoringProcess) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{every.port}") as found:
        yield found


@pytest.mark.parametrize("sends_binary", FORMS)
@pytest.mark.parametrize("reads_binary", FORMS)
def test_every_datatype_comes_back_bit_by_bit(
    every: ScoringProcess, client: Any, sends_binary: bool, reads_binary: bool
) -> None:
    wanted = [triton.InferRequestedOutput(f"{name}_out", binary_data=reads_binary) for name in COLUMNS]
    answer = client.infer("m", _inputs(triton, COLUMNS, sends_binary), outputs=wanted, request_id="t-1")
    engine = Engine.load(str(every.model.path))
    alone = engine.run([COLUMNS[spec.name] for spec in engine.inputs])
    expected = {spec.name: _bits(spec.name, array) for spec, array in zip(engine.outputs, alone, strict=True)}

    assert expected == {name: _bits(name, answer.as_numpy(name)) for name in expected}
    assert ["t-1", "1"] == [answer.get_response()[key] for key in ("id", "model_version")]


def test_without_outputs_it_asks_for_all_in_binary_and_gets_them(client: Any) -> None:
    answer = client.infer("m", _inputs(triton, COLUMNS, binary=False))

    assert {f"{name}_out" for name in COLUMNS} == {output["name"] for output in answer.get_response()["outputs"]}
    assert all("binary_data_size" in output["parameters"] for output in answer.get_response()["outputs"])
    assert COLUMNS["FP32"].tobytes() == answer.as_numpy("FP32_out").tobytes()


@pytest.mark.parametrize("sends_binary", FORMS)
def test_it_may_compress_and_offer_to_decompress(client: Any, sends_binary: bool) -> None:
    answer = client.infer(
        "m",
        _inputs(triton, COLUMNS, sends_binary),
        request_compression_algorithm="gzip",
        response_compression_algorithm="gzip",
    )

    assert COLUMNS["FP64"].tobytes() == answer.as_numpy("FP64_out").tobytes()


def test_a_compression_that_is_not_read_is_told(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="content-encoding must be gzip") as caught:
        client.infer("m", _inputs(triton, COLUMNS, binary=True), request_compression_algorithm="deflate")

    assert "415" == caught.value.status()


def test_it_reads_the_metadata(client: Any) -> None:
    server, model = client.get_server_metadata(), client.get_model_metadata("m", "1")

    assert ["binary_tensor_data"] == server["extensions"]
    assert ["m", ["1"]] == [model["name"], model["versions"]]
    assert {"name": "FP16", "datatype": "FP16", "shape": [-1, 1]} in model["inputs"]
    assert client.is_server_live()
    assert client.is_server_ready()
    assert [True, True, False] == [client.is_model_ready(*which) for which in (("m",), ("m", "1"), ("other",))]


@pytest.mark.parametrize("binary", FORMS)
def test_a_complaint_reaches_the_caller(client: Any, binary: bool) -> None:
    columns = {**COLUMNS, "FP32": np.array([[1.0], [2.0]], np.float32)}

    with pytest.raises(InferenceServerException, match="must have the same") as caught:
        client.infer("m", _inputs(triton, columns, binary))

    assert "400" == caught.value.status()


@pytest.mark.parametrize("binary", FORMS)
async def test_the_async_client_is_answered_as_well(mixed: ScoringProcess, binary: bool) -> None:
    names = {"FP32": "income", "INT64": "visits", "BYTES": "region"}
    columns = {
        "FP32": np.array([[np.nan], [5.5]], np.float32) if binary else np.array([[0], [5.5]], np.float32),
        "INT64": np.array([[1], [2]]),
        "BYTES": np.array([["north"], ["Zürich"]], dtype=object),
    }
    async with triton_aio.InferenceServerClient(f"127.0.0.1:{mixed.port}") as client:
        calls = [client.infer("m", _inputs(triton_aio, columns, binary, **names)) for _ in range(20)]
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*calls)

    assert [[11.0, 7.5]] * 20 == [answer.as_numpy("score").reshape(-1).tolist() for answer in answers]
    assert ["north", "Zürich"] == _texts(answers[0].as_numpy("region_out"))
