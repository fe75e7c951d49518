"""Makes demo/data from the WordNet embeddings: `python demo/make_data.py FOLDER`; the same input gives the same bytes.

FOLDER holds wordnet-minilm-384.f16.npz (`train`, `test`: unit float16 rows of all-MiniLM-L6-v2), wordnet-attrs.parquet
(row i describes train row i) and wordnet-queries.parquet (the text of each test row and the synset it illustrates).
Written: synsets.f16.npy, synsets.jsonl.gz, queries.f16.npy, queries.jsonl.gz. Needs pyarrow.
"""

from __future__ import annotations

import argparse
import gzip
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.parquet as parquet

SYNSET_COUNT = 10_000
DATA = Path(__file__).parent / "data"
PLAIN_LEMMA = re.compile(r"[a-z]+(?:[ -][a-z]+)?")
UNKIND = re.compile(r"offensive|slur|obscen|disparag|vulgar|derog|sexual|genital|excrement|prostitut|incest|rape\b")

# Example sentences that read as something one could ask. Nearly all name their synset, as example sentences do, so
# they show what an answer looks like; they do not measure how good the embedding is.
QUERY_NUMBERS = (
    *(1, 12, 62, 148, 180, 252, 255, 307, 319, 354, 361, 412, 459, 556, 571, 586, 635, 735, 763, 775),
    *(783, 822, 870, 916, 1182, 1417, 1442, 1460, 1477, 1520, 1544, 1554, 1650, 1781, 1830, 1842, 1914, 1925, 1934),
    *(1978,),
)


@dataclass(frozen=True, slots=True)
class Synset:
    """One row of the attributes, as the demo keeps it."""

    id: int
    pos: str
    lexname: str
    depth: int
    n_lemmas: int
    n_pointers: int
    n_examples: int
    lemmas: list[str]
    text: str

    @property
    def is_plain(self) -> bool:
        """Whether its words are everyday ones: small letters, at most two words, a gloss of moderate length."""
        return (
            all(PLAIN_LEMMA.fullmatch(lemma) for lemma in self.lemmas[:1])
            and 20 <= len(self.text) <= 160
            and UNKIND.search(self.text) is None
        )

    @property
    def commonness(self) -> float:
        """Higher for synsets that many others point to, that have examples, and whose first word is short."""
        return 2 * math.log1p(self.n_pointers) + min(self.n_examples, 3) - 0.15 * len(self.lemmas[0])


def main() -> None:
    """Reads the shared files and writes the four files of demo/data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where the three WordNet files are")
    folder: Path = parser.parse_args().folder

    synsets = [read_synset(row) for row in parquet.read_table(folder / "wordnet-attrs.parquet").to_pylist()]
    texts = parquet.read_table(folder / "wordnet-queries.parquet").to_pylist()
    queries = [
        {"query": number, "text": texts[number]["text"], "synset": texts[number]["source_synset"]}
        for number in QUERY_NUMBERS
    ]
    chosen = choose(synsets, {query["synset"] for query in queries})
    with np.load(folder / "wordnet-minilm-384.f16.npz") as arrays:
        vectors = arrays["train"][[synset.id for synset in chosen]]
        query_vectors = arrays["test"][list(QUERY_NUMBERS)]

    DATA.mkdir(exist_ok=True)
    np.save(DATA / "synsets.f16.npy", vectors)
    np.save(DATA / "queries.f16.npy", query_vectors)
    write_lines(DATA / "synsets.jsonl.gz", map(as_payload, chosen))
    write_lines(DATA / "queries.jsonl.gz", queries)
    print(f"{len(chosen)} synsets, {len(queries)} queries, {sum(p.stat().st_size for p in DATA.iterdir()):,} bytes")


def read_synset(row: dict[str, Any]) -> Synset:
    """One row of wordnet-attrs.parquet."""
    kept = {name: row[name] for name in Synset.__slots__ if name != "lemmas"}
    return Synset(lemmas=row["lemmas"].split("|"), **kept)


def as_payload(synset: Synset) -> dict[str, object]:
    """What the demo stores beside a vector, its id included."""
    return {
        "id": synset.id,
        "pos": synset.pos,
        "lexname": synset.lexname,
        "depth": synset.depth,
        "n_lemmas": synset.n_lemmas,
        "lemmas": synset.lemmas,
        "text": synset.text,
    }


def choose(synsets: list[Synset], wanted: set[int]) -> list[Synset]:
    """The wanted ids and the most common plain synsets of each lexicographer file, in order of id.

    A file's share is proportional to the square root of its size: feelings and weather are small files, and stay seen.
    """
    files: dict[str, list[Synset]] = {}
    for synset in synsets:
        if synset.is_plain and synset.id not in wanted:
            files.setdefault(synset.lexname, []).append(synset)
    left = SYNSET_COUNT - len(wanted)
    chosen = [synset for synset in synsets if synset.id in wanted]
    # The smallest files come first, so that what they cannot fill goes to the larger ones.
    shares = sorted((len(members), name) for name, members in files.items())
    weight = sum(math.sqrt(size) for size, _ in shares)
    for size, name in shares:
        share = min(size, round(left * math.sqrt(size) / weight))
        weight -= math.sqrt(size)
        left -= share
        chosen += sorted(files[name], key=lambda synset: (-synset.commonness, synset.id))[:share]
    return sorted(chosen, key=lambda synset: synset.id)


def write_lines(path: Path, rows: Iterable[dict[str, object]]) -> None:
    """Gzipped JSON lines, with no time in the header."""
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    path.write_bytes(gzip.compress(lines, 9, mtime=0))


if __name__ == "__main__":
    main()
