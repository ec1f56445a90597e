"""Finds the four corners of each VIN in the photographs and cuts the strips out.

`python cut_real.py --real ../../shared/real --recognizer runs/recognizer/last.pt --out shards/real`

The photographs come with an axis-aligned box and mostly with what the VIN says. Corners that fit in
the box are tried, and those from which the recognizer reads the known VIN best (or, for unread ones,
anything most surely) are kept, and made upright. So strips of the tune part are read more easily than any that a program cuts
without knowing the VIN. Where each character stands an examiner finds out, once there is one (`--examiner`). What nobody has read says what vinspect accepts as its reading (`vinspect read --json` of all
pictures, `--readings`), or is labelled where the recognizer is sure of it in many cuts; it is only
trained on, unless it may be a vehicle that is kept aside. Writes OUT/{train,tune}.npz in the form of a strips shard
(train holds only what may be trained on; DOUBTFUL pictures are in neither) and OUT/quads.tsv (file, part, score, eight numbers, reading) of all.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

import alignment
from nets import TEXT_BOX, Examiner, Recognizer, box
from real import DOUBTFUL, Picture, accepted_readings, may_be_one_of, pictures
from strips import BOX, HEIGHT, WIDTH
from vins import LENGTH, UNKNOWN, WRITING

CUT = np.float32(box(*TEXT_BOX))
ROUNDS, TRIES = 4, 20
SURE, ENOUGH = 0.75, 12  # probability of a character, and how many of those make a line worth learning
SMALLEST = 5.0  # pixels a character of a line worth learning
QUALITY = 70, 90  # JPEG's; the photographs have 75


def guesses(box) -> np.ndarray:
    """Corners [n,4,2] of lines that fill the box: every slope, both ways up, and standing ones."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    found = []
    if w >= 0.8 * h:
        thin = min(h, w * 0.05)
        for slope in np.linspace(-1, 1, 13) * (h - thin):
            tall = max(thin, (h - abs(slope)))
            for share in (1.0, 0.75):
                t = tall * share
                middle = (y0 + y1) / 2
                left, right = middle - slope / 2, middle + slope / 2
                found.append([[x0, left - t / 2], [x1, right - t / 2], [x1, right + t / 2], [x0, left + t / 2]])
    if h >= 1.2 * w:
        for slope in np.linspace(-1, 1, 9) * w * 0.9:
            t = max(h * 0.05, w - abs(slope))
            left, right = (x0 + x1) / 2 - slope / 2, (x0 + x1) / 2 + slope / 2
            found.append([[left + t / 2, y0], [right + t / 2, y1], [right - t / 2, y1], [left - t / 2, y0]])
    found = np.float32(found)
    return np.concatenate([found, found[:, [2, 3, 0, 1]]])


def cuts(grey: np.ndarray, quads: np.ndarray, target=CUT, size=(256, 32)) -> np.ndarray:
    return np.stack([
        cv2.warpPerspective(grey, cv2.getPerspectiveTransform(q, target), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for q in quads.astype(np.float32)
    ])


def scores(net: Recognizer, strips: np.ndarray, vin: str) -> np.ndarray:
    """How well each strip reads as the VIN: the mean log-probability of its known characters."""
    x = torch.from_numpy(strips)[:, None].float() / 255
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        characters, mark, _ = net(x.to(memory_format=torch.channels_last))
    log_p = characters.float().log_softmax(-1)
    if vin:
        places = [i for i, c in enumerate(vin) if c != "?"]
        index = torch.tensor([WRITING.index(vin[i]) for i in places])
        score = log_p[:, places, :].gather(2, index[None, :, None].expand(len(x), -1, -1))[..., 0].mean(1)
    else:
        score = log_p.max(-1).values.mean(1)
    return (score + 0.1 * torch.nn.functional.logsigmoid(mark[:, 0].float())).numpy()


def corners(net: Recognizer, grey: np.ndarray, picture: Picture, rng) -> tuple[np.ndarray, float]:
    """The best corners found, and their score."""
    tried = guesses(picture.box)
    score = scores(net, cuts(grey, tried), picture.vin)
    best = tried[score.argmax()], score.max()
    for r in range(ROUNDS):
        base = best[0]
        along, down = base[1] - base[0], base[3] - base[0]
        step = 0.6**r
        offsets = rng.normal(size=(TRIES, 4, 1)) * [0.012] * along + rng.normal(size=(TRIES, 4, 1)) * 0.1 * down
        ends = rng.normal(size=(TRIES, 2, 1)) * 0.025 * along + rng.normal(size=(TRIES, 2, 1)) * 0.15 * down
        stretch = rng.normal(size=(TRIES, 1, 1)) * 0.12 * down
        offsets = offsets + ends[:, [0, 1, 1, 0]] + stretch * np.float32([-1, -1, 1, 1])[None, :, None]
        tried = base + offsets * step
        score = scores(net, cuts(grey, tried), picture.vin)
        if score.max() > best[1]:
            best = tried[score.argmax()], score.max()
    return best


def made_upright(grey: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The corners of a line whose text may lean."""
    strip = torch.from_numpy(cuts(grey, quad[None], BOX, (WIDTH, HEIGHT)))[None].float() / 255
    to_picture = cv2.getPerspectiveTransform(BOX, quad.astype(np.float32))
    return alignment.upright(to_picture, alignment.leans(strip).item())


def told(net: Recognizer, grey: np.ndarray, quad: np.ndarray, rng) -> np.ndarray:
    """Labels of an unread line: the characters that the recognizer is sure of wherever the strip is cut."""
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    shifts = rng.normal(size=(TRIES, 4, 1)) * 0.005 * along + rng.normal(size=(TRIES, 4, 1)) * 0.06 * down
    x = torch.from_numpy(cuts(grey, quad + shifts))[:, None].float() / 255
    with torch.no_grad():
        probability, index = net(x)[0].softmax(-1).mean(0).max(-1)
    return np.where(probability > SURE, index, UNKNOWN).astype(np.uint8)


def smaller(rng, grey: np.ndarray, quad: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A photograph and its corners as taken from further away: smaller, its pixels elsewhere, and stored anew; none of what is
    small already."""
    pixels = float(np.linalg.norm(quad[1] - quad[0])) / LENGTH
    if pixels < 1.05 * SMALLEST:
        return None
    x, y = rng.integers(0, 8, 2)
    part, scale = grey[y:, x:], rng.uniform(SMALLEST / pixels, 1)
    size = np.int32([round(side * scale) for side in part.shape[::-1]])
    small = cv2.resize(part, size.tolist(), interpolation=cv2.INTER_AREA)
    _, stored = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITY))])
    return cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), (quad - np.float32([x, y]) + 0.5) * (size / np.float32(part.shape[::-1])) - 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--recognizer", type=Path, required=True)
    parser.add_argument("--examiner", type=Path, help="weights of an examiner; without, nobody knows where characters stand")
    parser.add_argument("--readings", type=Path, help="what vinspect read: JSON lines")
    parser.add_argument("--again", type=int, default=4, help="strips of each photograph to train on made smaller, beside itself")
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    net = Recognizer().to(memory_format=torch.channels_last).eval()
    net.load_state_dict(torch.load(a.recognizer))
    examiner = Examiner().eval()
    if a.examiner:
        examiner.load_state_dict(torch.load(a.examiner))
    accepted = accepted_readings(a.readings) if a.readings else {}
    kept = {"train": [], "tune": []}
    with open(a.out / "quads.tsv", "w") as table:
        everything = pictures(a.real)
        kept_aside = {p.vin for p in everything if p.part in ("tune", "validation")}
        for i, p in enumerate(everything):
            unread = len(p.vin) != 17
            vin = p.vin = accepted.get(p.file, "") if unread else p.vin
            grey = cv2.imread(str(a.real / "images" / p.file), cv2.IMREAD_GRAYSCALE)
            quad, score = corners(net, grey, p, rng)
            quad = made_upright(grey, quad)
            known = np.uint8([WRITING.index(c) if c != "?" else UNKNOWN for c in vin]) if vin else told(net, grey, quad, rng)
            reading = "".join("?" if k == UNKNOWN else WRITING[k] for k in known)
            if unread and (known != UNKNOWN).sum() >= ENOUGH and may_be_one_of(reading, kept_aside):
                p.part = "excluded"
            print(p.file, p.part, f"{score:.3f}", *(f"{v:.1f}" for v in quad.ravel()), vin or "-", sep="\t", file=table)
            if p.part in kept and p.file not in DOUBTFUL and (vin or (known != UNKNOWN).sum() >= ENOUGH):
                again = [smaller(rng, grey, quad) for _ in range(a.again if p.part == "train" else 0)]
                for picture, at in [(grey, quad), *filter(None, again)]:
                    kept[p.part].append((cuts(picture, at[None], BOX, (WIDTH, HEIGHT))[0], known, score))
            if i % 500 == 0:
                print(i, flush=True)
    for part, rows in kept.items():
        floor = -2.5 if part == "train" else -99.0  # a label that nothing in the box resembles teaches nothing
        rows = [r for r in rows if r[2] > floor]
        strips, labels, found = zip(*rows)
        strips, labels = np.stack(strips), np.stack(labels)
        n = len(rows)
        centres = torch.full((n, LENGTH), -1.0)
        for some in np.array_split(np.arange(n), n // 256 + 1) if a.examiner else []:
            centres[some] = alignment.centres(examiner, torch.from_numpy(strips[some])[:, None].float() / 255, torch.from_numpy(labels[some]).long())
        np.savez(a.out / f"{part}.npz", strips=strips, labels=labels, centres=centres.numpy().astype(np.float16), marks=np.ones(n, np.uint8))
        print(part, n, "mean score", f"{np.mean(found):.3f},", int((centres[:, 0] < 0).sum()), "without known places")


if __name__ == "__main__":
    main()
