// Growing arrays whose elements never move: pages behind a table of pointers to them.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>
#include <memory>
#include <new>
#include <vector>

namespace vecdb {

// 64-byte aligned memory, zeroed; blocks of 2 MiB and more are aligned to huge pages and advised to use them.
inline void* allocate_page(size_t bytes) {
    const size_t huge = size_t{2} << 20;
    const size_t alignment = bytes >= huge ? huge : 64;
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, (bytes + alignment - 1) / alignment * alignment) != 0)
        throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (bytes >= huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    __builtin_memset(memory, 0, bytes);
    return memory;
}

// Page pointers by row number. The table grows by copying; tables that readers may still hold live as long as this
// does, and every one shows all pages it had, so a reader that met a row's number before it asks for the table finds
// its page.
class PageTable {
  public:
    explicit PageTable(uint32_t page_shift) : page_shift_(page_shift) {}
    PageTable(const PageTable&) = delete;
    PageTable& operator=(const PageTable&) = delete;

    uint32_t page_shift() const { return page_shift_; }
    uint32_t page_rows() const { return 1u << page_shift_; }
    uint32_t page_count() const { return count_.load(std::memory_order_acquire); }
    uint64_t row_bound() const { return static_cast<uint64_t>(page_count()) << page_shift_; }
    uint8_t* page(uint32_t index) const { return table_.load(std::memory_order_acquire)[index]; }
    uint8_t* page_of(uint32_t row) const { return page(row >> page_shift_); }
    uint32_t offset_of(uint32_t row) const { return row & (page_rows() - 1); }
    const uint8_t* const* raw() const { return table_.load(std::memory_order_acquire); }

    // One thread at a time.
    void append(uint8_t* page) {
        const uint32_t index = count_.load(std::memory_order_relaxed);
        if (index == capacity_) {
            capacity_ = capacity_ ? 2 * capacity_ : 4;
            tables_.emplace_back(new uint8_t*[capacity_]);
            uint8_t** old = table_.load(std::memory_order_relaxed);
            for (uint32_t i = 0; i < index; ++i) tables_.back()[i] = old[i];
            table_.store(tables_.back().get(), std::memory_order_release);
        }
        tables_.back()[index] = page;
        count_.store(index + 1, std::memory_order_release);
    }

  private:
    uint32_t page_shift_;
    uint32_t capacity_ = 0;
    std::vector<std::unique_ptr<uint8_t*[]>> tables_;
    std::atomic<uint8_t**> table_{nullptr};
    std::atomic<uint32_t> count_{0};
};

}  // namespace vecdb
