#include "graph_links.h"

#include <stdlib.h>

#include <algorithm>
#include <stdexcept>

namespace vecdb {

namespace {

constexpr uint32_t BLOCK_PAGE_SHIFT = 12;

// Rows a page so that its ground lists take about 2 MiB: one huge page.
uint32_t node_page_shift(uint32_t m) {
    uint32_t shift = 8;
    while (shift < 16 && (size_t{16} * m << shift) <= (size_t{2} << 20)) ++shift;
    return shift;
}

}  // namespace

GraphLinks::GraphLinks(uint32_t m)
    : m_(m), marks_(node_page_shift(m)), nodes_(node_page_shift(m)), blocks_(BLOCK_PAGE_SHIFT) {
    node_page_bytes_ = size_t{nodes_.page_rows()} * 2 * m_ * sizeof(Link);
    levels_offset_ = size_t{marks_.page_rows()} * sizeof(uint32_t);
    mark_page_bytes_ = levels_offset_ + marks_.page_rows();
}

GraphLinks::~GraphLinks() {
    if (mapped_) return;
    for (uint32_t i = 0; i < marks_.page_count(); ++i) free(marks_.page(i));
    for (uint32_t i = 0; i < nodes_.page_count(); ++i) unmap_page(nodes_.page(i), node_page_bytes_);
    for (uint32_t i = 0; i < blocks_.page_count(); ++i) free(blocks_.page(i));
}

void GraphLinks::map(const uint8_t* levels, uint32_t rows, const uint32_t* const* ground, uint32_t section_rows,
                     const uint32_t* upper, size_t upper_count) {
    // Tables of pages are shared with graphs that change; these pages are never written.
    const auto page_at = [](const uint32_t* links) { return reinterpret_cast<uint8_t*>(const_cast<uint32_t*>(links)); };
    mapped_ = std::make_unique<Mapped>();
    mapped_->levels.assign(levels, levels + rows);
    uint32_t block = 0;
    for (uint32_t row = 0; row < rows; ++row) {
        if (levels[row] <= 1) continue;
        mapped_->upper_rows.push_back(row);
        mapped_->upper_blocks.push_back(block);
        block += levels[row] - 1u;
    }
    const size_t block_page_links = size_t{blocks_.page_rows()} * m_;
    for (size_t first = 0; first < upper_count; first += block_page_links) blocks_.append(page_at(upper + first));
    for (uint32_t first = 0; first < rows; first += page_rows())
        nodes_.append(page_at(ground[first / section_rows] + size_t{first % section_rows} * 2 * m_));
}

uint32_t GraphLinks::Mapped::first_block(uint32_t row) const {
    return upper_blocks[std::lower_bound(upper_rows.begin(), upper_rows.end(), row) - upper_rows.begin()];
}

// A page is small ones until the next one is needed: what has no rows yet takes no memory. Nothing leads to lists that
// were never prepared.
void GraphLinks::add_node_page() {
    const uint32_t count = nodes_.page_count();
    if (count > 0) make_huge(nodes_.page(count - 1), node_page_bytes_);
    if (marks_.page_count() == count) marks_.append(static_cast<uint8_t*>(allocate_page(mark_page_bytes_)));
    nodes_.append(map_page(node_page_bytes_));
}

uint32_t GraphLinks::allocate_blocks(uint32_t count) {
    auto& free_list = free_blocks_[count];
    if (!free_list.empty()) {
        const uint32_t block = free_list.back();
        free_list.pop_back();
        return block;
    }
    // A row's blocks lie in one page, so that a list never crosses into the next.
    if (blocks_.offset_of(static_cast<uint32_t>(next_block_)) + count > blocks_.page_rows())
        next_block_ = (next_block_ / blocks_.page_rows() + 1) * blocks_.page_rows();
    while (next_block_ + count > blocks_.row_bound())
        blocks_.append(static_cast<uint8_t*>(allocate_page(size_t{blocks_.page_rows()} * m_ * sizeof(Link))));
    const uint32_t block = static_cast<uint32_t>(next_block_);
    next_block_ += count;
    return block;
}

void GraphLinks::require_changeable() const {
    if (mapped_) throw std::invalid_argument("a mapped graph is not changed");
}

void GraphLinks::reserve(uint32_t row) {
    std::lock_guard<std::mutex> guard(growth_);
    while (row >= nodes_.row_bound()) add_node_page();
}

void GraphLinks::prepare(uint32_t row, uint32_t level) {
    reserve(row);
    if (level > 0) {
        std::lock_guard<std::mutex> guard(growth_);
        uppers(row)[nodes_.offset_of(row)].store(allocate_blocks(level), std::memory_order_release);
    }
    for (uint32_t l = 0; l <= level; ++l)
        for (uint32_t i = 0; i < width(l); ++i) list(row, l)[i].store(row, std::memory_order_relaxed);
}

void GraphLinks::drop(uint32_t row) {
    const int top = level(row);
    if (top < 0) return;
    set_level(row, -1);
    for (uint32_t i = 0; i < width(0); ++i) list(row, 0)[i].store(row, std::memory_order_relaxed);
    if (top > 0) {
        std::lock_guard<std::mutex> guard(growth_);
        free_blocks_[top].push_back(uppers(row)[nodes_.offset_of(row)].load(std::memory_order_relaxed));
    }
}

void GraphLinks::give_back() {
    const size_t list_bytes = size_t{2} * m_ * sizeof(Link);
    for (uint32_t number = 0; number < nodes_.page_count(); ++number) {
        const uint32_t first_row = number << nodes_.page_shift();
        for (uint32_t begin = 0, end; begin < nodes_.page_rows(); begin = end + 1) {
            end = begin;
            while (end < nodes_.page_rows() && level(first_row + end) < 0) ++end;
            discard(nodes_.page(number), node_page_bytes_, begin * list_bytes, end * list_bytes);
        }
    }
}

uint64_t GraphLinks::memory_bytes() const {
    return uint64_t{nodes_.page_count()} * (node_page_bytes_ + mark_page_bytes_) +
           uint64_t{blocks_.page_count()} * blocks_.page_rows() * m_ * sizeof(Link);
}

}  // namespace vecdb
