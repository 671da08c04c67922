# Every command of the project. `make` alone lists them. Nothing to install beforehand but make and Python 3.11 or newer.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo demo-down score test check format unit control-plane e2e crds docs lock images cluster-up cluster-down verify-operator verify-serving verify-rollout verify-export bench-serving fuzz soak-serving clean

export PYTHONPATH := tests
# What `make CLUSTER=kind` or the environment says is handed on: node (default), kind or current.
export CLUSTER
PYTHON ?= python3
SECONDS ?= 60
REQUESTS ?= 10000000
UV_VERSION := 0.13.9
READY := .venv/.ready
RUN := .venv/bin/python
IN := .venv/bin

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## one command: cluster, operator, model, a scored request, an update under load
	@$(RUN) -m demo up
demo-down: $(READY) ## undo it
	@$(RUN) -m demo down
score: $(READY) ## the scoring server alone on the example, without a cluster
	@$(RUN) -m demo score

test: $(READY) ## the whole suite, from unit tests to the real cluster
	@$(RUN) -m cluster binaries
	@$(RUN) -m cluster --name test up
	@$(RUN) -m cluster --name test images
	@$(RUN) -m bench prepare
	@$(RUN) -m pytest -q -n 2 --dist loadfile tests/unit tests/contract
	@BANKMODEL_CLUSTER_NAME=test $(RUN) -m pytest tests/serving_system tests/control_plane tests/e2e
check: $(READY) ## format, lint, types, layers, unit tests; under a minute
	@$(IN)/ruff format --check --quiet .
	@$(IN)/ruff check --quiet .
	@$(IN)/mypy
	@$(IN)/lint-imports | tail -n 2
	@$(RUN) -m pytest -q -n 2 --dist loadfile tests/unit tests/contract
format: $(READY) ## let ruff write the format and what it can fix
	@$(IN)/ruff format --quiet .
	@$(IN)/ruff check --fix --quiet .
unit: $(READY) ## unit and contract tests
	@$(RUN) -m pytest -q -n 2 --dist loadfile tests/unit tests/contract
control-plane: $(READY) ## the operator against a real API server
	@$(RUN) -m cluster binaries
	@$(RUN) -m pytest tests/control_plane
e2e: $(READY) ## the whole system on a real cluster
	@$(RUN) -m cluster --name test up
	@$(RUN) -m cluster --name test images
	@BANKMODEL_CLUSTER_NAME=test $(RUN) -m pytest tests/e2e
verify-operator: $(READY) ## measure what the README promises; ITEM=4 for one, FRESH=1 to start over
	@$(RUN) -m verify operator $(if $(ITEM),--item $(ITEM)) $(if $(FRESH),--fresh)
verify-serving: $(READY) ## measure the bars of scoring, against others too; ITEM= and FRESH=1 as above
	@$(RUN) -m verify serving $(if $(ITEM),--item $(ITEM)) $(if $(FRESH),--fresh)
verify-rollout: $(READY) ## measure what is promised of rollouts; ITEM= and FRESH=1 as above, COUNT=100 of each kind
	@$(RUN) -m verify rollout $(if $(ITEM),--item $(ITEM)) $(if $(FRESH),--fresh)
verify-export: $(READY) ## count what exact trees change (nothing); ITEM= and FRESH=1 as above
	@$(RUN) -m verify export $(if $(ITEM),--item $(ITEM)) $(if $(FRESH),--fresh)
bench-serving: $(READY) ## measure scoring against others on one core; ARGS="--contenders bankmodel" for some
	@$(RUN) -m bench serving $(ARGS)

fuzz: $(READY) ## look for bytes that break the network edge or the codec; SECONDS=60
	@$(IN)/uv pip install --quiet --python $(RUN) --target build/fuzz --require-hashes -r requirements/fuzz.lock
	@for target in edge codec; do PYTHONPATH=tests:build/fuzz $(RUN) -m fuzz $$target $(SECONDS) || exit 1; done
.PHONY: mutate-core
mutate-core: $(READY) ## change the rollout core in small ways and see which its tests miss; ONLY=way.py for one part
	@test -x build/mutate/bin/cosmic-ray || { $(PYTHON) -m venv build/mutate && $(IN)/uv pip install --quiet --python build/mutate/bin/python cosmic-ray==8.4.6; }
	@$(RUN) -m mutation $(ONLY)
.PHONY: newest
newest: $(READY) ## try the export with the newest libraries on the registry; a table, no verdict
	@$(RUN) -m newest
soak-serving: $(READY) ## the scoring server's memory over many requests; REQUESTS=10000000
	@$(RUN) -m soak $(REQUESTS)

cluster-up: $(READY) ## a real single-node Kubernetes without Docker (CLUSTER=kind: with)
	@$(RUN) -m cluster up
cluster-down: $(READY) ## stop it and remove every trace
	@$(RUN) -m cluster down
images: $(READY) ## build the serving and operator images and bring them to the cluster
	@$(RUN) -m cluster images

crds: $(READY) ## write crds/ from the models
	@$(RUN) -m bankmodel_operator.generate crd > crds/bankmodels.serving.bankmodel.io.yaml
.PHONY: proto
proto: $(READY) ## compile inference.proto into the serving package
	@$(RUN) -m support.inference_proto
docs: $(READY) ## write the generated pages of docs/
	@$(RUN) -m bankmodel_operator.generate rollout > docs/rollout.md
	@$(RUN) -m bankmodel_operator.generate settings > docs/settings.md
	@$(RUN) -m support.conversions > docs/conversions.md
	@$(RUN) -m support.tutorial > docs/tutorials/from-notebook-to-score.ipynb
lock: $(READY) ## write requirements/*.lock from pyproject.toml
	@PATH="$(CURDIR)/.venv/bin:$$PATH" requirements/lock.sh
.PHONY: bench-batch
bench-batch: $(READY) ## how much of raw onnxruntime bankmodel score gets on a large file
	@$(RUN) -m bench.batch
clean: ## remove what was built in the checkout; the cache outside it stays
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml requirements/dev.lock
	@echo "==> making .venv from requirements/dev.lock" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, %s is %s; say make PYTHON=..." % (sys.executable, sys.version.split()[0]))'
	@$(PYTHON) -m venv .venv || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(IN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(IN)/uv pip sync --quiet --compile-bytecode --python $(RUN) --require-hashes requirements/dev.lock
	@$(IN)/uv pip install --quiet --python $(RUN) --no-deps --editable .
	@touch $(READY)
