# Every habit has a target; `make help` lists them.
CARGO ?= cargo

.PHONY: help demo model test test-milvus test-ray setup build lint docs bench torture fuzz deny fmt clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 13

demo: setup build ## fetch free music, ingest it, ask for similar tracks (MUSIC=folder: your own)
	scripts/demo $(if $(MUSIC),"$(MUSIC)")

model: build ## make the built-in model again in MODEL_DATA=folder, hours (EXCERPTS=folder: with more music)
	scripts/model $(or $(MODEL_DATA),model-data) $(EXCERPTS)

test: ## every check and test; what CI runs
	scripts/setup --tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	$(CARGO) clippy --release --workspace --all-targets --features milvus -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --features milvus --no-deps --document-private-items
	$(CARGO) test --release --workspace --features milvus
	$(MAKE) test-milvus test-ray

test-milvus: ## stores that a real Milvus server serves answer as FAISS does, killed or not (where it can be had)
	scripts/test-milvus

test-ray: ## embed on a Ray cluster of two nodes while parts of it are killed (where Ray can be had)
	scripts/setup --ray
	@[ -x target/release/similar-tracks ] || $(CARGO) build --release --workspace
	scripts/test-ray

setup: ## libraries that building needs
	@scripts/setup

build: setup ## the program, in target/release
	$(CARGO) build --release --workspace

lint: setup ## formatting, clippy, and licences where cargo-deny is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(MAKE) deny; else echo "cargo-deny is not installed: licences not checked"; fi

deny: ## licences, sources and duplicate bans of dependencies (needs cargo-deny)
	$(CARGO) deny --offline check licenses bans sources

docs: setup ## the crates' documentation, in target/doc
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --release --no-deps --document-private-items

bench: setup ## how fast decoding, log-mel, embedding and search are
	$(CARGO) bench --workspace

torture: setup ## kill the program in the middle of its work, ROUNDS=200 times
	TORTURE_ROUNDS=$(or $(ROUNDS),200) $(CARGO) test --release --workspace --features failpoints --test cli -- torture --nocapture

fuzz: setup ## hostile bytes for the front end, SECONDS=600 a target (needs nightly and cargo-fuzz)
	scripts/fuzz $(or $(SECONDS),600)

fmt: ## format the code
	$(CARGO) fmt --all

clean: ## remove what was built and the demo
	$(CARGO) clean
	rm -rf demo
