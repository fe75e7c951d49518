"""What is resident, by name: of a text written by hand, and of this process beside the kernel's own sum."""

import mmap
from pathlib import Path

from vecdb.bench.promises.memory_maps import MemoryMaps

SMAPS = """\
55d0c8a00000-55d0c8a21000 rw-p 00000000 00:00 0                          [heap]
Size:                132 kB
Rss:                  12 kB
Pss:                  12 kB
7f0c10000000-7f0c10400000 r--s 00000000 fe:00 1234                       /some where/rows/vvector.0000
Rss:                4096 kB
VmFlags: rd sh mr mw me ms
7f0c20000000-7f0c20400000 r--s 00000000 fe:00 1235                       /some where/rows/heads.0000
Rss:                  48 kB
7f0c30000000-7f0c30400000 rw-p 00000000 00:00 0
Rss:                   8 kB
7f0c40000000-7f0c40400000 rw-p 00000000 00:00 0
Rss:                  16 kB
"""


def test_every_name_has_its_bytes() -> None:
    maps = MemoryMaps.of(SMAPS)
    assert maps.resident_bytes("*") == (12 + 4096 + 48 + 8 + 16) * 1024
    assert maps.resident_bytes("*/rows/v*") == 4096 * 1024
    assert maps.resident_bytes("") == 24 * 1024
    assert maps.resident_bytes("*.so") == 0


def test_a_mapped_file_counts_as_it_is_read_and_the_sum_is_that_of_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(8 << 20))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        memory.madvise(mmap.MADV_RANDOM)
        before = MemoryMaps.now()
        read = sum(memory[place] for place in range(0, 4 << 20, mmap.PAGESIZE))
        after = MemoryMaps.now()
    assert read == 0
    assert before.resident_bytes(f"{path}") == 0
    assert 4 << 20 <= after.resident_bytes(f"{path}") < 8 << 20
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    status = int(fields["VmRSS"].split()[0]) * 1024
    assert abs(MemoryMaps.now().resident_bytes("*") - status) < 8 << 20
