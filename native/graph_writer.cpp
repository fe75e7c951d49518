#include "graph_writer.h"

#include <algorithm>
#include <cmath>

namespace vecdb {

namespace {

// A candidate is passed over when a link already chosen is nearer to it than the base is, by this factor on distances
// (RobustPrune, Subramanya et al. 2019): first strictly, then relaxed until the list is full.
constexpr float ROUNDS[] = {1.0f, 1.2f};
constexpr float LAST_ROUND = 1.2f;
constexpr uint32_t CANDIDATES_PER_LINK = 4;  // farther ones are hardly ever chosen and cost as much to rule out
constexpr float PASSED_OVER = 1e30f;
constexpr uint32_t POOR_SHARE = 2;       // of its width; a list is begun with five eighths
constexpr uint32_t ATTACH_CHOICES = 16;  // near rows among which a lost one finds its place

uint64_t mix(uint64_t x) {  // splitmix64
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

}  // namespace

GraphWriter::GraphWriter(Graph& graph, Locks& locks, float offset)
    : graph_(graph),
      locks_(locks),
      offset_(offset),
      row_scorer_(graph.store()),
      pair_scorer_(graph.store()),
      scratch_(graph.take_scratch()) {}

GraphWriter::~GraphWriter() { graph_.give_scratch(std::move(scratch_)); }

uint32_t GraphWriter::draw_level(uint32_t row) const {
    const double uniform = (static_cast<double>(mix(graph_.seed_ ^ row) >> 11) + 0.5) / 9007199254740992.0;
    return std::min(LEVEL_MAXIMUM,
                    static_cast<uint32_t>(-std::log(uniform) / std::log(static_cast<double>(graph_.m_))));
}

// Nearest first. Equal distances are ordered by a hash that differs from base to base: among many copies of one vector
// each list keeps others, so all of them stay reachable.
void GraphWriter::sort_candidates(uint32_t base) {
    std::sort(candidates_.begin(), candidates_.end(), [base](const Candidate& a, const Candidate& b) {
        const uint32_t a_bits = ordered_bits(a.distance),
                       b_bits = ordered_bits(b.distance);  // NaN has a place in these
        if (a_bits != b_bits) return a_bits < b_bits;
        return mix(uint64_t{base} << 32 | a.row) < mix(uint64_t{base} << 32 | b.row);
    });
}

void GraphWriter::choose(uint32_t width) {
    chosen_.clear();
    const uint32_t count = static_cast<uint32_t>(candidates_.size());
    occlusion_.assign(count, 0.0f);
    const float tiny = 1e-6f * offset_;
    uint32_t copies =
        0;  // rows at no distance from a chosen one; half the list at most, or they would leave no way out
    for (float round : ROUNDS) {
        for (uint32_t i = 0; i < count && chosen_.size() < width; ++i) {
            if (occlusion_[i] > round) continue;
            chosen_.push_back(candidates_[i].row);
            occlusion_[i] = PASSED_OVER;
            rest_.clear();
            rest_rows_.clear();
            for (uint32_t j = i + 1; j < count; ++j) {
                if (occlusion_[j] > LAST_ROUND) continue;
                rest_.push_back(j);
                rest_rows_.push_back(candidates_[j].row);
            }
            if (rest_.empty()) continue;
            pair_scorer_.prepare_row(candidates_[i].row);
            pair_distances_.resize(rest_.size());
            pair_scorer_.score(rest_rows_.data(), static_cast<uint32_t>(rest_.size()), pair_distances_.data());
            for (size_t r = 0; r < rest_.size(); ++r) {
                const float base_gap = gap(candidates_[rest_[r]].distance);
                const float pair_gap = gap(pair_distances_[r]);
                float ratio;
                if (pair_gap > tiny)
                    ratio = base_gap / pair_gap;
                else
                    ratio = base_gap > tiny || ++copies >= width / 2 ? PASSED_OVER : 0.0f;
                occlusion_[rest_[r]] = std::max(occlusion_[rest_[r]], ratio);
            }
        }
    }
}

void GraphWriter::write_list(uint32_t row, uint32_t level) {
    GraphLinks::Link* list = graph_.links_.list(row, level);
    const uint32_t width = graph_.links_.width(level);
    for (uint32_t i = 0; i < width; ++i)
        list[i].store(i < chosen_.size() ? chosen_[i] : row, std::memory_order_release);
}

void GraphWriter::link_back(uint32_t from, uint32_t to, uint32_t level) {
    locks_.lock(from);
    if (graph_.links_.level(from) >= static_cast<int>(level)) {
        GraphLinks::Link* list = graph_.links_.list(from, level);
        const uint32_t width = graph_.links_.width(level);
        uint32_t free_place = width;
        bool known = false;
        for (uint32_t i = 0; i < width; ++i) {
            const uint32_t link = list[i].load(std::memory_order_relaxed);
            if (link == to) known = true;
            if (link == from && free_place == width) free_place = i;
        }
        if (!known && free_place < width) {
            list[free_place].store(to, std::memory_order_release);
        } else if (!known) {
            rest_rows_.clear();
            for (uint32_t i = 0; i < width; ++i) rest_rows_.push_back(list[i].load(std::memory_order_relaxed));
            rest_rows_.push_back(to);
            pair_distances_.resize(rest_rows_.size());
            pair_scorer_.prepare_row(from);
            pair_scorer_.score(rest_rows_.data(), static_cast<uint32_t>(rest_rows_.size()), pair_distances_.data());
            candidates_.clear();
            for (size_t i = 0; i < rest_rows_.size(); ++i) candidates_.push_back({pair_distances_[i], rest_rows_[i]});
            sort_candidates(from);
            choose(width - width / 4);  // leaves room: the next rows are appended without choosing again
            write_list(from, level);
        }
    }
    locks_.unlock(from);
}

void GraphWriter::insert(uint32_t row) {
    const uint32_t level = draw_level(row);
    graph_.links_.prepare(row, level);
    if (graph_.entry() == Graph::NO_ENTRY) {
        std::lock_guard<std::mutex> guard(graph_.entry_mutex_);
        if (graph_.entry() == Graph::NO_ENTRY) {
            graph_.links_.set_level(row, static_cast<int>(level));
            graph_.entry_.store(uint64_t{level} << 32 | row, std::memory_order_release);
            graph_.count_.fetch_add(1);
            return;
        }
    }
    const uint64_t entry = graph_.entry();
    const uint32_t top = static_cast<uint32_t>(entry >> 32);
    row_scorer_.prepare_row(row);
    graph_.begin_walk(row_scorer_, scratch_.get());
    uint64_t start = graph_.descend(row_scorer_, entry, level, scratch_.get());
    std::vector<uint32_t> neighbours[LEVEL_MAXIMUM + 1];
    for (uint32_t l = std::min(level, top) + 1; l-- > 0;) {
        graph_.begin_walk(row_scorer_, scratch_.get());
        if (row < scratch_->bound) scratch_->seen[row] = scratch_->epoch;
        scratch_->seen[key_row(start)] = scratch_->epoch;
        graph_.walk(row_scorer_, start, l, graph_.ef_construction_, nullptr, scratch_.get());
        candidates_.clear();
        for (uint64_t key : scratch_->pool)
            if (key_row(key) != row && graph_.contains(key_row(key)))
                candidates_.push_back({key_distance(key), key_row(key)});
        if (candidates_.empty()) continue;
        start = pack_key(candidates_[0].distance, candidates_[0].row);
        sort_candidates(row);
        candidates_.resize(std::min<size_t>(candidates_.size(), CANDIDATES_PER_LINK * graph_.links_.width(l)));
        choose(std::max(2u, graph_.links_.width(l) * 5 / 8));  // links back will fill the list
        write_list(row, l);
        neighbours[l] = chosen_;
    }
    // Only now can others meet the row: all its lists are written, so that none of their links back is written over and
    // no walk ends in a list that is still empty.
    graph_.links_.set_level(row, static_cast<int>(level));
    for (uint32_t l = 0; l <= level; ++l)
        for (uint32_t neighbour : neighbours[l]) link_back(neighbour, row, l);
    if (level > top) {
        std::lock_guard<std::mutex> guard(graph_.entry_mutex_);
        if (level > static_cast<uint32_t>(graph_.entry() >> 32))
            graph_.entry_.store(uint64_t{level} << 32 | row, std::memory_order_release);
    }
    graph_.count_.fetch_add(1);
}

bool GraphWriter::heal(uint32_t row, const std::vector<bool>& gone) {
    bool poor = false;
    const int top = graph_.links_.level(row);
    const auto is_gone = [&gone](uint32_t link) { return link < gone.size() && gone[link]; };
    for (int l = 0; l <= top; ++l) {
        const uint32_t level = static_cast<uint32_t>(l), width = graph_.links_.width(level);
        locks_.lock(row);
        GraphLinks::Link* list = graph_.links_.list(row, level);
        rest_rows_.clear();
        bool hurt = false;
        for (uint32_t i = 0; i < width; ++i) {
            const uint32_t link = list[i].load(std::memory_order_relaxed);
            if (!is_gone(link)) {
                if (link != row) rest_rows_.push_back(link);
                continue;
            }
            hurt = true;
            if (graph_.links_.level(link) < l) continue;
            const GraphLinks::Link* further = graph_.links_.list(link, level);
            for (uint32_t j = 0; j < width; ++j) {
                const uint32_t second = further[j].load(std::memory_order_acquire);
                if (second != row && second != link && !is_gone(second) && graph_.links_.level(second) >= l)
                    rest_rows_.push_back(second);
            }
        }
        if (hurt) {
            std::sort(rest_rows_.begin(), rest_rows_.end());
            rest_rows_.erase(std::unique(rest_rows_.begin(), rest_rows_.end()), rest_rows_.end());
            pair_distances_.resize(rest_rows_.size());
            row_scorer_.prepare_row(row);
            row_scorer_.score(rest_rows_.data(), static_cast<uint32_t>(rest_rows_.size()), pair_distances_.data());
            candidates_.clear();
            for (size_t i = 0; i < rest_rows_.size(); ++i) candidates_.push_back({pair_distances_[i], rest_rows_[i]});
            sort_candidates(row);
            choose(width);
            write_list(row, level);
            poor = poor || (l == 0 && chosen_.size() < width / POOR_SHARE);
        }
        locks_.unlock(row);
    }
    return poor;
}

void GraphWriter::refill(uint32_t row) {
    const uint64_t entry = graph_.entry();
    row_scorer_.prepare_row(row);
    graph_.begin_walk(row_scorer_, scratch_.get());
    uint64_t start = graph_.descend(row_scorer_, entry, 0, scratch_.get());
    const auto walk_from_start = [&] {
        if (row < scratch_->bound) scratch_->seen[row] = scratch_->epoch;
        scratch_->seen[key_row(start)] = scratch_->epoch;
        graph_.walk(row_scorer_, start, 0, graph_.ef_construction_, nullptr, scratch_.get());
    };
    walk_from_start();
    if (scratch_->pool.size() < graph_.ef_construction_) {
        // It ended on an island, which it is to be linked to the rest from.
        graph_.begin_walk(row_scorer_, scratch_.get());
        start = pack_key(row_scorer_.score_one(static_cast<uint32_t>(entry)), static_cast<uint32_t>(entry));
        walk_from_start();
    }
    const uint32_t width = graph_.links_.width(0);
    locks_.lock(row);
    GraphLinks::Link* list = graph_.links_.list(row, 0);
    rest_rows_.clear();
    for (uint32_t i = 0; i < width; ++i) rest_rows_.push_back(list[i].load(std::memory_order_relaxed));
    for (uint64_t key : scratch_->pool) rest_rows_.push_back(key_row(key));
    std::sort(rest_rows_.begin(), rest_rows_.end());
    rest_rows_.erase(std::unique(rest_rows_.begin(), rest_rows_.end()), rest_rows_.end());
    rest_rows_.erase(std::remove_if(rest_rows_.begin(), rest_rows_.end(),
                                    [&](uint32_t link) { return link == row || !graph_.contains(link); }),
                     rest_rows_.end());
    pair_distances_.resize(rest_rows_.size());
    row_scorer_.score(rest_rows_.data(), static_cast<uint32_t>(rest_rows_.size()), pair_distances_.data());
    candidates_.clear();
    for (size_t i = 0; i < rest_rows_.size(); ++i) candidates_.push_back({pair_distances_[i], rest_rows_[i]});
    sort_candidates(row);
    candidates_.resize(std::min<size_t>(candidates_.size(), CANDIDATES_PER_LINK * width));
    choose(std::max(2u, width * 5 / 8));
    write_list(row, 0);
    const std::vector<uint32_t> neighbours = chosen_;
    locks_.unlock(row);
    for (uint32_t neighbour : neighbours) link_back(neighbour, row, 0);
}

bool GraphWriter::attach(uint32_t row, const std::vector<bool>& reached) {
    const uint64_t entry = graph_.entry();
    row_scorer_.prepare_row(row);
    graph_.begin_walk(row_scorer_, scratch_.get());
    const uint64_t start = graph_.descend(row_scorer_, entry, 0, scratch_.get());
    scratch_->seen[row] = scratch_->epoch;
    scratch_->seen[key_row(start)] = scratch_->epoch;
    graph_.walk(row_scorer_, start, 0, graph_.ef_construction_, nullptr, scratch_.get());
    const uint32_t width = graph_.links_.width(0);
    const auto place_of = [width](const GraphLinks::Link* list, uint32_t link) {
        uint32_t i = 0;
        while (i < width && list[i].load(std::memory_order_relaxed) != link) ++i;
        return i;
    };
    // A walk may begin in an upper layer above the row's own island and meet nothing else; the entry is always reached.
    scratch_->pool.push_back(pack_key(0, static_cast<uint32_t>(entry)));
    rest_rows_.clear();
    for (uint64_t key : scratch_->pool) {
        const uint32_t near = key_row(key);
        if (near == row || !reached[near] || !graph_.contains(near)) continue;
        GraphLinks::Link* list = graph_.links_.list(near, 0);
        const uint32_t free_place = place_of(list, near);
        if (free_place < width) {
            list[free_place].store(row, std::memory_order_release);
            return true;
        }
        if (rest_rows_.size() < ATTACH_CHOICES) rest_rows_.push_back(near);
    }
    if (rest_rows_.empty()) return false;
    // Every near list is full: the row takes one of the last places of one of them, and a link to the row it displaces
    // in place of one of its own, so that whatever was reached still is. Rows that are near one another choose
    // differently.
    const uint64_t draw = mix(row);
    GraphLinks::Link* list = graph_.links_.list(rest_rows_[draw % rest_rows_.size()], 0);
    GraphLinks::Link& taken = list[width - 1 - (draw >> 32) % (width / 2)];
    const uint32_t displaced = taken.load(std::memory_order_relaxed);
    GraphLinks::Link* own = graph_.links_.list(row, 0);
    if (place_of(own, displaced) == width)
        own[std::min(place_of(own, row), width - 1)].store(displaced, std::memory_order_release);
    taken.store(row, std::memory_order_release);
    return true;
}

}  // namespace vecdb
