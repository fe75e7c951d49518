"""What of this process is in RAM, by the file that it belongs to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

# 7f0c00000000-7f0c00021000 rw-p 00000000 00:00 0    [heap]
_MAPPING: Final = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)")
_RESIDENT: Final = re.compile(r"Rss: +(\d+) kB")


@dataclass(frozen=True, slots=True)
class MemoryMaps:
    """Bytes in RAM of each name in /proc/self/smaps: a path, a name like [heap], or nothing."""

    resident: dict[str, int]

    @classmethod
    def now(cls) -> MemoryMaps:
        """Of this process."""
        return cls.of(Path("/proc/self/smaps").read_text())

    @classmethod
    def of(cls, smaps: str) -> MemoryMaps:
        """Of the text of such a file."""
        resident: Counter[str] = Counter()
        name = ""
        for line in smaps.splitlines():
            if mapping := _MAPPING.fullmatch(line):
                name = mapping[1]
            elif size := _RESIDENT.fullmatch(line):
                resident[name] += int(size[1]) * 1024
        return cls(dict(resident))

    def resident_bytes(self, pattern: str) -> int:
        """Of all whose name matches, in the manner of a shell."""
        return sum(size for name, size in self.resident.items() if fnmatchcase(name, pattern))
