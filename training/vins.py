"""Plausible VINs, and texts that are none."""

import csv
import random
from functools import lru_cache
from pathlib import Path

ALPHABET = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
BARRED = "IOQ"  # other writing has them
TAKEN_FOR = {"I": "1", "O": "0", "Q": "0"}  # by whoever expects a VIN
WRITING = ALPHABET + BARRED  # what is told apart
UNKNOWN = 255  # the label of a character that nobody knows; others are places in WRITING
VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9]))
WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
LENGTH = 17
YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"
ALIKE = ("8B3", "0DU", "GC6", "5S", "2Z7", "1T7", "HMNW", "VYU", "KXR", "A4", "EF", "PR")  # what small pictures confuse
WORDS = (
    "MADE IN|GVWR|KG|DATE|TYPE|MODEL|AUTO|ENGINE|PAINT|TRIM|MFD BY|EAC|RU|E-RU|TC|MAX|PSI|TIRE|CHASSIS NO|VIN|LTD|MOTOR CO|GAWR FRT|KPA|"
    "COLD|EFFECT ON THE DATE OF MANUFACTURE|THIS VEHICLE CONFORMS|MPV|PASS CAR|Made in Germany|Typ|kg|Motor Manufacturing Limited Company|"
    "AUTOMOBILES PEUGEOT|BAYERISCHE MOTOREN WERKE AG|DAIMLER-BENZ AG|OPEL|TRANSMISSION|COLOR"
).split("|")
FOREIGN = (
    "ООО «АВТОЗАВОД РУС»|ЗАО «АВТО РОССИЯ»|АВТОВАЗ|ДВИГАТЕЛЬ|МОДЕЛЬ|Сделано в России|МАССА|кг|РОСС|ОАО ГАЗ|ТИП|Я04|ТС|"
    "车辆识别代号|制造年月|发动机型号|最大设计总质量|额定功率|乘坐人数|中国|有限公司|汽车制造|整车型号|기아자동차|차대번호|현대자동차"
).split("|")


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
    """Mostly a maker's pattern, sometimes any characters, so that every place learns all 33, and sometimes look-alikes."""
    kind = rng.random()
    if kind < 0.25:
        return "".join(rng.choices(ALPHABET, k=17))
    if kind < 0.37:
        return "".join(rng.choice(rng.choice(ALIKE)) for _ in range(17))
    wmi = rng.choice(common if rng.random() < 0.5 else rare)
    digits = lambda n: "".join(rng.choices("0123456789", k=n))
    kind = rng.random()
    if kind < 0.22:  # Volkswagen's
        vds = "ZZZ" + "".join(rng.choices(ALPHABET, k=2)) + rng.choice("ZZZ" + ALPHABET)
    elif kind < 0.3:  # numbers, as Mercedes-Benz and Opel write
        vds = digits(6)
    elif kind < 0.36:
        vds = "".join(rng.choices(ALPHABET, k=3)) + "000"
    else:
        vds = "".join(rng.choices(ALPHABET, k=6))
    letters = rng.random()
    plant = rng.choice(ALPHABET) + (rng.choice(ALPHABET) if letters < 0.3 else digits(1))
    tail = rng.choice(YEARS) + plant + ("".join(rng.choices(ALPHABET, k=2)) if letters < 0.08 else digits(2)) + digits(3)
    if wmi[2] == "9":  # a small maker: its code goes on in places 12 to 14
        tail = tail[:2] + "".join(rng.choices(ALPHABET, k=2)) + digits(1) + tail[5:]
    text = wmi + vds + tail
    holds = 0.97 if wmi[0] in "12345LH" else 0.3
    if rng.random() < holds:
        text = text[:8] + check_digit(text) + text[9:]
    return text


def approval(rng: random.Random) -> str:
    """A type approval's number."""
    digits = lambda n: "".join(rng.choices("0123456789", k=n))
    kind = rng.random()
    if kind < 0.4:
        return f"e{rng.randint(1, 27)}*{rng.choice(('2001/116', '98/14', '2007/46', '95/54', '70/156', '2018/858'))}*{digits(4)}" + rng.choice(("", "*" + digits(2), ".", "-" + digits(2)))
    if kind < 0.8:
        return f"{rng.choice(('TC RU ', '', 'TC '))}{rng.choice(('E-RU', 'E-CN', 'E-FR', 'E RU', 'K-RU'))}.{rng.choice(('MT02', 'AЯ04', 'MT22', 'HB23', 'AB58'))}.{digits(5)}{rng.choice(('', '', '', '.P1', '.P4'))}"
    return f"POCC {rng.choice(('RU', 'KR', 'JP'))}.MT{digits(2)}.E{digits(5)}"


def weight(rng: random.Random) -> str:
    """A mass, as labels tell it."""
    unit = rng.choice(("kg", "KG", "Kg", "кг", "", "kg"))
    return rng.choice(("", "", "1- ", "2- ", "1 - ", "2 - ")) + f"{rng.randint(600, 4200)}{rng.choice((' ', '', '  '))}{unit}".rstrip()


def code(rng: random.Random) -> str:
    """A part number, tyre size, date or colour."""
    digits = lambda n: "".join(rng.choices("0123456789", k=n))
    letters = lambda n: "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=n))
    return rng.choice((
        lambda: f"{digits(1)}{letters(1)}{digits(1)} {digits(3)} {digits(3)} {letters(1)}", lambda: f"{digits(3)}/{digits(2)} R{digits(2)} {digits(2)}{letters(1)}",
        lambda: f"{digits(2)}/{digits(4)}", lambda: f"{digits(2)}.{digits(2)}.{digits(4)}", lambda: f"{letters(2)}{digits(2)}{letters(1)}", lambda: letters(rng.randint(2, 5)) + digits(rng.randint(3, 9)),
    ))()


def other_text(rng: random.Random) -> str:
    """A line that is no VIN."""
    kind = rng.random()
    if kind < 0.15:
        return approval(rng)
    if kind < 0.3:
        return weight(rng) + ("" if rng.random() < 0.7 else "   " + weight(rng))
    parts = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.random()
        if kind < 0.4:
            parts.append(rng.choice(WORDS))
        elif kind < 0.52:
            parts.append(rng.choice(FOREIGN))
        elif kind < 0.72:
            parts.append(code(rng))
        else:
            alphabet = "0123456789" if rng.random() < 0.5 else "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-./"
            parts.append("".join(rng.choices(alphabet, k=rng.randint(2, 9))))
    return " ".join(parts)[:28]


def misspelt(rng: random.Random, vin: str, count: int, letters: str = BARRED) -> str:
    """A VIN with so many characters that no VIN has."""
    text = list(vin)
    for i in rng.sample(range(LENGTH), count):
        text[i] = rng.choice(letters)
    return "".join(text)


def no_vin(rng: random.Random) -> str:
    """Seventeen to twenty characters that can be no VIN: one holds a letter or sign that no VIN has."""
    text = rng.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=rng.choice((17, 17, 18, 20)))
    for i in rng.sample(range(len(text)), rng.randint(2, 5)):
        text[i] = rng.choice(BARRED + "-/. ")
    return "".join(text).strip()
