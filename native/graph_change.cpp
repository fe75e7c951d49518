// Whole-graph changes: inserting and removing many rows over a thread pool, and finding rows that no walk reaches.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "graph.h"
#include "graph_writer.h"

namespace vecdb {

namespace {

constexpr uint32_t ROWS_PER_TASK = 16;
constexpr uint32_t HEAL_ROWS_PER_TASK = 4096;
constexpr uint64_t SERIAL_ROWS = 256;  // the first rows go in one by one: in parallel they would not see each other
constexpr int RELINK_ROUNDS = 4;

// Writers of one call, one a thread at most, made when first needed.
class Writers {
  public:
    Writers(Graph& graph, float offset) : graph_(graph), offset_(offset) {}

    template <class Work>
    void use(Work work) {
        std::unique_ptr<GraphWriter> writer;
        {
            std::lock_guard<std::mutex> guard(mutex_);
            if (!idle_.empty()) {
                writer = std::move(idle_.back());
                idle_.pop_back();
            }
        }
        if (!writer) writer = std::make_unique<GraphWriter>(graph_, locks_, offset_);
        work(*writer);
        std::lock_guard<std::mutex> guard(mutex_);
        idle_.push_back(std::move(writer));
    }

  private:
    Graph& graph_;
    GraphWriter::Locks locks_;
    float offset_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<GraphWriter>> idle_;
};

}  // namespace

// Raises the offset to the largest squared norm of some rows, for the dot product; L2 distances are positive as they
// are.
void Graph::widen_offset(const uint32_t* rows, size_t count) {
    if (store_->metric() != METRIC_DOT) return;
    for (size_t i = 0; i < count; ++i) offset_ = std::max(offset_, store_->squared_norm(rows[i]));
}

// A restored graph reads its rows when it is first changed, not when it is opened.
void Graph::learn_offset() {
    if (offset_ >= 0) return;
    offset_ = 0;
    if (store_->metric() != METRIC_DOT) return;
    for (uint32_t row = 0; row < links_.row_bound(); ++row)
        if (contains(row)) widen_offset(&row, 1);
}

void Graph::insert(const uint32_t* rows, uint32_t count, ThreadPool& pool, Interrupt* interrupt) {
    links_.require_changeable();
    std::vector<uint32_t> absent;
    std::unordered_set<uint32_t> met;
    for (uint32_t i = 0; i < count; ++i)
        if (!contains(rows[i]) && met.insert(rows[i]).second) absent.push_back(rows[i]);
    if (absent.empty()) return;
    learn_offset();
    widen_offset(absent.data(), absent.size());
    Writers writers(*this, offset_);
    size_t serial = 0;
    if (this->count() < SERIAL_ROWS) {
        writers.use([&](GraphWriter& writer) {
            while (serial < absent.size() && this->count() < SERIAL_ROWS && !(interrupt && interrupt->should_stop()))
                writer.insert(absent[serial++]);
        });
    }
    // Pages are made before the walks begin, so that every walk of this call sees every row of it.
    for (size_t i = serial; i < absent.size(); ++i) links_.reserve(absent[i]);
    const uint32_t left = static_cast<uint32_t>(absent.size() - serial);
    pool.run((left + ROWS_PER_TASK - 1) / ROWS_PER_TASK, interrupt, [&](uint32_t task) {
        writers.use([&](GraphWriter& writer) {
            const size_t first = serial + size_t{task} * ROWS_PER_TASK;
            const size_t last = std::min(first + ROWS_PER_TASK, absent.size());
            for (size_t i = first; i < last; ++i) writer.insert(absent[i]);
        });
    });
    if (this->count() >= 2 * landmarks_of_) place_landmarks({});
}

void Graph::remove(const uint32_t* rows, uint32_t count, ThreadPool& pool) {
    links_.require_changeable();
    std::vector<bool> gone(links_.row_bound(), false);
    std::vector<uint32_t> present;
    for (uint32_t i = 0; i < count; ++i) {
        if (!contains(rows[i]) || gone[rows[i]]) continue;
        gone[rows[i]] = true;
        present.push_back(rows[i]);
    }
    if (present.empty()) return;
    learn_offset();
    const uint32_t bound = static_cast<uint32_t>(gone.size());
    if (gone[static_cast<uint32_t>(entry())]) {
        uint64_t best = NO_ENTRY;
        int best_level = -1;
        for (uint32_t row = 0; row < bound; ++row) {
            if (gone[row] || links_.level(row) <= best_level) continue;
            best_level = links_.level(row);
            best = static_cast<uint64_t>(best_level) << 32 | row;
        }
        entry_.store(best, std::memory_order_release);
    }
    const auto leaves = [&](uint32_t row) { return row < bound && gone[row]; };
    if (landmarks_ && std::any_of(landmarks_->rows().begin(), landmarks_->rows().end(), leaves)) place_landmarks(gone);
    Writers writers(*this, offset_);
    std::mutex poor_mutex;
    std::vector<uint32_t> poor;
    pool.run((bound + HEAL_ROWS_PER_TASK - 1) / HEAL_ROWS_PER_TASK, nullptr, [&](uint32_t task) {
        writers.use([&](GraphWriter& writer) {
            const uint32_t first = task * HEAL_ROWS_PER_TASK, last = std::min(bound, first + HEAL_ROWS_PER_TASK);
            for (uint32_t row = first; row < last; ++row) {
                if (gone[row] || !contains(row) || !writer.heal(row, gone)) continue;
                std::lock_guard<std::mutex> guard(poor_mutex);
                poor.push_back(row);
            }
        });
    });
    for (uint32_t row : present) links_.drop(row);
    count_.fetch_sub(present.size());
    // What lay around a row went with it: it looks for others, where no walk meets the rows that are gone any more.
    std::sort(poor.begin(), poor.end());
    pool.run(static_cast<uint32_t>((poor.size() + ROWS_PER_TASK - 1) / ROWS_PER_TASK), nullptr, [&](uint32_t task) {
        writers.use([&](GraphWriter& writer) {
            const size_t first = size_t{task} * ROWS_PER_TASK, last = std::min(first + ROWS_PER_TASK, poor.size());
            for (size_t i = first; i < last; ++i) writer.refill(poor[i]);
        });
    });
    relink();
}

uint32_t Graph::relink() {
    links_.require_changeable();
    learn_offset();
    uint32_t found = 0;
    for (int round = 0; round < RELINK_ROUNDS && entry() != NO_ENTRY; ++round) {
        const uint32_t bound = static_cast<uint32_t>(links_.row_bound());
        std::vector<bool> reached(bound, false);
        std::vector<uint32_t> front;
        const auto reach_from = [&](uint32_t start) {
            reached[start] = true;
            front.push_back(start);
            while (!front.empty()) {
                const uint32_t row = front.back();
                front.pop_back();
                const GraphLinks::Link* list = links_.list(row, 0);
                for (uint32_t i = 0; i < links_.width(0); ++i) {
                    const uint32_t link = list[i].load(std::memory_order_relaxed);
                    if (reached[link]) continue;
                    reached[link] = true;
                    front.push_back(link);
                }
            }
        };
        reach_from(static_cast<uint32_t>(entry()));
        Writers writers(*this, offset_);
        uint32_t lost = 0;
        writers.use([&](GraphWriter& writer) {
            for (uint32_t row = 0; row < bound; ++row) {
                if (reached[row] || !contains(row)) continue;
                ++lost;
                if (writer.attach(row, reached)) reach_from(row);
            }
        });
        if (round == 0) found = lost;
        if (lost == 0) break;
    }
    return found;
}

}  // namespace vecdb
