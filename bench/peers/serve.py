"""The shape of a peer's program: loaded once, then one answer a line, as bench/serve.h does for Cairn."""
import json
import resource
import sys
import time


def serve(work, tell):
    """Only work() is timed; tell(result) is what the judge looks at. The number of threads is set from outside."""
    for _ in sys.stdin:
        begin = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - begin
        answer = {**tell(result), "seconds": seconds,
                  "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        print(json.dumps(answer), flush=True)
