// Exact search: every row of a mask is scored.
#pragma once
#include <stdint.h>

#include "interrupt.h"
#include "row_mask.h"
#include "row_store.h"
#include "scorer.h"
#include "thread_pool.h"
#include "top_k.h"

namespace vecdb {

// Offers every row of `mask` to `best`, for the query `scorer` was prepared with.
void scan(const Scorer& scorer, const RowMask& mask, Interrupt* interrupt, TopK* best);

// The same for query_count queries (contiguous, store.dimension() floats each) and one TopK each. Distances are
// bit-equal to scan()'s: blocks of dot products only choose which rows the exact kernel scores.
void scan_batch(const RowStore& store, const float* queries, uint32_t query_count, const RowMask& mask,
                ThreadPool& pool, Interrupt* interrupt, TopK* best);

}  // namespace vecdb
