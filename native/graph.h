// A navigable small-world graph over the rows of a store (Malkov & Yashunin 2018), built and searched by one code.
#pragma once
#include <stdint.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "graph_links.h"
#include "interrupt.h"
#include "landmarks.h"
#include "row_mask.h"
#include "row_store.h"
#include "scorer.h"
#include "thread_pool.h"

namespace vecdb {

// What one walk of the graph needs; taken from the graph's pool and given back.
struct WalkScratch {
    std::vector<uint8_t> seen;  // seen[row] == epoch: met in this walk; one place past the bound is always "met"
    uint8_t epoch = 0;
    uint32_t bound = 0;             // rows from here on joined after the walk began and are passed over
    std::vector<uint64_t> pool;     // keys, nearest first; bit 0 marks an expanded row
    std::vector<uint64_t> results;  // masked walks: the allowed rows alone
    std::vector<uint32_t> nearby;
    std::vector<float> distances;
    std::vector<uint32_t> chosen;                // rows found, to be scored once more
    std::vector<float> code_distances;           // theirs
    std::shared_ptr<const Landmarks> landmarks;  // or nullptr
};

constexpr uint32_t NO_ROW = ~0u;

// The whole graph as numbers: see graph_file.cpp.
struct GraphNumbers {
    const uint8_t* levels;  // one byte a row: 0 for a row outside the graph, else its level + 1
    uint32_t rows;
    const uint32_t* const* ground;  // the ground lists, 2m links each, by section_rows rows
    uint32_t section_rows;          // whole pages of GraphLinks, where there is more than one section
    const uint32_t* upper;          // for each row of level L >= 1, ascending: its lists of layers 1 .. L, m links each
    size_t upper_count;
    uint64_t entry;  // its level << 32 | its row
};

// Searches take no lock and run beside everything. insert(), remove() and relink() may run beside each other's threads
// and beside searches, but two calls of them never overlap: the caller serialises writers.
class Graph {
  public:
    Graph(const RowStore& store, uint32_t m, uint32_t ef_construction, uint64_t seed);

    uint32_t m() const { return m_; }
    uint32_t ef_construction() const { return ef_construction_; }
    uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    bool contains(uint32_t row) const { return links_.level(row) >= 0; }
    uint64_t row_bound() const { return links_.row_bound(); }
    uint64_t memory_bytes() const { return links_.memory_bytes(); }
    const RowStore& store() const { return *store_; }
    // From now on links are chosen by the rows of another store, which has the same rows in another form.
    void set_store(const RowStore& store) {
        store_ = &store;
        offset_ = -1;
        place_landmarks({});
    }

    // Adds rows whose vectors are in the store. Rows already in the graph are passed over; an interrupt leaves some
    // out.
    void insert(const uint32_t* rows, uint32_t count, ThreadPool& pool, Interrupt* interrupt);
    // Takes rows out and closes the gaps: a list that led to them gets the best of their own links instead.
    void remove(const uint32_t* rows, uint32_t count, ThreadPool& pool);
    // Links rows that no walk can reach; returns how many there were.
    uint32_t relink();
    // Returns memory of rows that left the graph to the system; a writer.
    void give_back() { links_.give_back(); }

    // The nearest rows met by a walk that keeps ef candidates, as keys, nearest first, in scratch->results. With
    // `allowed`, ef counts only rows for which allowed(row) holds, and only they are returned. The walk goes on as if
    // the row `unmet` were not in the graph, unless it begins there.
    template <class Allowed>
    void search(const Scorer& scorer, uint32_t ef, const Allowed* allowed, uint32_t unmet, Interrupt* interrupt,
                WalkScratch* scratch) const;

    std::unique_ptr<WalkScratch> take_scratch() const;
    void give_scratch(std::unique_ptr<WalkScratch> scratch) const;

    // The rows of the graph, bit i of word j for row 64 * j + i.
    std::vector<uint64_t> member_words() const;
    // The whole graph as numbers: see graph_file.cpp.
    std::vector<uint8_t> levels() const;
    void copy_ground(uint32_t first, uint32_t count, uint32_t* out) const;
    std::vector<uint32_t> upper_links() const;
    uint64_t entry() const { return entry_.load(std::memory_order_acquire); }
    // Fills an empty graph, or leaves it empty and throws invalid_argument. Everything is copied and checked; or it is
    // `mapped`: links stay where they are, unchecked, and make a graph that is searched and never changed.
    void fill(const GraphNumbers& numbers, bool mapped) { mapped ? map(numbers) : restore(numbers); }
    uint32_t page_rows() const { return links_.page_rows(); }
    // Number of links that are out of range, lead to rows outside the graph or repeat within a list: 0 in a sound
    // graph.
    uint64_t unsound_links() const;

  private:
    friend class GraphWriter;
    static constexpr uint64_t NO_ENTRY = ~0ull;

    void restore(const GraphNumbers& numbers);
    void map(const GraphNumbers& numbers);
    void begin_with(uint64_t entry, uint64_t count);
    // Chooses rows of the graph for which gone[row] is not set, if they are codes.
    void place_landmarks(const std::vector<bool>& gone);
    // Where a search of the ground begins.
    uint64_t start_of(const Scorer& scorer, uint64_t entry, WalkScratch* scratch) const;
    void widen_offset(const uint32_t* rows, size_t count);
    void learn_offset();
    void begin_walk(const Scorer& scorer, WalkScratch* scratch) const;
    uint32_t gather(uint32_t row, uint32_t level, WalkScratch* scratch) const;
    // Greedy descent from an entry, read before the walk began, to `level` (exclusive); returns the key reached.
    uint64_t descend(const Scorer& scorer, uint64_t entry, uint32_t level, WalkScratch* scratch) const;
    // Best-first walk of one layer; leaves scratch->pool. Rows marked seen before are not visited.
    void walk(const Scorer& scorer, uint64_t start, uint32_t level, uint32_t ef, Interrupt* interrupt,
              WalkScratch* scratch) const;
    // The same on the ground by the kernel that this machine has for the rows; false if it has none.
    bool walk_by_kernel(const Scorer& scorer, uint64_t start, uint32_t ef, Interrupt* interrupt,
                        WalkScratch* scratch) const;
    template <class Allowed>
    void walk_masked(const Scorer& scorer, uint64_t start, uint32_t ef, const Allowed& allowed, Interrupt* interrupt,
                     WalkScratch* scratch) const;

    const RowStore* store_;
    uint32_t m_;
    uint32_t ef_construction_;
    uint64_t seed_;
    float offset_ = 0;  // dot product only: the largest squared norm of a member; below 0 when not known yet
    GraphLinks links_;
    std::atomic<uint64_t> entry_{NO_ENTRY};  // level << 32 | row
    std::atomic<uint64_t> count_{0};
    std::mutex entry_mutex_;
    mutable std::mutex scratch_mutex_;
    mutable std::vector<std::unique_ptr<WalkScratch>> scratches_;
    std::shared_ptr<const Landmarks> landmarks_;  // under scratch_mutex_; or nullptr
    uint64_t landmarks_of_ = 0;                   // rows in the graph when they were chosen
};

}  // namespace vecdb

#include "graph_walk.h"
