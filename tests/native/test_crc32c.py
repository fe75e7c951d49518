"""CRC-32C against the vectors of RFC 3720 and a division bit by bit."""

import array

import numpy as np
import pytest

from vecdb.native import kernels

every_level = pytest.mark.parametrize("level", kernels.levels())


@every_level
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_known_vectors(level: str, data: bytes, crc: int) -> None:
    assert kernels.crc32c(data, level=level) == crc


@every_level
def test_any_length_and_alignment_is_the_bitwise_remainder(level: str) -> None:
    data = np.random.default_rng(1).bytes(13_000)
    for length in [*range(70), 255, 256, 767, 768, 769, 1543, 6143, 6144, 6145, 7000, 12_900]:
        start = length % 9
        piece = data[start : start + length]
        assert kernels.crc32c(memoryview(data)[start : start + length], level=level) == bitwise(piece), (
            f"{length} bytes"
        )


@every_level
def test_a_checksum_continues_where_another_ended(level: str) -> None:
    data = np.random.default_rng(2).bytes(100_000)
    whole = kernels.crc32c(data, level=level)
    for cut in (0, 1, 8, 999, 50_000, 99_999, 100_000):
        assert kernels.crc32c(data[cut:], kernels.crc32c(data[:cut], level=level), level=level) == whole
    assert whole == kernels.crc32c(data)


def test_any_contiguous_buffer_will_do() -> None:
    X = np.arange(24, dtype=np.float32).reshape(4, 6)
    crc = kernels.crc32c(X.tobytes())
    frozen = X.copy()
    frozen.flags.writeable = False
    for buffer in (X, frozen, bytearray(X.tobytes()), X.data, array.array("f", X.ravel().tolist())):
        assert kernels.crc32c(buffer) == crc
    with pytest.raises(ValueError, match="contiguous"):
        kernels.crc32c(X[:, ::2])
    with pytest.raises(TypeError):
        kernels.crc32c("text")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        kernels.crc32c(b"", 2**32)


def bitwise(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
