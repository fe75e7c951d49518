// The walk by rows of code4 at one level. Included by kernels_body.h for levels that bring what it needs, in
// VECDB_WALK_CODE4_HEADER:
//
//   score_four<metric, lines>(query, row_bytes, rows): the distances of four rows.
//   with_pool(walk, work): work(&pool), the pool being the candidates of a walk, nearest first. pool.take(row): the
//   nearest row that was not taken before, or false, with the lists of it and of those likely next on their way;
//   pool.put(rows, distances, count); pool.finish(): the keys in walk.pool, returns how many.
#include "walk_code4.h"

#include VECDB_WALK_CODE4_HEADER

namespace vecdb {
namespace {

constexpr uint32_t kHopsPerCheck = 64;
// A walk waits for memory most of the time, so it is at several rows at once: while those that a list led to are
// scored, the lists and rows of the next candidates come. These are chosen a little early, before the last scores are
// known; all candidates that stay in the pool are expanded in the end anyhow.
constexpr uint32_t kUnderWay = 4;
constexpr uint32_t kOpen = 3;  // of them, those whose list was read

// The list of one row, and the rows it led to.
struct Expansion {
    uint32_t row, count;
    alignas(64) uint32_t nearby[CODE4_WALK_WIDTH + 4];
    const uint8_t* addresses[CODE4_WALK_WIDTH + 4];
};

// Reads a list: the rows that were not met before, which they are from now on, and has them fetched.
inline void open_expansion(const Code4Walk& walk, uint32_t row_bytes, Expansion* expansion) {
    const uint32_t* list = (const uint32_t*)row_address(&walk.links, expansion->row);
    uint32_t* const nearby = expansion->nearby;
    uint8_t* const seen = walk.seen;
    const uint32_t bound = walk.bound;
    const uint8_t epoch = walk.epoch;
    uint32_t count = 0;
    for (uint32_t i = 0; i < walk.width; ++i) {
        const uint32_t link = __atomic_load_n(list + i, __ATOMIC_ACQUIRE);
        const uint32_t place = link < bound ? link : bound;
        nearby[count] = place;
        count += seen[place] != epoch;
        seen[place] = epoch;
    }
    expansion->count = count;
    const RowPages codes = walk.codes;
    for (uint32_t i = 0; i < count; ++i) {
        const uint8_t* address = row_address(&codes, nearby[i]);
        expansion->addresses[i] = address;
        for (uint32_t byte = 0; byte < row_bytes; byte += kLineBytes) __builtin_prefetch(address + byte);
    }
}

template <Metric metric, int lines, class Pool>
inline void score_expansion(const PreparedQuery& query, uint32_t row_bytes, Expansion* expansion, Pool* pool) {
    const uint32_t count = expansion->count;
    if (count == 0) return;
    const uint8_t** addresses = expansion->addresses;
    for (uint32_t i = 0; i < 3; ++i) addresses[count + i] = addresses[count - 1];
    alignas(64) float distances[CODE4_WALK_WIDTH + 16];
    for (uint32_t i = 0; i < count; i += 4) {
        _mm_store_ps(distances + i, score_four<metric, lines>(query, row_bytes, addresses + i));
    }
    pool->put(expansion->nearby, distances, count);
}

// `lines` of a row, or 0 where they are counted at run time.
template <Metric metric, int lines, class Pool>
uint32_t walk_with(const Code4Walk& walk, Pool* pool) {
    const PreparedQuery query = *walk.query;
    const uint32_t row_bytes = lines ? lines * kLineBytes : walk.codes.stride;
    Expansion expansions[kUnderWay];
    uint32_t first = 0, taken = 0, open = 0, hops = 0;
    for (;;) {
        while (taken < kUnderWay && pool->take(&expansions[(first + taken) % kUnderWay].row)) ++taken;
        if (taken == 0 || (++hops % kHopsPerCheck == 0 && walk.should_stop && walk.should_stop(walk.argument))) break;
        for (; open < taken && open < kOpen; ++open) {
            open_expansion(walk, row_bytes, &expansions[(first + open) % kUnderWay]);
        }
        score_expansion<metric, lines>(query, row_bytes, &expansions[first], pool);
        first = (first + 1) % kUnderWay;
        --taken, --open;
    }
    return pool->finish();
}

template <Metric metric>
uint32_t walk_code4(const Code4Walk* walk) {
    return with_pool(*walk, [walk](auto* pool) {
        switch (walk->codes.stride / kLineBytes) {
            case 1:
                return walk_with<metric, 1>(*walk, pool);
            case 2:
                return walk_with<metric, 2>(*walk, pool);
            default:
                return walk_with<metric, 0>(*walk, pool);
        }
    });
}

}  // namespace
}  // namespace vecdb
