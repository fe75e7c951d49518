// Where the graph's links lie: fixed-width lists of row numbers, read without locks while one writer changes them.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels.h"
#include "paged.h"

namespace vecdb {

constexpr uint32_t LEVEL_MAXIMUM = 12;

// For each row: its level, a ground list of 2m links and, above the ground, one list of m links a level. A list has no
// length: unused places hold the row's own number, so every place is always a valid row to read.
class GraphLinks {
  public:
    explicit GraphLinks(uint32_t m);
    ~GraphLinks();
    GraphLinks(const GraphLinks&) = delete;
    GraphLinks& operator=(const GraphLinks&) = delete;

    typedef std::atomic<uint32_t> Link;

    uint32_t width(uint32_t level) const { return level == 0 ? 2 * m_ : m_; }
    uint64_t row_bound() const { return mapped_ ? mapped_->levels.size() : nodes_.row_bound(); }
    uint32_t page_rows() const { return nodes_.page_rows(); }

    // -1 for a row that is not in the graph.
    int level(uint32_t row) const {
        if (row >= row_bound()) return -1;
        if (mapped_) return mapped_->levels[row] - 1;
        return static_cast<int>(levels(row)[nodes_.offset_of(row)].load(std::memory_order_acquire)) - 1;
    }

    // width(level) links of a row that has this level.
    Link* list(uint32_t row, uint32_t level) const {
        if (level == 0) return reinterpret_cast<Link*>(nodes_.page_of(row)) + size_t{nodes_.offset_of(row)} * 2 * m_;
        const uint32_t first =
            mapped_ ? mapped_->first_block(row) : uppers(row)[nodes_.offset_of(row)].load(std::memory_order_acquire);
        const uint32_t block = first + level - 1;
        return reinterpret_cast<Link*>(blocks_.page_of(block)) + size_t{blocks_.offset_of(block)} * m_;
    }

    // Shows lists where they lie, which outlives this, in place of none; nothing is changed from then on. Levels are
    // copied, one byte a row: 0 for a row that is not in the graph, else its level + 1; they fit the upper lists. Links
    // may be any numbers: who follows one sees to it that the row is there. `ground` has a pointer for each
    // `section_rows` rows, which are whole pages where there is more than one.
    void map(const uint8_t* levels, uint32_t rows, const uint32_t* const* ground, uint32_t section_rows,
             const uint32_t* upper, size_t upper_count);

    // Throws invalid_argument for mapped lists, which are not changed.
    void require_changeable() const;
    void reserve(uint32_t row);
    // Makes room for a row that is not in the graph and clears its lists; set_level() then makes it a member.
    void prepare(uint32_t row, uint32_t level);
    void set_level(uint32_t row, int level) {
        levels(row)[nodes_.offset_of(row)].store(static_cast<uint8_t>(level + 1), std::memory_order_release);
    }
    // Clears a row's lists and takes it out; the space of its upper lists is used again.
    void drop(uint32_t row);
    // Returns the memory of ground lists to the system where it holds none of a row in the graph; they are read as row
    // 0 then. No row is being prepared meanwhile.
    void give_back();

    // The ground lists, as rows of 2m numbers.
    RowPages ground() const { return RowPages{nodes_.raw(), nodes_.page_shift(), 8 * m_}; }

    // The levels of a row and of those behind it in its page, as map() has them; while nobody changes them.
    const uint8_t* levels_from(uint32_t row) const {
        if (mapped_) return mapped_->levels.data() + row;
        return marks_.page_of(row) + levels_offset_ + marks_.offset_of(row);
    }
    // How many of some rows of one page are in the graph; while nobody changes that.
    uint32_t count_members(uint32_t first, uint32_t last) const {
        const uint8_t* levels = levels_from(first);
        return last - first - static_cast<uint32_t>(std::count(levels, levels + (last - first), uint8_t{0}));
    }

    void prefetch(uint32_t row) const {
        const char* links = reinterpret_cast<const char*>(list(row, 0));
        for (uint32_t byte = 0; byte < 8 * m_; byte += 64) __builtin_prefetch(links + byte);
    }

    // Bytes of pages, in memory or mapped.
    uint64_t memory_bytes() const;

  private:
    // What only a mapped graph has.
    struct Mapped {
        std::vector<uint8_t> levels;
        std::vector<uint32_t> upper_rows, upper_blocks;  // rows with upper lists, ascending, and where these begin
        uint32_t first_block(uint32_t row) const;
    };
    std::atomic<uint8_t>* levels(uint32_t row) const {
        return reinterpret_cast<std::atomic<uint8_t>*>(marks_.page_of(row) + levels_offset_);
    }
    std::atomic<uint32_t>* uppers(uint32_t row) const {
        return reinterpret_cast<std::atomic<uint32_t>*>(marks_.page_of(row));
    }
    void add_node_page();
    uint32_t allocate_blocks(uint32_t count);

    uint32_t m_;
    size_t node_page_bytes_, levels_offset_, mark_page_bytes_;
    std::unique_ptr<Mapped> mapped_;  // in place of marks_, where no page is our own; or nullptr
    PageTable marks_;  // where a row's upper lists begin, and its level; the pages reach as far as those of nodes_
    PageTable nodes_;  // ground lists alone: with anything more a page would take a second huge page
    PageTable blocks_;
    std::mutex growth_;
    uint64_t next_block_ = 0;
    std::vector<uint32_t> free_blocks_[LEVEL_MAXIMUM + 1];
};

}  // namespace vecdb
