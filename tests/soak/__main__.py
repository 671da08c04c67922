"""`make soak-serving REQUESTS=10000000`: the server's memory over so many requests; exit 1 if it grew.

`python -m soak REQUESTS` (with PYTHONPATH=tests).
"""

import sys
import tempfile
from pathlib import Path

from soak.traffic import soak
from support import tiny_models
from support.scoring_process import ScoringProcess

MOST_MIB = 8.0


def main() -> int:
    requests = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        model = tiny_models.save(tiny_models.dense(), Path(folder) / "model.onnx")
        with ScoringProcess(model, "--queue-time", "600") as server:
            memory = soak(
                server, requests, lambda count, mib: print(f"{count:>10} requests  {mib:6.1f} MiB", flush=True)
            )
    verdict = "ok" if memory.growth_mib <= MOST_MIB else "short"
    print(f"answers by status: {dict(sorted(memory.statuses.items()))}")
    print(f"grew {memory.growth_mib:.1f} MiB since the first fifth, bar {MOST_MIB:.0f}: {verdict}")
    return 0 if verdict == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
