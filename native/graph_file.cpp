// The graph as plain numbers, for saving and loading, and the check of a loaded one.
#include <algorithm>
#include <stdexcept>

#include "graph.h"

namespace vecdb {

// One byte a row up to row_bound(): 0 for a row outside the graph, else its level + 1.
std::vector<uint8_t> Graph::levels() const {
    std::vector<uint8_t> levels(links_.row_bound());
    for (uint32_t row = 0; row < levels.size(); ++row) levels[row] = static_cast<uint8_t>(links_.level(row) + 1);
    return levels;
}

// The ground lists of rows first .. first + count, 2m links each; of rows outside the graph their own numbers.
void Graph::copy_ground(uint32_t first, uint32_t count, uint32_t* out) const {
    const uint32_t width = links_.width(0);
    for (uint32_t i = 0; i < count; ++i) {
        const GraphLinks::Link* list = contains(first + i) ? links_.list(first + i, 0) : nullptr;
        for (uint32_t j = 0; j < width; ++j) *out++ = list ? list[j].load(std::memory_order_relaxed) : first + i;
    }
}

// For each row of level L >= 1, ascending: its lists of layers 1 .. L, m links each.
std::vector<uint32_t> Graph::upper_links() const {
    std::vector<uint32_t> upper;
    for (uint32_t row = 0; row < links_.row_bound(); ++row) {
        for (int l = 1; l <= links_.level(row); ++l) {
            const GraphLinks::Link* list = links_.list(row, static_cast<uint32_t>(l));
            for (uint32_t j = 0; j < m_; ++j) upper.push_back(list[j].load(std::memory_order_relaxed));
        }
    }
    return upper;
}

// Fills an empty graph with what the functions above gave. Throws invalid_argument where the numbers do not fit
// together, and leaves the graph empty then.
void Graph::restore(const uint8_t* levels, uint32_t rows, const uint32_t* ground, const uint32_t* upper,
                    size_t upper_count, uint64_t entry) {
    const uint32_t width = links_.width(0);
    size_t upper_needed = 0;
    uint64_t count = 0;
    for (uint32_t row = 0; row < rows; ++row) {
        if (levels[row] > LEVEL_MAXIMUM + 1) throw std::invalid_argument("a row's level is out of range");
        if (levels[row] > 1) upper_needed += size_t{levels[row] - 1u} * m_;
        count += levels[row] != 0;
    }
    if (upper_needed != upper_count) throw std::invalid_argument("the upper links do not match the levels");
    if (count == 0) return;
    const uint64_t entry_row = entry & 0xFFFFFFFFu;
    if (entry_row >= rows || levels[entry_row] != (entry >> 32) + 1)
        throw std::invalid_argument("the entry is not a row of the graph");
    const auto check = [&](const uint32_t* links, uint32_t link_count, uint32_t row, int level) {
        for (uint32_t j = 0; j < link_count; ++j) {
            if (links[j] >= rows || (links[j] != row && static_cast<int>(levels[links[j]]) - 1 < level))
                throw std::invalid_argument("a link leads to a row outside the graph");
        }
    };
    const uint32_t* next_upper = upper;
    for (uint32_t row = 0; row < rows; ++row) {
        if (levels[row] == 0) continue;
        check(ground + size_t{row} * width, width, row, 0);
        for (int level = 1; level < levels[row]; ++level, next_upper += m_) check(next_upper, m_, row, level);
    }
    links_.reserve(rows - 1);
    const auto fill = [](const uint32_t* links, uint32_t link_count, GraphLinks::Link* list) {
        for (uint32_t j = 0; j < link_count; ++j) list[j].store(links[j], std::memory_order_relaxed);
    };
    for (uint32_t row = 0; row < rows; ++row) {
        if (levels[row] == 0) continue;
        const uint32_t level = levels[row] - 1u;
        links_.prepare(row, level);
        fill(ground + size_t{row} * width, width, links_.list(row, 0));
        for (uint32_t l = 1; l <= level; ++l, upper += m_) fill(upper, m_, links_.list(row, l));
        links_.set_level(row, static_cast<int>(level));
    }
    offset_ = -1;
    count_.store(count);
    entry_.store(entry, std::memory_order_release);
    place_landmarks({});
}

uint64_t Graph::unsound_links() const {
    uint64_t unsound = 0;
    const uint64_t bound = links_.row_bound();
    for (uint32_t row = 0; row < bound; ++row) {
        for (int l = 0; l <= links_.level(row); ++l) {
            const GraphLinks::Link* list = links_.list(row, static_cast<uint32_t>(l));
            std::vector<uint32_t> seen;
            for (uint32_t j = 0; j < links_.width(static_cast<uint32_t>(l)); ++j) {
                const uint32_t link = list[j].load(std::memory_order_relaxed);
                if (link == row) continue;
                const bool repeated = std::find(seen.begin(), seen.end(), link) != seen.end();
                if (link >= bound || links_.level(link) < l || repeated) ++unsound;
                seen.push_back(link);
            }
        }
    }
    return unsound;
}

}  // namespace vecdb
