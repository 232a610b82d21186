# The front door. Everything behind it works without make: cmake --preset release, scripts/test, bench/run.py.
.PHONY: all demo test bench format clean

all:
	@scripts/setup build
	@cmake --preset release > /dev/null
	@cmake --build --preset release

demo:
	@scripts/demo

test:
	@scripts/test

# make bench, make bench ROW=T1, make bench ROW=T1,T6 PAIRS=9
bench:
	@scripts/setup bench
	@python3 bench/run.py $(if $(ROW),--row $(ROW)) $(if $(PAIRS),--pairs $(PAIRS))

format:
	@python3 tests/format_test.py --fix

clean:
	@rm -rf build
