"""Collects what makers have registered in North America of places 4 to 8, 10 and 11, for the priors of the posterior.

`python registered.py ~/.cargo/registry/src/*/corgi-rs-0.4.0/assets ../models/registered.tsv`

NHTSA's vPIC holds, for each maker and model year, keys of what those places say of the model, the engine and so on (49 CFR 565.16). The crate
`corgi-rs` carries what is needed of it (`../src/vin/wmi.py` says where to get it). The keys of one model together
tell which characters each place may hold. Models alike are told together, as the table would be four times as large otherwise.
"""

import argparse
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np

from vins import ALPHABET, YEARS

HEADER = """\
# What makers' vehicles hold in places 4 to 8, in place 10 (one after the other) and in place 11, as registered in North America.
# Made by training/registered.py from NHTSA's vPIC, 2026-08 (public data of the US government).
# code	places 4 to 8 (* any, [ ] one of, a-c from a to c in the alphabet of VINs)	years	plants
"""
ANY = frozenset(ALPHABET)
MODEL = "28"  # vPIC's element
FIRST_YEAR, LAST_YEAR = 1980, 2027
LETTERS = 5  # descriptors of a key, before its bar
# How much less probable, in all, the models of two rows may become (natural logarithm) for the sake of one row less. The likelihood of a vehicle, mean
# over the 95 makers of the tuning half of `vin_vectors.tsv`: 0 -12.5 (2.8 MB), 10 -12.8 (1.3), 30 -13.8 (0.7), 50 -14.6 (0.5); without a table -24.
WORTH = 30.0
LOG = np.log(np.maximum(1, np.arange(len(ALPHABET) + 1)))


def places(key: str) -> tuple[frozenset[str], ...] | None:
    """What a key allows in places 4 to 8, 10 and 11; None if it is not one of those."""
    found, rest = [], key
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "[":
            body, closed, rest = rest.partition("]")
            if not closed:
                return None
            found.append(one_of(body))
        else:
            found.append({"*": ANY, "_": ANY, "#": frozenset("0123456789")}.get(head, frozenset(head)))
    bar = frozenset("|")
    letters = found[: found.index(bar)] if bar in found else found
    if len(letters) > LETTERS or (bar in found and len(letters) < LETTERS):
        return None
    padded = letters + [ANY] * (LETTERS - len(letters)) + found[LETTERS + 1 :] + [ANY] * 2
    return tuple(place & ANY for place in padded[: LETTERS + 2])


def one_of(body: str) -> frozenset[str]:
    """The characters of a class; ranges are those of ASCII."""
    found = set()
    while body:
        if body[1:2] == "-" and len(body) > 2:
            found |= {chr(c) for c in range(ord(body[0]), ord(body[2]) + 1)}
            body = body[3:]
        else:
            found.add(body[0])
            body = body[1:]
    return frozenset(found)


def models_of(keys: dict[str, set]) -> set[tuple[frozenset[str], ...]]:
    """What each model of a schema, whose keys are given by element, has in its places: what its own key says, and elsewhere
    what any key does that can hold beside it."""
    found = set()
    everything = set().union(*keys.values())
    for model in keys.get(MODEL) or {(ANY,) * (LETTERS + 2)}:
        beside = [key for key in everything if all(a & b for a, b in zip(model, key))]
        told = lambda place: frozenset().union(*(key[place] for key in beside if key[place] != ANY)) or ANY
        found.add(tuple(own if own != ANY else told(place) for place, own in enumerate(model)))
    return found


def together(rows: np.ndarray) -> np.ndarray:
    """Rows [n,7] of what one maker's models may hold in each place, a bit a character, the years last; the nearest two made one, again and again."""
    rows, alive = rows.copy(), np.ones(len(rows), bool)
    models = np.bitwise_count(rows[:, -1]).astype(float)  # and years in which they were made
    spread = lambda rows: LOG[np.bitwise_count(rows)].sum(-1)
    cost = models * spread(rows)
    nearest, price = np.zeros(len(rows), int), np.full(len(rows), np.inf)

    def look(one):
        """For the nearest of the later rows."""
        others = np.flatnonzero(alive[one + 1 :]) + one + 1
        prices = dearer(one, others)
        at = prices.argmin() if len(others) else None
        nearest[one], price[one] = (0, np.inf) if at is None else (others[at], prices[at])

    def dearer(one, others):
        return (models[others] + models[one]) * spread(rows[others] | rows[one]) - cost[others] - cost[one]

    for one in range(len(rows)):
        look(one)
    while price.min() < WORTH:
        one = price.argmin()
        other = nearest[one]
        rows[one] |= rows[other]
        models[one] += models[other]
        cost[one] = models[one] * spread(rows[one])
        alive[other], price[other] = False, np.inf
        earlier = np.flatnonzero(alive[:one])
        lost = earlier[np.isin(nearest[earlier], (one, other)) & np.isfinite(price[earlier])]
        between = np.flatnonzero(alive[one + 1 : other]) + one + 1
        for row in (*lost, *between[nearest[between] == other], one):
            look(row)
        prices = dearer(one, earlier)
        better = prices < price[earlier]
        price[earlier[better]], nearest[earlier[better]] = prices[better], one
    return rows[alive]


def bits(place: frozenset[str]) -> int:
    return sum(1 << ALPHABET.index(c) for c in place)


def written(place: frozenset[str]) -> str:
    """A place as the table has it."""
    if place == ANY:
        return "*"
    indices = sorted(map(ALPHABET.index, place))
    runs = []
    for i in indices:
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    text = "".join(f"{ALPHABET[r[0]]}-{ALPHABET[r[-1]]}" if len(r) > 3 else "".join(ALPHABET[i] for i in r) for r in runs)
    return text if len(place) == 1 else f"[{text}]"


def table(assets: Path, name: str) -> list[list[str]]:
    text = subprocess.run(["zstd", "-dqc", assets / f"{name}.tsv.zst"], check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in text.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path, help="corgi-rs's folder of that name")
    parser.add_argument("out", type=Path)
    a = parser.parse_args()
    keys = defaultdict(lambda: defaultdict(set))
    for schema, key, element, *_ in table(a.assets, "pattern"):
        if found := places(key):
            keys[schema][element].add(found)
    told = {schema: models_of(elements) for schema, elements in keys.items()}
    registered = defaultdict(lambda: defaultdict(int))
    for code, schema, first, last in table(a.assets, "wmi_schema"):
        if len(code) != 3 or not set(code) <= ANY:
            continue
        years = {YEARS[(year - FIRST_YEAR) % len(YEARS)] for year in range(max(int(first), FIRST_YEAR), min(int(last), LAST_YEAR) + 1)}
        for *letters, year, plant in told.get(schema, ()):
            if years & year and all(letters) and plant:
                registered[code][(*map(bits, letters), bits(plant))] |= bits(years & year)
    lines = []
    for code, places_of in registered.items():
        # In one order, as that decides between pairs equally near.
        for row in together(np.array(sorted((*row, years) for row, years in places_of.items()), np.uint64)):
            *letters, plant, years = (frozenset(c for i, c in enumerate(ALPHABET) if int(place) >> i & 1) for place in row)
            lines.append("\t".join((code, "".join(map(written, letters)), "".join(sorted(years, key=YEARS.index)), written(plant))))
    a.out.write_text(HEADER + "".join(line + "\n" for line in sorted(lines)))
    print(len(registered), "makers,", len(lines), "rows,", a.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
