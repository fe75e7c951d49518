"""The maker chooses everyday synsets from every lexicographer file, the wanted ones always, and the same each time."""

from __future__ import annotations

import random
from collections import Counter

from demo.make_data import SYNSET_COUNT, Synset, choose

SEED = 7
FILES = {"noun.large": 20_000, "noun.small": 300, "verb.tiny": 20}


def synset(number: int, lexname: str, **changes: object) -> Synset:
    facts: dict[str, object] = {
        "pos": lexname.partition(".")[0],
        "depth": 1,
        "n_lemmas": 1,
        "n_pointers": number % 50,
        "n_examples": number % 3,
        "lemmas": ["word"],
        "text": "word: a unit of language that speakers know",
    }
    return Synset(id=number, lexname=lexname, **(facts | changes))  # type: ignore[arg-type]


def make_synsets() -> list[Synset]:
    names = [name for name, size in FILES.items() for _ in range(size)]
    return [synset(number, name) for number, name in enumerate(names)]


def test_each_file_has_its_share_and_small_ones_come_whole() -> None:
    chosen = choose(make_synsets(), set())
    counts = Counter(item.lexname for item in chosen)
    assert len(chosen) == len({item.id for item in chosen}) == SYNSET_COUNT
    assert counts["noun.small"] == 300
    assert counts["verb.tiny"] == 20
    assert [item.id for item in chosen] == sorted(item.id for item in chosen)


def test_the_wanted_come_however_odd_they_are() -> None:
    odd = synset(30_000, "noun.large", lemmas=["Mister-X 9"], text="Mister-X 9: ?")
    assert odd in choose([*make_synsets(), odd], {30_000})
    assert odd not in choose([*make_synsets(), odd], set())


def test_the_order_of_the_input_does_not_matter() -> None:
    synsets = make_synsets()
    expected = choose(synsets, {3, 5})
    random.Random(SEED).shuffle(synsets)
    assert choose(synsets, {3, 5}) == expected, f"seed {SEED}"


def test_the_more_common_comes_first() -> None:
    chosen = choose(make_synsets(), set())
    large = [item for item in make_synsets() if item.lexname == "noun.large"]
    taken = {item.id for item in chosen}
    worst_taken = min(item.commonness for item in large if item.id in taken)
    best_left = max(item.commonness for item in large if item.id not in taken)
    assert worst_taken >= best_left


def test_plain_synsets_are_told_from_others() -> None:
    assert synset(1, "noun.act").is_plain
    assert not synset(1, "noun.act", lemmas=["Paris"]).is_plain
    assert not synset(1, "noun.act", lemmas=["genus mus musculus"]).is_plain
    assert not synset(1, "noun.act", text="word: short").is_plain
    assert not synset(1, "noun.act", text="word: an offensive term for a person").is_plain
