"""The real photographs: which may be trained on, tuned on, and which only measure.

`python real.py REAL_DIR OUT_DIR` writes OUT_DIR/{train,tune,validation}.tsv (file, vin) and, for the
labels that `vinspect evaluate` takes, the pictures' whole readings only. The split is by vehicle
(a hash of the VIN), so that no vehicle is both learned and measured.
"""

import csv
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

TUNE, VALIDATION = 0.12, 0.20  # shares of the vehicles
# No characters are learned from these, and none are measured: nobody can tell whether what vinspect reads is wrong or the label. Of
# the first the last character is a 5 to one reader, and another photograph of the car left it open.
DOUBTFUL = {"s0787.jpg", "s0752.jpg", "s1018.jpg", "s1165.jpg", "s1324.jpg", "s1522.jpg", "s2519.jpg"}


@dataclass
class Picture:
    file: str
    box: tuple[float, float, float, float]  # x0 y0 x1 y1 in pixels; the text may be tilted in it
    vin: str  # '?' where a character could not be told; empty if unread
    machine: str  # what another recognizer said: a weak label
    part: str = "train"  # train, tune, validation or excluded


def pictures(folder: Path) -> list[Picture]:
    """All pictures with the part they belong to."""
    with open(folder / "boxes.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = [
        Picture(
            r["file"],
            tuple(float(r[k]) for k in ("x0", "y0", "x1", "y1")),
            (r["vin"] or "").strip(),
            (r["machine"] or "").strip(),
        )
        for r in rows
    ]
    for p in found:
        if p.vin and "?" not in p.vin:
            p.part = part_of(p.vin)
    _exclude_relatives(folder, found)
    return found


def part_of(vin: str) -> str:
    """The part a vehicle belongs to."""
    x = int.from_bytes(hashlib.sha256(vin.encode()).digest()[:4], "big") / 2**32
    return "validation" if x < VALIDATION else "tune" if x < VALIDATION + TUNE else "train"


def _exclude_relatives(folder: Path, found: list[Picture]) -> None:
    """Takes out of training what may show a vehicle that is kept aside: a reading within two
    characters of it, or a picture that looks the same."""
    kept = [p for p in found if p.part != "train"]
    kept_vins = {p.vin for p in kept}
    thumbs = {p.file: _thumb(folder / "images" / p.file) for p in found}
    kept_thumbs = np.stack([thumbs[p.file] for p in kept])
    for p in found:
        if p.part != "train":
            continue
        texts = [t for t in (p.vin if "?" in p.vin else "", p.machine) if len(t) == 17]
        near = any(may_be_one_of(t, kept_vins) for t in texts)
        unread = not p.vin or "?" in p.vin
        same = unread and (kept_thumbs @ thumbs[p.file]).max() > 0.97
        if near or same:
            p.part = "excluded"


def may_be_one_of(reading: str, vins: set[str]) -> bool:
    """Whether a reading, `?` for what is not known, is within two characters of a VIN."""
    return any(sum(x != y and x != "?" for x, y in zip(reading, vin)) <= 2 for vin in vins)


def accepted_readings(path: Path) -> dict[str, str]:
    """What vinspect accepted, by picture: a label for what nobody has read. `path`: lines of `vinspect read --json`."""
    readings = map(json.loads, path.read_text().splitlines())
    return {Path(r["path"]).name: r["vin"] for r in readings if r.get("outcome") == "accepted"}


def _thumb(path: Path) -> np.ndarray:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return small / (np.linalg.norm(small) + 1e-6)


if __name__ == "__main__":
    real, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    everything = pictures(real)
    for part in ("train", "tune", "validation"):
        whole = [p for p in everything if p.part == part and len(p.vin) == 17 and "?" not in p.vin]
        whole = [p for p in whole if p.file not in DOUBTFUL]
        (out / f"{part}.tsv").write_text("".join(f"{p.file}\t{p.vin}\n" for p in whole))
        print(part, len(whole), "pictures of", len({p.vin for p in whole}), "vehicles")
    print("excluded", sum(p.part == "excluded" for p in everything), "pictures")
