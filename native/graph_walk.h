// The walk itself: two passes an expansion (collect unmet neighbours, then score them as one batch), one sorted pool.
#pragma once
#include <string.h>

#include <algorithm>

#include "graph.h"
#include "ordered.h"

namespace vecdb {

constexpr uint32_t HOPS_PER_CHECK = 64;

// Puts a key into a sorted array of at most `capacity`; returns its place.
inline uint32_t insert_sorted(uint64_t* keys, uint32_t* size, uint32_t capacity, uint64_t key) {
    uint32_t low = 0, high = *size;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    const uint32_t end = std::min(*size, capacity - 1);
    if (low > end) return low;
    memmove(keys + low + 1, keys + low, (end - low) * sizeof(uint64_t));
    keys[low] = key;
    *size = end + 1;
    return low;
}

inline uint32_t Graph::gather(uint32_t row, uint32_t level, WalkScratch* scratch) const {
    const GraphLinks::Link* list = links_.list(row, level);
    const uint32_t width = links_.width(level), bound = scratch->bound;
    uint8_t* seen = scratch->seen.data();
    uint32_t* nearby = scratch->nearby.data();
    const uint8_t epoch = scratch->epoch;
    uint32_t count = 0;
    for (uint32_t i = 0; i < width; ++i) {
        const uint32_t link = list[i].load(std::memory_order_acquire);
        const uint32_t place = link < bound ? link : bound;
        nearby[count] = place;
        count += seen[place] != epoch;
        seen[place] = epoch;
    }
    return count;
}

template <class Allowed>
void Graph::walk_masked(const Scorer& scorer, uint64_t start, uint32_t ef, const Allowed& allowed, Interrupt* interrupt,
                        WalkScratch* scratch) const {
    const uint32_t capacity = std::max(4 * ef, 1024u);  // the frontier is bounded; exact search covers what it misses
    scratch->pool.resize(capacity + 1);
    scratch->results.resize(ef + 1);
    uint64_t* pool = scratch->pool.data();
    uint64_t* results = scratch->results.data();
    uint32_t size = 1, found = 0, next = 0, hops = 0;
    pool[0] = start;
    if (allowed(key_row(start))) insert_sorted(results, &found, ef, start);
    while (next < size) {
        if (found == ef && pool[next] > results[found - 1]) break;
        if (interrupt && ++hops % HOPS_PER_CHECK == 0 && interrupt->should_stop()) break;
        const uint32_t row = key_row(pool[next]);
        pool[next] |= 1;
        const uint32_t count = gather(row, 0, scratch);
        scorer.score(scratch->nearby.data(), count, scratch->distances.data());
        uint32_t lowest = next + 1;
        for (uint32_t i = 0; i < count; ++i) {
            const uint64_t key = pack_key(scratch->distances[i], scratch->nearby[i]);
            if (found == ef && key >= results[found - 1]) continue;
            if (allowed(scratch->nearby[i])) insert_sorted(results, &found, ef, key);
            if (size == capacity && key >= pool[size - 1]) continue;
            lowest = std::min(lowest, insert_sorted(pool, &size, capacity, key));
        }
        next = lowest;
        while (next < size && (pool[next] & 1)) ++next;
    }
    scratch->results.resize(found);
}

template <class Allowed>
void Graph::search(const Scorer& scorer, uint32_t ef, const Allowed* allowed, uint32_t unmet, Interrupt* interrupt,
                   WalkScratch* scratch) const {
    scratch->results.clear();
    // Read once, and before the walk's bound: the last row may leave, or a newer one become the entry, at any time.
    const uint64_t entry = this->entry();
    if (entry == NO_ENTRY || ef == 0) return;
    begin_walk(scorer, scratch);
    if (static_cast<uint32_t>(entry) >= scratch->bound) return;
    const uint64_t start = start_of(scorer, entry, scratch);
    scratch->seen[key_row(start)] = scratch->epoch;
    if (unmet < scratch->bound) scratch->seen[unmet] = scratch->epoch;
    if (allowed) {
        walk_masked(scorer, start, ef, *allowed, interrupt, scratch);
    } else {
        walk(scorer, start, 0, ef, interrupt, scratch);
        for (uint64_t& key : scratch->pool) key &= ~1ull;
        scratch->results.swap(scratch->pool);
    }
}

}  // namespace vecdb
