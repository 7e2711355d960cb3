.PHONY: run test bench lint develop clean

run:
	sh scripts/run

test:
	sh scripts/test

bench:
	sh scripts/bench

lint:
	sh scripts/lint

# A tree to work in: all extras, kernels built beside their sources.
develop:
	sh scripts/develop

clean:
	rm -rf build dist .venv *.egg-info benchmarks/results .mypy_cache .ruff_cache .hypothesis
	rm -f engine/_fast/*.so engine/_fast/*.c engine/_fast/*.cpp engine/_fast/*.html
