#include "graph.h"

#include <algorithm>
#include <stdexcept>

#include "walk_code4.h"

namespace vecdb {

namespace {

constexpr uint32_t BLOCK_ROWS = 256;  // whose members are counted together; pages are whole blocks

}  // namespace

Graph::Graph(const RowStore& store, uint32_t m, uint32_t ef_construction, uint64_t seed)
    : store_(&store), m_(m), ef_construction_(ef_construction), seed_(seed), links_(m) {
    if (m < 2 || m > 1024) throw std::invalid_argument("m: expected 2 to 1024");
    if (ef_construction < 1 || ef_construction > 65536)
        throw std::invalid_argument("ef_construction: expected 1 to 65536");
}

std::unique_ptr<WalkScratch> Graph::take_scratch() const {
    std::unique_ptr<WalkScratch> scratch;
    {
        std::lock_guard<std::mutex> guard(scratch_mutex_);
        if (!scratches_.empty()) {
            scratch = std::move(scratches_.back());
            scratches_.pop_back();
            if (scratch->landmarks != landmarks_) scratch->landmarks = landmarks_;
            return scratch;
        }
        scratch = std::make_unique<WalkScratch>();
        scratch->landmarks = landmarks_;
    }
    scratch->nearby.resize(2 * m_ + 8);
    scratch->distances.resize(2 * m_ + 8);
    return scratch;
}

void Graph::give_scratch(std::unique_ptr<WalkScratch> scratch) const {
    std::lock_guard<std::mutex> guard(scratch_mutex_);
    scratches_.push_back(std::move(scratch));
}

// Rows that joined since, or that the walk has no codes of yet, are beyond its bound.
void Graph::begin_walk(const Scorer& scorer, WalkScratch* scratch) const {
    const uint32_t bound = static_cast<uint32_t>(std::min(links_.row_bound(), scorer.store().row_bound()));
    if (scratch->bound != bound) {
        scratch->seen.assign(size_t{bound} + 1, 0);
        scratch->bound = bound;
        scratch->epoch = 0;
    }
    if (++scratch->epoch == 0) {
        std::fill(scratch->seen.begin(), scratch->seen.end(), 0);
        scratch->epoch = 1;
    }
    scratch->seen[bound] = scratch->epoch;
}

uint64_t Graph::descend(const Scorer& scorer, uint64_t entry, uint32_t level, WalkScratch* scratch) const {
    uint32_t row = static_cast<uint32_t>(entry);
    uint64_t best = pack_key(scorer.score_one(row), row);
    for (uint32_t l = static_cast<uint32_t>(entry >> 32); l > level; --l) {
        for (bool moved = true; moved;) {
            moved = false;
            const GraphLinks::Link* list = links_.list(row, l);
            uint32_t count = 0;
            for (uint32_t i = 0; i < m_; ++i) {
                const uint32_t link = list[i].load(std::memory_order_acquire);
                // A row may have left the layer, or be newer than this walk.
                if (link != row && link < scratch->bound && links_.level(link) >= static_cast<int>(l))
                    scratch->nearby[count++] = link;
            }
            scorer.score(scratch->nearby.data(), count, scratch->distances.data());
            for (uint32_t i = 0; i < count; ++i) {
                const uint64_t key = pack_key(scratch->distances[i], scratch->nearby[i]);
                if (key < best) {
                    best = key;
                    moved = true;
                }
            }
            row = key_row(best);
        }
    }
    return best;
}

void Graph::place_landmarks(const std::vector<bool>& gone) {
    std::shared_ptr<const Landmarks> landmarks;
    landmarks_of_ = count();
    const uint32_t bound = static_cast<uint32_t>(std::min(links_.row_bound(), store_->row_bound()));
    if (store_->row_type() == ROW_CODE4) {
        const auto stays = [&](uint32_t row) { return contains(row) && !(row < gone.size() && gone[row]); };
        // Equally many members lie between any two of them. These are counted in blocks, for a graph that was just
        // opened is large and to be searched at once.
        std::vector<uint32_t> counts;
        uint64_t members = 0, before = 0;
        for (uint32_t first = 0; first < bound; first += BLOCK_ROWS) {
            const uint32_t last = std::min(bound, first + BLOCK_ROWS);
            uint32_t count = links_.count_members(first, last);
            for (uint32_t row = first; row < std::min<size_t>(last, gone.size()); ++row)
                count -= gone[row] && contains(row);
            counts.push_back(count);
            members += count;
        }
        const uint64_t wanted = std::min<uint64_t>(Landmarks::COUNT_MAXIMUM, members);
        std::vector<uint32_t> rows;
        const auto next_place = [&] { return rows.size() * members / wanted; };
        for (uint32_t block = 0; rows.size() < wanted; before += counts[block++]) {
            uint32_t row = block * BLOCK_ROWS;
            for (uint64_t place = before; rows.size() < wanted && next_place() < before + counts[block]; ++row) {
                if (stays(row) && place++ == next_place()) rows.push_back(row);
            }
        }
        if (!rows.empty()) landmarks = std::make_shared<const Landmarks>(*store_, std::move(rows));
    }
    std::lock_guard<std::mutex> guard(scratch_mutex_);
    landmarks_ = std::move(landmarks);
}

uint64_t Graph::start_of(const Scorer& scorer, uint64_t entry, WalkScratch* scratch) const {
    const Landmarks* landmarks = scratch->landmarks.get();
    const bool suit = landmarks != nullptr && landmarks->suit(scorer);
    return suit ? landmarks->nearest(scorer) : descend(scorer, entry, 0, scratch);
}

bool Graph::walk_by_kernel(const Scorer& scorer, uint64_t start, uint32_t ef, Interrupt* interrupt,
                           WalkScratch* scratch) const {
    const RowStore& rows = scorer.store();
    const uint32_t width = links_.width(0);
    const auto walk_code4 = rows.kernels().walk_code4[rows.metric()];
    if (rows.row_type() != ROW_CODE4 || walk_code4 == nullptr || width > CODE4_WALK_WIDTH) return false;
    scratch->pool.resize(code4_pool_room(ef));
    scratch->pool[0] = start;
    Code4Walk walk{};
    walk.query = &scorer.prepared();
    walk.codes = rows.pages();
    walk.links = links_.ground();
    walk.width = width;
    walk.bound = scratch->bound;
    walk.seen = scratch->seen.data();
    walk.epoch = scratch->epoch;
    walk.pool = scratch->pool.data();
    walk.capacity = ef;
    if (interrupt) {
        walk.should_stop = [](void* argument) { return static_cast<Interrupt*>(argument)->should_stop(); };
        walk.argument = interrupt;
    }
    scratch->pool.resize(walk_code4(&walk));
    return true;
}

void Graph::walk(const Scorer& scorer, uint64_t start, uint32_t level, uint32_t ef, Interrupt* interrupt,
                 WalkScratch* scratch) const {
    if (level == 0 && walk_by_kernel(scorer, start, ef, interrupt, scratch)) return;
    scratch->pool.resize(ef + 1);
    uint64_t* pool = scratch->pool.data();
    uint32_t size = 1, next = 0, hops = 0;
    pool[0] = start;
    while (next < size) {
        if (interrupt && ++hops % HOPS_PER_CHECK == 0 && interrupt->should_stop()) break;
        const uint32_t row = key_row(pool[next]);
        pool[next] |= 1;
        const uint32_t count = gather(row, level, scratch);
        if (level == 0) {
            for (uint32_t ahead = next + 1, fetched = 0; ahead < size && fetched < 2; ++ahead) {
                if (pool[ahead] & 1) continue;
                links_.prefetch(key_row(pool[ahead]));
                ++fetched;
            }
        }
        scorer.score(scratch->nearby.data(), count, scratch->distances.data());
        uint32_t lowest = next + 1;
        for (uint32_t i = 0; i < count; ++i) {
            const uint64_t key = pack_key(scratch->distances[i], scratch->nearby[i]);
            if (size == ef && key >= pool[size - 1]) continue;
            lowest = std::min(lowest, insert_sorted(pool, &size, ef, key));
        }
        next = lowest;
        while (next < size && (pool[next] & 1)) ++next;
    }
    scratch->pool.resize(size);
}

}  // namespace vecdb
