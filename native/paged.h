// Growing arrays whose elements never move: pages behind a table of pointers to them.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <new>
#include <vector>

namespace vecdb {

// 64-byte aligned memory, zeroed; to be freed.
inline void* allocate_page(size_t bytes) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, (bytes + 63) / 64 * 64) != 0) throw std::bad_alloc();
    __builtin_memset(memory, 0, bytes);
    return memory;
}

constexpr size_t HUGE_PAGE_BYTES = size_t{2} << 20;

// Whole pages, also where the system's are 64 KiB.
inline size_t mapped_bytes(size_t bytes) { return (bytes + 0xFFFF) / 0x10000 * 0x10000; }

// Zeroes from the system at a multiple of HUGE_PAGE_BYTES, in RAM only as far as they were touched; for unmap_page().
inline uint8_t* map_page(size_t bytes) {
    bytes = mapped_bytes(bytes);
    const size_t room = bytes + HUGE_PAGE_BYTES;
    void* memory = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    uint8_t* const start = static_cast<uint8_t*>(memory);
    const size_t before = (HUGE_PAGE_BYTES - reinterpret_cast<uintptr_t>(start) % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
    if (before > 0) munmap(start, before);
    if (before < HUGE_PAGE_BYTES) munmap(start + before + bytes, HUGE_PAGE_BYTES - before);
    return start + before;
}

inline void unmap_page(uint8_t* page, size_t bytes) { munmap(page, mapped_bytes(bytes)); }

// Puts a mapped page that is full into huge pages, as far as it has room for them and the system gives them.
inline void make_huge(uint8_t* page, size_t bytes) {
#ifdef MADV_HUGEPAGE
    constexpr int COLLAPSE = 25;  // of Linux 6.1; older ones get to it by themselves
    if (bytes < HUGE_PAGE_BYTES) return;
    madvise(page, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, MADV_HUGEPAGE);
    madvise(page, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, COLLAPSE);
#endif
}

// Returns the memory of whole small pages within [first, end) of a mapped page, which are read as zeros then.
inline void discard(uint8_t* page, size_t bytes, size_t first, size_t end) {
    const size_t small = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    first = (first + small - 1) / small * small;
    end = end / small * small;
    if (first >= end) return;
#ifdef MADV_NOHUGEPAGE
    // Else the system would make the rest, and zeros for what is given back, a huge page again. All of the page, for
    // the system keeps account of each stretch that differs, and has room for some ten thousands.
    madvise(page, mapped_bytes(bytes), MADV_NOHUGEPAGE);
#endif
    madvise(page + first, end - first, MADV_DONTNEED);
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
