"""Tests the sampler's distribution with many draws and writes the table of the results.

python -m tests.ext.betadist.suite --draws 1e8 --table ext/betadist/STATISTICS.md
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from scipy import stats

import betadist
from tests.ext.betadist.cells import Pair
from tests.ext.betadist.goodness import ALPHA, CHECKS, Check, Result, fit, sampler
from tests.ext.betadist.grid import PAIRS
from tests.ext.betadist.independence import COMPARISONS, Comparison, independent

MOMENTS = ("mean", "variance", "log mean", "log variance")

HEAD = """# How the sampler's draws are distributed

Written by `make test-statistics DRAWS={draws:.0e}`, stream version {version}, SIMD level {level}.
{failed} of {results} rows fail.

Every row draws up to {draws:.0e} times with fixed keys; a float32 row of narrow distribution
draws as often as doesn't show float32's own rounding. The columns hold p-values, and for
moments the distance from the exact value in exact standard errors. A row fails where one of
its checks has p < {alpha:.0e}: with other keys, one run in a million would raise a false alarm
({checks} checks are made, {most} allowed for).

- KS: Kolmogorov-Smirnov over the edges of the cells.
- Chi-square: up to 4096 cells of equal probability, fewer where the dtype has too few values.
- Tails: the counts beyond the quantiles 1e-5 and 1 - 1e-5, binomial; twice the lesser p-value.
- Moments: - stands where the sum is too skewed for the normal approximation to hold. Those of
  ln max(X, least normal number) are for alpha < 1.

At 1e8 draws a row notices, at even odds, a mean 6e-4 standard deviations off, a variance off by
6e-4 sqrt(kurtosis - 1) of itself, and a distribution function 3.3e-4 off anywhere. A shift of 1e-4
standard deviations that all rows share shows in the sums of all rows together.
"""


def work(job: Pair | Comparison, draws: int, key: int) -> Result:
    if isinstance(job, Pair):
        return fit(job, draws, sampler(job, key))
    return independent(job, draws, key)


def run(draws: int, processes: int) -> list[Result]:
    """Return the results in the order of the grid, having told each as it came."""
    jobs = [*PAIRS, *COMPARISONS]
    with ProcessPoolExecutor(processes) as pool:
        keys = {pool.submit(work, job, draws, key): key for key, job in enumerate(jobs)}
        found = {}
        for done in as_completed(keys):
            result = found[keys[done]] = done.result()
            print(f"{len(found)}/{len(jobs)}", progress(result), flush=True)
    return [found[key] for key in range(len(jobs))]


def progress(result: Result) -> str:
    checks = ", ".join(f"{name} {check}" for name, check in result.checks.items())
    return f"{' '.join(result.subject)}: {result.draws:,} draws, {checks}, {verdict(result)}"


def verdict(result: Result) -> str:
    return "passes" if result.passes else "FAILS"


def common(results: Sequence[Result]) -> list[Result]:
    """For each moment, the scores of all pairs in one: notices what is slightly off everywhere."""
    found = []
    for name in MOMENTS:
        scores = [r.checks[name].score for r in results if name in r.checks]
        if not scores:
            continue
        score = float(np.sum(scores) / np.sqrt(len(scores)))
        squares = float(stats.chi2.sf(np.sum(np.square(scores)), len(scores)))
        checks = {"sum": Check.of_score(score), "sum of squares": Check(squares)}
        found.append(
            Result(
                (name, str(len(scores))), sum(r.draws for r in results if name in r.checks), checks
            )
        )
    return found


def rows(heads: Sequence[str], names: Sequence[str], results: Sequence[Result]) -> Iterator[str]:
    columns = [*heads, "draws", *names, "verdict"]
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for r in results:
        checks = [str(r.checks.get(name, "-")) for name in names]
        yield "| " + " | ".join([*r.subject, f"{r.draws:,}", *checks, verdict(r)]) + " |"


def report(draws: int, fits: list[Result], moments: list[Result], twins: list[Result]) -> str:
    every = [*fits, *moments, *twins]
    head = HEAD.format(
        draws=draws,
        version=betadist.STREAM_VERSION,
        level=betadist.simd_level(),
        failed=sum(not r.passes for r in every),
        results=len(every),
        alpha=ALPHA,
        checks=sum(len(r.checks) for r in every),
        most=CHECKS,
    )
    fit_names = ("KS", "chi-square", "tails", *MOMENTS)
    sections = [
        ("Distribution", rows(("dtype", "alpha", "beta"), fit_names, fits)),
        ("All rows together", rows(("moment", "rows"), ("sum", "sum of squares"), moments)),
        (
            "Independence",
            rows(
                ("relation", "by", "dtype", "alpha", "beta"), ("chi-square", "correlation"), twins
            ),
        ),
    ]
    return head + "".join(f"\n## {title}\n\n" + "\n".join(s) + "\n" for title, s in sections)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Test the sampler's distribution.")
    parser.add_argument("--draws", type=lambda text: int(float(text)), default=10**8)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--table", type=Path, help="file that takes the table of the results")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    results = run(chosen.draws, chosen.processes)
    fits, twins = results[: len(PAIRS)], results[len(PAIRS) :]
    moments = common(fits)
    if chosen.table:
        chosen.table.write_text(report(chosen.draws, fits, moments, twins))
    failed = [r for r in (*fits, *moments, *twins) if not r.passes]
    for result in failed:
        print(progress(result))
    print(f"{len(failed)} of {len(fits) + len(moments) + len(twins)} rows fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
