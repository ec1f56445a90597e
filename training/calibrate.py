"""Fits models/calibration.toml on the tune part: what turns a posterior into a confidence.

`python calibrate.py --vinspect ../target/release/vinspect --on shards/split/tune.tsv PHOTOGRAPHS --on frames/tune/labels.tsv frames/tune --without without/labels.tsv without --out ../models/calibration.toml`

For some temperatures the program reads the pictures and tells what its confidences would be made of; a logistic
regression with a penalty (there are few wrong readings) is fitted on them, and those with the least cross-validated loss win. `accept_at`
is the least hundredth at which no more than 3 in 1,000 of the first pictures (`--on`) are accepted wrong, each by a confidence fitted
on other vehicles, and one more: by so much confidences of one picture differ between processors. The first pictures are photographs
or, with --keep, shaken copies of them, too (shaken.py). Pictures after the first may be rendered: they tell how sure to be of what is larger than the
photographs, not how often a reading goes wrong.

`whole` is fitted on right readings, and on what is believed of pictures that show no VIN (`--without`, by without_vin.py).

With `--keep calibration.toml` in place of `--without` its temperature, weights and `whole` stay, and `accept_at` alone is found anew.
Nothing is fitted then, so the confidences are not those of other vehicles: they are by weights that may have been fitted on these.

With `--bursts` besides, `burst_exponent` is found anew, too: the largest of some at which no more than 3 in 1,000 bursts are accepted
wrong. The frames of a car that stands before a fixed camera often show one mistake again and again, as do a photograph and its shaken copies.
"""

import argparse
import json
import subprocess
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

NAMES = ["log_odds", "least_sure_place", "mark", "support", "rules", "pixels_per_character"]
PROCESSORS = 0.01  # what confidences differ by
WHOLE = ["mark", "log_odds", "rules"]
ACCEPT_WHOLE_AT = 0.93  # of 600 rendered lines that nearly are VINs one has it that would be accepted else, and 96 of 100 right readings
LEAST = 0.9  # what is accepted has to be sure by its own word, too, however few pictures say otherwise
WRONG = 0.003  # of all pictures that may be accepted wrong
BURST_EXPONENT = 0.1  # as `--bursts` found it
BURST_EXPONENTS = (0.0, 0.1, 0.2, 0.3, 0.5)  # to try
SIGN = {"log_odds": 1, "least_sure_place": 1, "mark": 1, "support": 1, "rules": 1, "pixels_per_character": 1}  # more of each is better


def write(path: Path, temperature: float, weights: dict[str, float], accept_at: float, mark_at: float, whole: dict[str, float], burst_exponent: float = BURST_EXPONENT) -> None:
    section = lambda name, weights: ["", f"[{name}]", *(f"{n} = {weights[n]:.4f}" for n in ["bias", *NAMES] if weights.get(n, 0.0))]
    lines = [
        "# What turns a posterior into a confidence, and a confidence into an outcome: see src/reader/decision.rs.",
        "# Belongs to the models beside it; fitted by training/calibrate.py.",
        "",
        f"temperature = {temperature}",
        f"burst_exponent = {burst_exponent}",
        f"mark_at = {mark_at}",
        "review_at = 0.3",
        f"accept_at = {accept_at}",
        f"accept_whole_at = {ACCEPT_WHOLE_AT}",
        "pixels_per_character = 4.0",
        *section("weights", weights),
        *section("whole", whole),
    ]
    path.write_text("\n".join(lines) + "\n")


def read(vinspect: Path, labels: Path, pictures: Path, temperature: float, mark_at: float) -> list[dict]:
    """What the confidences of some pictures would be made of."""
    with tempfile.TemporaryDirectory() as folder:
        trial, dump = Path(folder) / "trial.toml", Path(folder) / "features.jsonl"
        write(trial, temperature, {"log_odds": 1.0}, 0.99, mark_at, {"mark": 1.0})
        command = [vinspect, "evaluate", "--labels", labels, pictures, "--calibration", trial, "--features", dump, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in dump.read_text().splitlines()]


def table(rows: list[dict], names: list[str]) -> np.ndarray:
    """Some features of some readings, a reading a row."""
    return np.array([[r[n] for n in names] for r in rows])


def folds(rows: list[dict]) -> np.ndarray:
    """Parts of the readings, in which all of one vehicle are together; where there is no VIN, all of one picture."""
    keys = [r["vin"] or Path(r["file"]).stem for r in rows]
    return np.array([int.from_bytes(key.encode(), "big") % 1009 % 64 for key in keys])


def fit(x: np.ndarray, y: np.ndarray, counts: np.ndarray, penalty: float, signs: np.ndarray) -> np.ndarray:
    """Weights (bias last) of a logistic regression, in which readings count more or less; weights of the wrong sign are dropped."""
    mean, spread = x.mean(0), x.std(0) + 1e-6
    z = np.concatenate([(x - mean) / spread, np.ones((len(x), 1))], 1)
    free = np.ones(z.shape[1], bool)
    while True:
        w = np.zeros(z.shape[1])
        lam = np.full(free.sum(), penalty)
        lam[-1] = 1e-6
        for _ in range(100):
            p = 1 / (1 + np.exp(-z[:, free] @ w[free]))
            gradient = z[:, free].T @ (counts * (p - y)) + lam * w[free]
            hessian = (z[:, free] * (counts * p * (1 - p))[:, None]).T @ z[:, free] + np.diag(lam)
            w[free] -= np.linalg.solve(hessian, gradient)
        bad = free[:-1] & (w[:-1] * signs < 0)
        if not bad.any():
            break
        free[:-1] &= ~bad
    raw = w[:-1] / spread
    return np.append(raw, w[-1] - raw @ mean)


def confidences(x: np.ndarray, is_vin: np.ndarray, w: np.ndarray) -> np.ndarray:
    """What weights (bias last) make of some readings."""
    return is_vin / (1 + np.exp(-x @ w[:-1] - w[-1]))


def out_of_fold(x: np.ndarray, y: np.ndarray, is_vin: np.ndarray, fold: np.ndarray, penalty: float, signs: np.ndarray) -> np.ndarray:
    """The confidence of each reading by weights that were fitted without its fold."""
    found = np.zeros(len(y))
    for k in set(fold):
        others = fold != k
        w = fit(x[others], y[others], is_vin[others], penalty, signs)
        found[~others] = confidences(x[~others], is_vin[~others], w)
    return found.clip(1e-6, 1 - 1e-6)


def threshold(confidence: np.ndarray, y: np.ndarray, labels: Path) -> float:
    """The hundredth from which on to accept, so that few of all pictures are accepted wrong; some of them may hold no reading."""
    pictures = len(labels.read_text().splitlines())
    wrong = lambda at: ((confidence >= at) & (y == 0)).sum() / pictures
    return next((k / 100 for k in range(int(100 * LEAST), 100) if wrong(k / 100) <= WRONG), 1.0)


def with_margin(at: float) -> float:
    """A threshold that holds on another processor, too."""
    return min(1.0, round(at + PROCESSORS, 2))


def whole_vins(right: list[dict], none: list[dict]) -> dict[str, float]:
    """Weights that tell right readings from those of what is none."""
    x, y = table([*right, *none], WHOLE), np.repeat([1.0, 0.0], [len(right), len(none)])
    every, signs, fold = np.ones(len(y)), np.ones(len(WHOLE)), folds([*right, *none])
    probability = out_of_fold(x, y, every, fold, 1.0, signs)
    for at in (0.8, 0.9, ACCEPT_WHOLE_AT, 0.95):
        passed = [int((probability[y == kind] >= at).sum()) for kind in (1, 0)]
        print(f"whole from {at} on: {passed[0]} of {len(right)} right readings, {passed[1]} of {len(none)} of what is none")
    return dict(zip([*WHOLE, "bias"], fit(x, y, every, 1.0, signs)))


def burst_exponent(vinspect: Path, bursts: list[list[Path]], constants: Callable) -> float:
    """The largest exponent at which few of all bursts are accepted wrong; 0 if there is none. `constants` writes those of a trial."""
    best = 0.0
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "trial.toml"
        for exponent in BURST_EXPONENTS:
            constants(trial, exponent)
            told = Counter()
            for labels, pictures in bursts:
                command = [vinspect, "evaluate", "--labels", labels, pictures, "--calibration", trial, "--json"]
                report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                told.update({name: report[name] for name in ("pictures", "accepted_right", "accepted_wrong")})
            print(f"burst exponent {exponent}: {told['accepted_right']} right, {told['accepted_wrong']} wrong of {told['pictures']} bursts", flush=True)
            if told["accepted_wrong"] <= WRONG * told["pictures"]:
                best = exponent
    return best


def keep(a) -> None:
    """Finds `accept_at` anew for constants that stay, and the exponent of bursts, if there are any."""
    known = tomllib.loads(a.keep.read_text())
    found = []
    for labels, pictures in a.on:
        rows = read(a.vinspect, labels, pictures, known["temperature"], known["mark_at"])
        is_vin, right = table(rows, ["is_vin", "right"]).T
        of = lambda names, weights, factor: confidences(table(rows, names), factor, np.array([weights.get(n, 0.0) for n in [*names, "bias"]]))
        whole = of(WHOLE, known["whole"], 1.0) >= ACCEPT_WHOLE_AT
        found.append((whole * of(NAMES, known["weights"], is_vin), right > 0))
    accept_at = with_margin(threshold(*found[0], a.on[0][0]))
    print(f"accepted at {accept_at}:", *(f"{((c >= accept_at) & y).sum()} right, {((c >= accept_at) & ~y).sum()} wrong of {len(y)};" for c, y in found))
    constants = lambda path, exponent: write(path, known["temperature"], known["weights"], accept_at, known["mark_at"], known["whole"], exponent)
    constants(a.out, burst_exponent(a.vinspect, a.bursts, constants) if a.bursts else known["burst_exponent"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vinspect", type=Path, required=True)
    parser.add_argument("--on", type=Path, nargs=2, action="append", required=True, metavar=("LABELS", "PICTURES"))
    others = parser.add_mutually_exclusive_group(required=True)
    others.add_argument("--without", type=Path, nargs=2, metavar=("LABELS", "PICTURES"))
    others.add_argument("--keep", type=Path, metavar="CALIBRATION")
    parser.add_argument("--bursts", type=Path, nargs=2, action="append", metavar=("LABELS", "PICTURES"), help="with --keep")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mark-at", type=float, default=0.05)
    parser.add_argument("--temperatures", type=float, nargs="+", default=(0.2, 0.28, 0.4, 0.55, 0.75), help="to try")
    a = parser.parse_args()
    if a.bursts and not a.keep:
        parser.error("--bursts goes with --keep")
    if a.keep:
        keep(a)
        return
    best = None
    signs = np.array([SIGN[n] for n in NAMES])
    for temperature in a.temperatures:
        sets = [read(a.vinspect, labels, pictures, temperature, a.mark_at) for labels, pictures in a.on]
        rows = [row for rows in sets for row in rows]
        of = np.repeat(np.arange(len(sets)), [len(rows) for rows in sets])
        x = table(rows, NAMES)
        y, is_vin = table(rows, ["right", "is_vin"]).T
        fold = folds(rows)
        for penalty in (0.3, 1.0, 3.0):
            confidence = out_of_fold(x, y, is_vin, fold, penalty, signs)
            loss = -np.log(np.where(y > 0, confidence, 1 - confidence)).mean()
            at = threshold(confidence[of == 0], y[of == 0], a.on[0][0])
            told = [(of == k) & (confidence >= at) for k in range(len(sets))]
            print(f"temperature {temperature} penalty {penalty}: cross-validated loss {loss:.4f}, {int(y.sum())} of {len(y)} right, accepted at {at}:", *(f"{int(y[t].sum())} right, {int((1 - y[t]).sum())} wrong of {(of == k).sum()};" for k, t in enumerate(told)), flush=True)
            if best is None or loss < best[0]:
                best = loss, temperature, fit(x, y, is_vin, penalty, signs), at, rows
    _, temperature, weights, accept_at, rows = best
    accept_at = with_margin(accept_at)

    def sure(rows: list[dict]) -> list[dict]:
        """Those that would be accepted if they were whole VINs."""
        confidence = confidences(table(rows, NAMES), table(rows, ["is_vin"])[:, 0], weights)
        return [row for row, of in zip(rows, confidence) if of >= accept_at]

    none = read(a.vinspect, *a.without, temperature, a.mark_at)
    whole = whole_vins(sure([r for r in rows if r["right"]]), sure(none))
    write(a.out, temperature, dict(zip([*NAMES, "bias"], weights)), accept_at, a.mark_at, whole)
    print(a.out.read_text())


if __name__ == "__main__":
    main()
