// One thread's tools for changing the graph: choosing links and keeping lists within their width.
#pragma once
#include <stdint.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "graph.h"

namespace vecdb {

class GraphWriter {
  public:
    // Locks shared by all writers of one call: a row's lists are changed under the lock its number hashes to.
    class Locks {
      public:
        void lock(uint32_t row) {
            for (uint32_t spins = 1; flags_[place(row)].test_and_set(std::memory_order_acquire); ++spins) {
                // The holder may be waiting for this very core, and at a lower priority.
                if (spins % SPINS_PER_YIELD == 0) std::this_thread::yield();
#if defined(__x86_64__) || defined(__i386__)
                __builtin_ia32_pause();
#endif
            }
        }
        void unlock(uint32_t row) { flags_[place(row)].clear(std::memory_order_release); }

      private:
        static constexpr uint32_t COUNT = 4096;
        static constexpr uint32_t SPINS_PER_YIELD = 64;
        static uint32_t place(uint32_t row) { return row * 2654435761u >> 20; }
        std::atomic_flag flags_[COUNT] = {};
    };

    GraphWriter(Graph& graph, Locks& locks, float offset);
    ~GraphWriter();

    // Links a row into every layer up to the level drawn for it.
    void insert(uint32_t row);
    // Replaces links to rows for which gone[row] is set by the best of those rows' own links. True if that leaves the
    // ground list poor, because those links lead to rows that are gone as well.
    bool heal(uint32_t row, const std::vector<bool>& gone);
    // Links a row's ground list anew, by a walk for what is near it now.
    void refill(uint32_t row);
    // Gives a ground row that no list leads to a place in the list of a near row for which reached[] is set.
    bool attach(uint32_t row, const std::vector<bool>& reached);

  private:
    struct Candidate {
        float distance;
        uint32_t row;
    };
    uint32_t draw_level(uint32_t row) const;
    void sort_candidates(uint32_t base);
    // The links `base` should have out of candidates_ (sorted, without base): see graph_writer.cpp. Fills chosen_.
    void choose(uint32_t width);
    void write_list(uint32_t row, uint32_t level);
    void link_back(uint32_t from, uint32_t to, uint32_t level);
    float gap(float distance) const { return distance + offset_ > 0 ? distance + offset_ : 0; }

    Graph& graph_;
    Locks& locks_;
    float offset_;  // makes dot-product distances positive, so that ratios of them mean something
    Scorer row_scorer_, pair_scorer_;
    std::unique_ptr<WalkScratch> scratch_;
    std::vector<Candidate> candidates_;
    std::vector<float> occlusion_, pair_distances_;
    std::vector<uint32_t> rest_, rest_rows_, chosen_;
};

}  // namespace vecdb
