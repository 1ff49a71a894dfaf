# The two commands of the README: `make demo` and `make test`. Python 3.11 and pip are all they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
STAMP := $(VENV)/.installed

.PHONY: fuzz soak demo test lint types imports unit unit-cluster unit-broker reference lock clean jars kafka kafka-down race race-setup race-lock cluster cluster-down

demo: $(STAMP)
	$(BIN)/corridor demo --output demo --overwrite

test: lint types imports unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports --no-cache

# What lives in the present waits most of its time: the tests of a cluster run beside those of a broker.
unit: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not (flink or kafka or cluster)"
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=15 -m "flink and not (kafka or cluster)"
	$(MAKE) -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) unit-cluster unit-broker

unit-cluster: $(STAMP)
	$(BIN)/python -m pytest -p no:cacheprovider --durations=10 -m cluster

unit-broker: $(STAMP)
	$(BIN)/python -m pytest --durations=15 -m "kafka and not cluster"

# uv comes from PyPI into a folder of its own (no venv module needed, no change to the system's Python);
# the lock names every package with its hashes. Bytecode is written as modules are first imported, by corridor.warm
# most of it: to compile all 160 MB of what is installed would take longer than the whole demo.
unexport PYTHONDONTWRITEBYTECODE

$(UV):
	$(PYTHON) -m pip install --quiet --target .uv uv==0.13.9

$(STAMP): requirements.lock pyproject.toml | $(UV)
	[ -x $(BIN)/python ] || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes --requirement requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m corridor.warm
	touch $(STAMP)

# Kafka's jars by Maven, into the user's cache folder, each checked against deploy/jars/checksums.txt.
jars: $(STAMP)
	$(BIN)/python -m corridor.kafka.jars

# A broker on loopback with all topics; CORRIDOR_BROKER_PORT in place of 9092.
kafka: $(STAMP)
	$(BIN)/python -m corridor.kafka.local up

kafka-down: $(STAMP)
	$(BIN)/python -m corridor.kafka.local down

# A Flink cluster on loopback: a JobManager with high availability, two TaskManagers; CORRIDOR_CLUSTER_PORT for 8081.
cluster: $(STAMP)
	$(BIN)/python -m corridor.kafka.jars
	$(BIN)/python -m corridor.flink.standalone up

cluster-down: $(STAMP)
	$(BIN)/python -m corridor.flink.standalone down

# Memory over a long while; MINUTES=30 unless told.
MINUTES ?= 30
soak: jars
	$(BIN)/python bench/soak.py --minutes $(MINUTES)

# A million inputs to the parser and the loader of rulebooks.
fuzz: $(STAMP)
	$(BIN)/python -m tests.rulebook.fuzz

reference: $(STAMP)
	$(BIN)/python -m corridor.reference .
	$(BIN)/python -m corridor.rulebook.guide .
	$(BIN)/python -m corridor.guides .
	$(BIN)/python deploy/grafana/build.py

# After a change of pyproject.toml: compile the lock anew (hashes, no index names).
lock: | $(UV)
	$(UV) pip compile --quiet --universal --generate-hashes --group dev --no-emit-index-url \
		--custom-compile-command "make lock" pyproject.toml --output-file requirements.lock

# The race of bench/race.py. Its peers are no dependencies of Corridor and have an environment of their own.
RACE := .venv-race
RACE_STAMP := $(RACE)/.installed

race: $(STAMP) $(RACE_STAMP)
	$(BIN)/python bench/race.py > bench/results/race.new
	mv bench/results/race.new bench/results/race.txt
	cat bench/results/race.txt

race-setup: $(RACE_STAMP)

$(RACE_STAMP): bench/requirements-peers.lock | $(UV)
	[ -x $(RACE)/bin/python ] || $(UV) venv --quiet --python $(PYTHON) $(RACE)
	VIRTUAL_ENV=$(RACE) $(UV) pip install --quiet --require-hashes --requirement bench/requirements-peers.lock
	touch $(RACE_STAMP)

race-lock: | $(UV)
	$(UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make race-lock" bench/requirements-peers.in \
		--output-file bench/requirements-peers.lock

clean:
	rm -rf $(VENV) $(RACE) .uv demo out .pytest_cache .mypy_cache .ruff_cache .hypothesis
