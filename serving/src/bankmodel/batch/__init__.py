"""`bankmodel score`: files of any size scored as a pod of the same digest would answer each row alone.

Stands on `bankmodel_serving` and pyarrow; needs neither scikit-learn nor pandas nor onnx. One process reads and writes, the
others score: `command` → `score` → `reading`, `pool` (→ `worker` in each process), `writing`.
"""
