"""Compares the traces of one day with those of a reference day and writes the result to MLflow as a run.

Reads traces that the collector sent to MLflow, one feature per trace and signal; writes a run with the distance of
Kolmogorov and Smirnov, the population stability index and the counts of each signal, and `drift` 0 or 1. The exit code
is 0 when the comparison was made, whatever it found, and 2 when it could not be made: too few traces, no server.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

# MLflow checks the password anew at each request, which takes it longer than reading ten traces, its default for one.
os.environ.setdefault("MLFLOW_SEARCH_TRACES_MAX_BATCH_SIZE", "100")

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Trace
from mlflow.exceptions import MlflowException
from scipy.stats import ks_2samp

LEAST_SHARE = 1e-4
PAGE = 500


class NotComparable(Exception):
    """There is nothing to compare; the message says why."""


def usage(key: str) -> Callable[[Trace], float | None]:
    """Reads a token count: from the conventions' attribute of any span, else what MLflow summed itself."""

    def read(trace: Trace) -> float | None:
        values = [span.attributes.get(f"gen_ai.usage.{key}") for span in trace.data.spans]
        counts = [float(value) for value in values if value is not None]
        if counts:
            return sum(counts)
        total = (trace.info.token_usage or {}).get(key)
        return None if total is None else float(total)

    return read


SIGNALS: dict[str, Callable[[Trace], float | None]] = {
    "input_tokens": usage("input_tokens"),
    "output_tokens": usage("output_tokens"),
    "duration_ms": lambda trace: trace.info.execution_duration,
}


def psi(reference: np.ndarray, sample: np.ndarray, bins: int = 10) -> float:
    """Population stability index over the reference's deciles."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1]))

    def shares(values: np.ndarray) -> np.ndarray:
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
        return np.maximum(counts / len(values), LEAST_SHARE)

    p, q = shares(sample), shares(reference)
    return float(np.sum((p - q) * np.log(p / q)))


def compare(reference: Sequence[float], sample: Sequence[float]) -> dict[str, float]:
    """Both statistics of two samples, and the probability of the first under no change."""
    result = ks_2samp(reference, sample)
    return {
        "ks": float(result.statistic),
        "p_value": float(result.pvalue),
        "psi": psi(np.asarray(reference, dtype=float), np.asarray(sample, dtype=float)),
    }


def traces_of(client: MlflowClient, experiment: str, day: date, most: int) -> list[Trace]:
    """Traces of a UTC day, newest first, at most so many."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    between = [int(moment.timestamp() * 1000) for moment in (start, start + timedelta(days=1))]
    found: list[Trace] = []
    token = None
    while len(found) < most:
        page = client.search_traces(
            locations=[experiment],
            filter_string=f"timestamp_ms >= {between[0]} AND timestamp_ms < {between[1]}",
            max_results=min(PAGE, most - len(found)),
            order_by=["timestamp_ms DESC"],
            page_token=token,
        )
        found.extend(page)
        token = page.token
        if not token:
            break
    return found


def experiment_id(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        raise NotComparable(f"MLflow has no experiment '{name}'; does the collector send traces there?")
    return found.experiment_id


def run(args: argparse.Namespace) -> dict[str, object]:
    """Compares both days and writes the run; returns what was written."""
    client = MlflowClient(tracking_uri=args.mlflow)
    source = experiment_id(client, args.traces)
    days = {"reference": args.reference, "day": args.day}
    found = {name: traces_of(client, source, day, args.most) for name, day in days.items()}
    for name, traces in found.items():
        if len(traces) < args.least:
            raise NotComparable(f"{len(traces)} traces on {days[name]}, {args.least} are needed (--least)")
    metrics: dict[str, float] = {}
    drifted: list[str] = []
    for signal, read in SIGNALS.items():
        values = {
            name: [value for trace in traces if (value := read(trace)) is not None] for name, traces in found.items()
        }
        if min(len(each) for each in values.values()) < args.least:
            logging.warning("%s: too few traces carry it", signal)
            continue
        result = compare(values["reference"], values["day"])
        metrics |= {f"{signal}.{key}": value for key, value in result.items()}
        metrics[f"{signal}.n"] = len(values["day"])
        if (result["ks"] > args.ks and result["p_value"] < 0.01) or result["psi"] > args.psi:
            drifted.append(signal)
    if not metrics:
        raise NotComparable("no trace carries any of " + ", ".join(SIGNALS))
    metrics["drift"] = float(bool(drifted))
    target = client.get_experiment_by_name(args.results)
    written = client.create_run(
        target.experiment_id if target else client.create_experiment(args.results),
        run_name=f"drift {args.day}",
        tags={"drifted": ",".join(drifted), "day": str(args.day), "reference": str(args.reference)},
    )
    now = int(time.time() * 1000)
    client.log_batch(
        written.info.run_id,
        metrics=[Metric(key, value, now, 0) for key, value in metrics.items()],
        params=[Param(key, str(getattr(args, key))) for key in ("ks", "psi", "least", "most")],
    )
    client.set_terminated(written.info.run_id)
    return {"run": written.info.run_id, "drifted": drifted, "metrics": metrics}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlflow", required=True, help="address of MLflow")
    parser.add_argument("--traces", required=True, help="experiment the traces are in")
    parser.add_argument("--results", default="drift", help="experiment the runs are written to")
    parser.add_argument("--day", type=date.fromisoformat, default=yesterday, help="UTC day (default: yesterday)")
    parser.add_argument("--reference", type=date.fromisoformat, help="UTC day (default: a week before the other)")
    parser.add_argument("--least", type=int, default=500, help="fewest traces of a day")
    parser.add_argument("--most", type=int, default=5000, help="most traces of a day that are read")
    parser.add_argument("--ks", type=float, default=0.15, help="distance above which a signal has drifted")
    parser.add_argument("--psi", type=float, default=0.2, help="index above which a signal has drifted")
    args = parser.parse_args(argv)
    args.reference = args.reference or args.day - timedelta(days=7)
    return args


def main() -> int:
    try:
        print(json.dumps(run(arguments())))
    except (NotComparable, MlflowException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
