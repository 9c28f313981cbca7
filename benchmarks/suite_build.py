"""Rows a second and peak memory of `pluralign spectrum build`: memory must not grow with the number of rows.

Each size is built in a process of its own, from one closed-form family, into a temporary folder. Memory is the
largest resident set of the building process, and of the largest of its workers.

    python benchmarks/suite_build.py --rows 10000 100000 --workers 2
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pluralign.spectrum.suite import DataPlace, Share, SuiteRecipe, build_suite, plan_suite

FAMILY = "categorical"
MEAN_EXAMPLES = 8.0
KIB_A_MIB = 1024  # ru_maxrss is in KiB on Linux


def build(n_rows: int, *, workers: int) -> dict[str, float]:
    """Build so many rows and say how long it took and what it needed."""
    share = Share(rows=n_rows, mean_examples=MEAN_EXAMPLES, max_examples=32)
    plan = plan_suite(SuiteRecipe(sources={FAMILY: share}), place=DataPlace())
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        built = build_suite(plan, out=Path(folder) / "suite", workers=workers)
        seconds = time.perf_counter() - start
        n_bytes = sum(path.stat().st_size for path in built.path.glob("*.parquet"))
    return {
        "rows": built.parts[FAMILY].n_rows,
        "repeats": built.parts[FAMILY].n_repeats,
        "seconds": seconds,
        "mib_on_disk": n_bytes / 2**20,
        "mib_builder": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_A_MIB,
        "mib_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KIB_A_MIB,
    }


def main() -> None:
    """Build every size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(build(given.rows[0], workers=given.workers)))
        return
    print(f"{'rows':>9} {'rows/s':>8} {'disk MiB':>9} {'builder MiB':>12} {'worker MiB':>11}")
    peaks = []
    for n_rows in given.rows:
        command = [sys.executable, __file__, "--one", "--rows", str(n_rows), "--workers", str(given.workers)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        speed = found["rows"] / found["seconds"]
        print(
            f"{found['rows']:>9} {speed:>8.0f} {found['mib_on_disk']:>9.1f} {found['mib_builder']:>12.0f} "
            f"{found['mib_worker']:>11.0f}"
        )
        peaks.append(found["mib_builder"])
    print(f"peak of the builder, largest set over smallest: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
