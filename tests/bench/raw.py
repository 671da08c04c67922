"""`python -m bench.raw MODEL.onnx NAME ROWS SECONDS`: how many `session.run` a second there are, with nothing around them: the limit.

Feeds are made before the clock starts and take turns. Run in a process of its own on the server's core, by `contenders`.
"""

import json
import sys
from itertools import cycle, islice
from time import perf_counter, process_time

import numpy as np

from bankmodel_serving.engine import session_options
from bankmodel_serving.runtime import onnxruntime
from bench import rows
from bench.reference import all_rows

_WARM_UP = 64
_CHUNK = 32


def main(path: str, name: str, batch_rows: int, seconds: float) -> dict[str, float]:
    """Calls a second, the quantiles of one call in µs, and the processor's time for one."""
    session = onnxruntime.InferenceSession(path, session_options(), providers=["CPUExecutionProvider"])
    feeds = cycle(rows.batches(all_rows(name), batch_rows))
    for feed in islice(feeds, _WARM_UP):
        session.run(None, feed)
    times: list[float] = []
    began, began_cpu = perf_counter(), process_time()
    while (before := perf_counter()) - began < seconds:
        for feed in islice(feeds, _CHUNK):
            session.run(None, feed)
            times.append(-before + (before := perf_counter()))
    took, cpu = perf_counter() - began, process_time() - began_cpu
    p50, p99, p999 = np.quantile(times, (0.5, 0.99, 0.999)) * 1e6
    calls = len(times)
    return {"per_s": calls / took, "p50_us": p50, "p99_us": p99, "p999_us": p999, "cpu_us": cpu / calls * 1e6}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
