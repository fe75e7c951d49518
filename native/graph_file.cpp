// The graph as plain numbers, for saving and loading, and the check of a loaded one.
#include <algorithm>
#include <stdexcept>

#include "graph.h"

namespace vecdb {

std::vector<uint64_t> Graph::member_words() const {
    const uint32_t bound = static_cast<uint32_t>(links_.row_bound());
    std::vector<uint64_t> words((size_t{bound} + 63) / 64);
    for (uint32_t first = 0; first < bound; first += 64) {
        const uint8_t* levels = links_.levels_from(first);
        const uint32_t count = std::min(bound - first, 64u);
        for (uint32_t i = 0; i < count; ++i) words[first / 64] |= uint64_t{levels[i] != 0} << i;
    }
    return words;
}

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

namespace {

// The rows in the graph; throws where levels, entry and the number of upper links do not fit together.
uint64_t checked_count(const GraphNumbers& numbers, uint32_t m) {
    uint64_t upper_lists = 0, count = 0;
    uint8_t top = 0;
    for (uint32_t row = 0; row < numbers.rows; ++row) {
        const uint8_t level = numbers.levels[row];
        top = std::max(top, level);
        upper_lists += level > 1 ? level - 1u : 0;
        count += level != 0;
    }
    if (top > LEVEL_MAXIMUM + 1) throw std::invalid_argument("a row's level is out of range");
    if (upper_lists * m != numbers.upper_count) throw std::invalid_argument("the upper links do not match the levels");
    if (count == 0) return 0;
    const uint64_t row = numbers.entry & 0xFFFFFFFFu;
    if (row >= numbers.rows || numbers.levels[row] != (numbers.entry >> 32) + 1)
        throw std::invalid_argument("the entry is not a row of the graph");
    return count;
}

}  // namespace

void Graph::restore(const GraphNumbers& numbers) {
    const uint64_t count = checked_count(numbers, m_);
    if (count == 0) return;
    GraphLinks source(m_);
    source.map(numbers.levels, numbers.rows, numbers.ground, numbers.section_rows, numbers.upper, numbers.upper_count);
    for (uint32_t row = 0; row < numbers.rows; ++row) {
        for (uint32_t level = 0; level < numbers.levels[row]; ++level) {
            const GraphLinks::Link* list = source.list(row, level);
            for (uint32_t j = 0; j < source.width(level); ++j) {
                const uint32_t link = list[j].load(std::memory_order_relaxed);
                if (link >= numbers.rows || (link != row && numbers.levels[link] <= level))
                    throw std::invalid_argument("a link leads to a row outside the graph");
            }
        }
    }
    links_.reserve(numbers.rows - 1);
    for (uint32_t row = 0; row < numbers.rows; ++row) {
        if (numbers.levels[row] == 0) continue;
        const uint32_t top = numbers.levels[row] - 1u;
        links_.prepare(row, top);
        for (uint32_t level = 0; level <= top; ++level) {
            const GraphLinks::Link* list = source.list(row, level);
            GraphLinks::Link* own = links_.list(row, level);
            for (uint32_t j = 0; j < source.width(level); ++j)
                own[j].store(list[j].load(std::memory_order_relaxed), std::memory_order_relaxed);
        }
        links_.set_level(row, static_cast<int>(top));
    }
    begin_with(numbers.entry, count);
}

void Graph::map(const GraphNumbers& numbers) {
    const uint64_t count = checked_count(numbers, m_);
    if (count == 0) return;
    links_.map(numbers.levels, numbers.rows, numbers.ground, numbers.section_rows, numbers.upper, numbers.upper_count);
    begin_with(numbers.entry, count);
}

void Graph::begin_with(uint64_t entry, uint64_t count) {
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
