#include "search.h"

#include <algorithm>

#include "code_errors.h"

namespace vecdb {

namespace {

struct Allowed {
    const RowMask* live;
    const RowMask* tail;
    // Rows absorbed after the snapshot was taken are in its tail: the scan of the tail answers for them.
    bool operator()(uint32_t row) const { return live->contains(row) && !tail->contains(row); }
};

// Rows that are scored exactly, beyond k, before what codes say of the rest is believed; and at a time afterwards.
constexpr uint32_t EXACT_FIRST = 4;
constexpr uint32_t EXACT_AT_A_TIME = 8;

// Offers what a walk by codes found by exact distances, nearest by codes first, until no row can be among the best any
// more. Returns how many rows it found.
uint64_t offer_exactly(const Allowed& allowed, const float* query, const SearchRequest& request, WalkScratch* scratch,
                       TopK* best) {
    std::vector<uint32_t>& rows = scratch->chosen;
    std::vector<float>& by_codes = scratch->code_distances;
    rows.clear();
    by_codes.clear();
    for (uint64_t key : scratch->results) {
        if (!allowed(key_row(key))) continue;
        rows.push_back(key_row(key));
        by_codes.push_back(key_distance(key));
    }
    const uint32_t count = static_cast<uint32_t>(rows.size());
    uint32_t begin = 0, end = request.k + EXACT_FIRST;
    if (end + EXACT_AT_A_TIME > count) end = count;  // too few are left for the errors to pay
    if (scratch->distances.size() < std::max(end, EXACT_AT_A_TIME))
        scratch->distances.resize(std::max(end, EXACT_AT_A_TIME));
    Scorer scorer(*request.store);
    scorer.prepare(query);
    // Between rows of length one the squared distance is twice the negated product, and two more.
    const bool twice = request.walked->metric() == METRIC_L2 && request.store->metric() == METRIC_DOT;
    CodeErrors errors(twice ? 0.5f : 1.0f);
    while (begin < end) {
        scorer.score(rows.data() + begin, end - begin, scratch->distances.data());
        for (uint32_t i = begin; i < end; ++i) {
            const float exact = scratch->distances[i - begin];
            best->push(exact, rows[i]);
            errors.add(by_codes[i], exact);
        }
        begin = end;
        while (end < std::min(count, begin + EXACT_AT_A_TIME) && !(errors.least(by_codes[end]) > best->bound())) ++end;
    }
    return count;
}

// Offers what a walk of the graph finds; false when it found fewer rows than there are to find.
bool offer_walk(const SearchRequest& request, const float* query, uint32_t unmet, Interrupt* interrupt, TopK* best) {
    const uint64_t indexed = request.live->count() - request.tail->count();
    const uint64_t wanted = std::min<uint64_t>(request.k, indexed);
    if (wanted == 0) return true;
    const Allowed allowed{request.live, request.tail};
    auto scratch = request.graph->take_scratch();
    Scorer scorer(*request.walked);
    scorer.prepare(query);
    const uint64_t ef = std::min<uint64_t>(std::max(request.ef, request.k), request.graph->row_bound());
    request.graph->search(scorer, static_cast<uint32_t>(ef), request.masked ? &allowed : nullptr, unmet, interrupt,
                          scratch.get());
    uint64_t found = 0;
    if (request.walked == request.store) {
        for (uint64_t key : scratch->results) {
            if (!allowed(key_row(key))) continue;
            best->push(key_distance(key), key_row(key));
            if (++found == wanted) break;
        }
    } else {
        found = offer_exactly(allowed, query, request, scratch.get(), best);
    }
    request.graph->give_scratch(std::move(scratch));
    return found >= wanted;
}

}  // namespace

bool search_one(const SearchRequest& request, const float* query, Interrupt* interrupt, TopK* best) {
    best->reset(request.k);
    Scorer scorer(*request.store);
    scorer.prepare(query);
    if (request.graph != nullptr) {
        if (request.tail->count() > 0) scan(scorer, *request.tail, interrupt, best);
        if (offer_walk(request, query, NO_ROW, interrupt, best) || (interrupt && interrupt->should_stop()))
            return false;
        best->reset(request.k);
    }
    scan(scorer, *request.live, interrupt, best);
    return request.graph != nullptr;
}

void search_batch(const SearchRequest& request, const float* queries, uint32_t query_count, ThreadPool& pool,
                  Interrupt* interrupt, TopK* best) {
    for (uint32_t i = 0; i < query_count; ++i) best[i].reset(request.k);
    if (request.graph == nullptr) {
        scan_batch(*request.store, queries, query_count, *request.live, pool, interrupt, best);
        return;
    }
    if (request.tail->count() > 0)
        scan_batch(*request.store, queries, query_count, *request.tail, pool, interrupt, best);
    pool.run(query_count, interrupt, [&](uint32_t i) {
        const float* query = queries + size_t{i} * request.store->dimension();
        if (offer_walk(request, query, request.unmet ? request.unmet[i] : NO_ROW, interrupt, &best[i])) return;
        best[i].reset(request.k);
        Scorer scorer(*request.store);
        scorer.prepare(query);
        scan(scorer, *request.live, interrupt, &best[i]);
    });
}

}  // namespace vecdb
