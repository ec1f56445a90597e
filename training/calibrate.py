"""Fits models/calibration.toml on the tune part: what turns a posterior into a confidence.

`python calibrate.py --vinspect ../target/release/vinspect --labels split/tune.tsv --real ../../shared/real --out ../models/calibration.toml`

For some temperatures the program reads the pictures and tells what its confidences would be made of; a logistic
regression with a penalty (there are few wrong readings) is fitted on them. The temperature with the least cross-validated
loss wins, where a wrong reading costs a tenth's chance more: what is not read right cannot be read surely.
`accept_at` is the hundredth at which these pictures cost least, each with a confidence fitted on other vehicles, and one more:
by so much confidences of one picture differ between processors.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

NAMES = ["log_odds", "least_sure_place", "mark", "support", "corrections", "rules", "frames", "pixels_per_character"]
FITTED = ["log_odds", "least_sure_place", "mark", "support", "rules"]
PROCESSORS = 0.01  # what confidences differ by
MISREAD = 1000  # what a wrong reading costs that is accepted, in right ones that are not
SIGN = {"log_odds": 1, "least_sure_place": 1, "mark": 1, "support": 1, "rules": 1}  # more of each is better


def write(path: Path, temperature: float, weights: dict[str, float], accept_at: float, mark_at: float) -> None:
    lines = [
        "# What turns a posterior into a confidence, and a confidence into an outcome: see src/reader/decision.rs.",
        "# Belongs to the models beside it; fitted by training/calibrate.py.",
        "",
        f"temperature = {temperature}",
        "burst_exponent = 0.5",
        f"mark_at = {mark_at}",
        "review_at = 0.3",
        f"accept_at = {accept_at}",
        "pixels_per_character = 4.0",
        "",
        "[weights]",
        *(f"{n} = {weights.get(n, 0.0):.4f}" for n in ["bias", *NAMES]),
    ]
    path.write_text("\n".join(lines) + "\n")


def fit(x: np.ndarray, y: np.ndarray, penalty: float, signs: np.ndarray) -> np.ndarray:
    """Weights (bias last) of a logistic regression; weights of the wrong sign are dropped."""
    mean, spread = x.mean(0), x.std(0) + 1e-6
    z = np.concatenate([(x - mean) / spread, np.ones((len(x), 1))], 1)
    free = np.ones(z.shape[1], bool)
    while True:
        w = np.zeros(z.shape[1])
        lam = np.full(free.sum(), penalty)
        lam[-1] = 1e-6
        for _ in range(100):
            p = 1 / (1 + np.exp(-z[:, free] @ w[free]))
            gradient = z[:, free].T @ (p - y) + lam * w[free]
            hessian = (z[:, free] * (p * (1 - p))[:, None]).T @ z[:, free] + np.diag(lam)
            w[free] -= np.linalg.solve(hessian, gradient)
        bad = free[:-1] & (w[:-1] * signs < 0)
        if not bad.any():
            break
        free[:-1] &= ~bad
    raw = w[:-1] / spread
    return np.append(raw, w[-1] - raw @ mean)


def out_of_fold(x: np.ndarray, y: np.ndarray, fold: np.ndarray, penalty: float, signs: np.ndarray) -> np.ndarray:
    """The log-odds of each reading by weights that were fitted without its fold."""
    found = np.zeros(len(y))
    for k in set(fold):
        w = fit(x[fold != k], y[fold != k], penalty, signs)
        found[fold == k] = x[fold == k] @ w[:-1] + w[-1]
    return found


def threshold(log_odds: np.ndarray, y: np.ndarray) -> float:
    """The hundredth at which to accept, so that what is accepted wrong and what is left costs least."""
    confidence = 1 / (1 + np.exp(-log_odds))
    cost = lambda at: MISREAD * ((confidence >= at) & (y == 0)).sum() + ((confidence < at) & (y == 1)).sum()
    return min((k / 100 for k in range(50, 100)), key=cost)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vinspect", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mark-at", type=float, default=0.6)
    a = parser.parse_args()
    best = None
    for temperature in (0.2, 0.28, 0.4, 0.55, 0.75):
        with tempfile.TemporaryDirectory() as folder:
            trial, dump = Path(folder) / "trial.toml", Path(folder) / "features.jsonl"
            write(trial, temperature, {"bias": 0.0, "log_odds": 1.0}, 0.99, a.mark_at)
            command = [a.vinspect, "evaluate", "--labels", a.labels, a.real / "images", "--calibration", trial, "--features", dump, "--json"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            rows = [json.loads(line) for line in dump.read_text().splitlines()]
        x = np.array([[r[n] for n in FITTED] for r in rows])
        y = np.array([r["right"] for r in rows], float)
        signs = np.array([SIGN[n] for n in FITTED])
        # several pictures of one vehicle stay in one fold
        fold = np.array([int.from_bytes(r["vin"].encode(), "big") % 1009 % 8 for r in rows])
        for penalty in (0.3, 1.0, 3.0):
            log_odds = out_of_fold(x, y, fold, penalty, signs)
            loss = np.logaddexp(0, np.where(y > 0, -log_odds, log_odds)).mean()
            cost = loss + (1 - y.mean()) * np.log(10)
            at = threshold(log_odds, y)
            print(f"temperature {temperature} penalty {penalty}: cross-validated loss {loss:.4f}, {int(y.sum())} of {len(y)} right, cost {cost:.4f}, accepted at {at}: {(log_odds >= np.log(at / (1 - at))).sum()}")
            if best is None or cost < best[0]:
                best = cost, temperature, dict(zip([*FITTED, "bias"], fit(x, y, penalty, signs))), at
    _, temperature, weights, accept_at = best
    write(a.out, temperature, weights, round(accept_at + PROCESSORS, 2), a.mark_at)
    print(a.out.read_text())


if __name__ == "__main__":
    main()
