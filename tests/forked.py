"""Cases that need a process of their own: a failed collective poisons its process."""

import json
import os
import sys
import traceback


def print_each(run_case, cases):
    """Print one JSON line for each case: what `run_case` returned in a fork, or the error that it raised there."""
    for case in cases:
        read, write = os.pipe()
        if os.fork() == 0:
            try:
                result = run_case(case)
            except BaseException:
                result = {"error": traceback.format_exc()[-1500:]}
            os.write(write, json.dumps(result).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            sys.stdout.write(json.dumps({"case": case} | json.loads(pipe.read())) + "\n")
            sys.stdout.flush()
        os.wait()
