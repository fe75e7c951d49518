// One search over what a collection's reader sees: the graph, the rows not yet in it, and an exact scan when those fall
// short.
#pragma once
#include <stdint.h>

#include "flat.h"
#include "graph.h"
#include "interrupt.h"
#include "row_mask.h"
#include "row_store.h"
#include "thread_pool.h"
#include "top_k.h"

namespace vecdb {

// A reader's snapshot and what it asks for. Rows of `live` are the answer's universe; those of `tail` (a part of it)
// are not yet in the graph. Without a graph every live row is scanned.
struct SearchRequest {
    const RowStore* store;
    const Graph* graph;      // or nullptr
    const RowStore* walked;  // what the graph is walked by: `store`, or the same rows as codes
    const RowMask* live;
    const RowMask* tail;
    bool masked;  // the graph holds rows that are not live, so a walk must count live ones only
    uint32_t k;
    uint32_t ef;                      // at least k
    const uint32_t* unmet = nullptr;  // of a batch: for each query a row that its walk shall not meet; or nullptr
};

// Fills `best` with min(k, live rows) rows. Returns true when the walk fell short and all live rows were scanned.
bool search_one(const SearchRequest& request, const float* query, Interrupt* interrupt, TopK* best);

// query_count queries (contiguous) shared out over the pool; best[i] belongs to query i.
void search_batch(const SearchRequest& request, const float* queries, uint32_t query_count, ThreadPool& pool,
                  Interrupt* interrupt, TopK* best);

}  // namespace vecdb
