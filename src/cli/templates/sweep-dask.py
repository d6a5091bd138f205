#!/usr/bin/env python3
"""Runs plan @HASH@ of @NAME@ (@RUNS@) in @COUNT@ parts on Dask distributed, and merges them.

usage: python THIS_FILE [tcp://SCHEDULER:8786]

Without a scheduler it starts workers on this machine. All workers need to see the plan and the
shards under these paths, and the same stormglass. A part that runs twice does no harm: both write
the same bytes, under a temporary name first.
"""

import os
import subprocess
import sys

from dask.distributed import Client, as_completed

STORMGLASS = os.environ.get("STORMGLASS", "stormglass")
PLAN = @PLAN@
SHARDS = @SHARDS@
MERGED = @MERGED@
COUNT = @COUNT@


def run_shard(index, stormglass):
    """Runs one part; the worker process only waits for it."""
    part = f"{index}/{COUNT}"
    command = [stormglass, "sweep", "--run-plan", PLAN, "--shard", part, "--out", SHARDS]
    done = subprocess.run(command + ["--jobs", "1", "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"part {part}: {done.stderr.strip()}")
    return index


def main():
    with Client(*sys.argv[1:2]) as client:
        indices = range(COUNT)
        futures = client.map(run_shard, indices, stormglass=STORMGLASS, pure=False, retries=3)
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            print(f"{done} of {COUNT} parts done", file=sys.stderr)
    merge = [STORMGLASS, "merge", PLAN, SHARDS, "--out", MERGED]
    sys.exit(subprocess.run(merge).returncode)


if __name__ == "__main__":
    main()
