.PHONY: run test bench fuzz api lint develop clean

run:
	sh scripts/run

test:
	sh scripts/test

bench:
	sh scripts/bench

# Coverage-guided, a fixed number of executions for each target; its short form is in the tests.
fuzz:
	for target in json_guard requests request_head sse_framing answer_streams proxy_header shared_key policy_file; do \
		.venv/bin/python -m tests.fuzz $$target || exit 1; \
	done

# The gateway against the OpenAPI description that it serves of itself; needs the extra `api`.
api:
	.venv/bin/python -m tests.fuzz.api

lint:
	sh scripts/lint

# A tree to work in: all extras, kernels built beside their sources.
develop:
	sh scripts/develop

clean:
	rm -rf build dist .venv *.egg-info benchmarks/results .mypy_cache .ruff_cache .hypothesis
	rm -f engine/_fast/*.so engine/_fast/*.c engine/_fast/*.cpp engine/_fast/*.html
