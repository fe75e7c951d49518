"""An ordered map of bytes to bytes in little memory, about 16 bytes a pair beside what differs of keys, and values."""

class PairVersion:
    """The pairs of one moment, which never change."""

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys, None where there is none."""

    def pairs(self, prefix: bytes, after: bytes | None, most: int) -> list[tuple[bytes, bytes]]:
        """Up to `most` pairs whose keys begin with `prefix`, above `after`, ascending."""

class PairMap:
    """Pairs of bytes in the order of their keys, packed in leaves that its versions share."""

    def __init__(self) -> None: ...
    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values in the order of the keys, None where there is none."""

    def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes]) -> None:
        """Applies all, deletes after puts; none on a MemoryError."""

    def delete_prefix(self, prefix: bytes) -> None:
        """Deletes every key that begins with `prefix`."""

    def version(self) -> PairVersion:
        """What there is now; while it is held, each write copies the list of leaves."""

    @property
    def memory_bytes(self) -> int:
        """What the leaves and their list take."""
