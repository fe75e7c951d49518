"""Every bound of vecdb; beyond one the call raises LimitExceeded, or the error that names the row, field or position.

They are the same at every door. They stand far above ordinary use and far below what would let a single call exhaust
the process: a batch, a filter or a payload is refused before memory is taken for it.
"""

from __future__ import annotations

from typing import Final

# Vectors and schema.
DIMENSION_MAXIMUM: Final = 65_536  # one float32 row is 256 KiB: a kernel's working set still fits a second-level cache
VECTORS_MAXIMUM: Final = (
    16  # named vectors of a collection; each owns row files, an index and its share of a checkpoint
)
FIELDS_MAXIMUM: Final = 256  # declared fields of a collection; each costs every write one index update
NAME_BYTES: Final = 128  # names become keys and folder names, and file systems stop at 255 bytes
FIELD_NAME_BYTES: Final = 512  # a declared field is a dotted path, not a file: up to a few names long
HNSW_M_MAXIMUM: Final = 256  # 2m links a row on the ground layer; recall gains end long before
EF_CONSTRUCTION_MAXIMUM: Final = 4_096  # as EF_MAXIMUM, at build time

# Ids and payloads.
INTEGER_ID_MAXIMUM: Final = 2**63 - 1  # what a signed 64-bit column of any client or file format can carry
ID_BYTES: Final = 1_024  # UTF-8 bytes of a str id; it is a key in the store and is copied into every journal record
PAYLOAD_BYTES: Final = 1 << 20  # JSON bytes of one payload; larger documents belong beside the database
PAYLOAD_DEPTH: Final = 32  # nested lists and dicts; every reader of a payload may recurse this deep safely

# One call.
BATCH_ROWS: Final = 100_000  # rows of one upsert: the batch is one journal record and becomes visible as one
BATCH_BYTES: Final = 512 << 20  # vectors and payloads of one upsert, embedded; it is in memory about twice
IDS_MAXIMUM: Final = 100_000  # ids of one get, delete or update
K_MAXIMUM: Final = 10_000  # results of one query; for more there is scan
EF_MAXIMUM: Final = 4_096  # candidates kept by a graph walk that was asked for by number; beyond it exact search wins
EF_AUTOMATIC_MAXIMUM: Final = 16_384  # what the planner may choose by itself: enough for K_MAXIMUM and a margin
QUERIES_MAXIMUM: Final = 10_000  # queries of one search call; with K_MAXIMUM results each it is split by the caller
RESULTS_MAXIMUM: Final = 10_000_000  # queries times k of one call: 160 MB of rows and scores
SCAN_BATCH_ROWS: Final = 10_000  # records of one page of a scan
TIMEOUT_SECONDS: Final = 3_600.0  # the longest deadline a call may ask for
MESSAGE_FIELDS: Final = 500_000  # of one request, those within others too: each takes up to 56 bytes beside its own
MESSAGE_BYTES: Final = 64 << 20  # one message of the protocol, unless a server is told otherwise

# Filters.
FILTER_DEPTH: Final = 16  # nested and, or, not
FILTER_CONDITIONS: Final = 1_024  # comparisons of a filter; a list of values is one comparison
FILTER_LIST: Final = 100_000  # values of one in, not in, any_of, all_of, none_of or has_id
FILTER_BYTES: Final = 4 << 20  # UTF-8 bytes of the string spelling; a list of FILTER_LIST ids fits

# Storage.
TAIL_BYTES: Final = 512 << 20  # vectors written and not yet absorbed by an index; past it writers slow down
JOURNAL_RECORD_BYTES: Final = 1 << 30  # one framed record; a longer length field can only be damage
CHECKPOINT_BYTES: Final = (
    64 << 20
)  # journal since the last checkpoint that makes the next one due; bounds replay at open
JOURNAL_FILE_BYTES: Final = 64 << 20  # size at which a new journal file is begun, so that checkpoints can drop old ones
COLLECTIONS_MAXIMUM: Final = 10_000  # of one database
THREADS_MAXIMUM: Final = 1_024  # of one pool
