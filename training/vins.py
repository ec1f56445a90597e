"""Plausible VINs, and texts that are none."""

import csv
import random
from functools import lru_cache
from pathlib import Path

ALPHABET = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9]))
WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"


def check_digit(vin: str) -> str:
    """49 CFR 565.15."""
    rest = sum(w * VALUES.get(c, ord(c) - 48) for w, c in zip(WEIGHTS, vin)) % 11
    return "X" if rest == 10 else str(rest)


@lru_cache
def makers(shared: Path) -> list[str]:
    with open(shared / "data" / "wmi.tsv") as file:
        codes = {row["wmi"] for row in csv.DictReader(file, delimiter="\t")}
    return sorted(c for c in codes if len(c) == 3 and all(x in ALPHABET for x in c))


def vin(rng: random.Random, common: list[str], rare: list[str]) -> str:
    """Mostly a maker's pattern, sometimes any characters, so that every place learns all 33."""
    if rng.random() < 0.35:
        return "".join(rng.choices(ALPHABET, k=17))
    wmi = rng.choice(common if rng.random() < 0.5 else rare)
    kind = rng.random()
    if kind < 0.25:
        vds = "ZZZ" + "".join(rng.choices(ALPHABET, k=2)) + rng.choice("ZZZ" + ALPHABET)
    else:
        vds = "".join(rng.choices(ALPHABET, k=6))
    tail = rng.choice(YEARS) + rng.choice(ALPHABET) + rng.choice(ALPHABET if rng.random() < 0.3 else "0123456789")
    text = wmi + vds + tail + "".join(rng.choices("0123456789", k=5))
    if wmi[0] in "12345LH" or rng.random() < 0.4:
        text = text[:8] + check_digit(text) + text[9:]
    return text


def other_text(rng: random.Random) -> str:
    """A line that is no VIN."""
    words = ["MADE IN", "GVWR", "KG", "DATE", "TYPE", "MODEL", "AUTO", "ENGINE", "PAINT", "TRIM", "MFD BY", "EAC", "RU", "E-RU",
             "TC", "MAX", "PSI", "TIRE", "CHASSIS NO", "VIN", "LTD", "MOTOR CO", "GAWR FRT", "KPA", "COLD"]
    parts = []
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.5:
            parts.append(rng.choice(words))
        else:
            alphabet = "0123456789" if rng.random() < 0.5 else "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-./"
            parts.append("".join(rng.choices(alphabet, k=rng.randint(2, 9))))
    return " ".join(parts)[:24]
