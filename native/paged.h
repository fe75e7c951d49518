// Growing arrays whose elements never move: pages behind a table that is reserved whole at the start.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>
#include <new>

namespace vecdb {

constexpr uint64_t ROW_NUMBER_BOUND = 1ull << 31;

// Zeroed memory that costs nothing until touched; huge pages where the system grants them.
inline void* map_memory(size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return memory;
}

// 64-byte aligned memory, zeroed; blocks of 2 MiB and more are aligned to huge pages and advised to use them.
inline void* allocate_page(size_t bytes) {
    const size_t huge = size_t{2} << 20;
    const size_t alignment = bytes >= huge ? huge : 64;
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, (bytes + alignment - 1) / alignment * alignment) != 0) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (bytes >= huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    __builtin_memset(memory, 0, bytes);
    return memory;
}

// A table of page pointers for rows 0 .. 2^31, never reallocated under a reader.
class PageTable {
   public:
    explicit PageTable(uint32_t page_shift)
        : page_shift_(page_shift),
          bytes_((ROW_NUMBER_BOUND >> page_shift) * sizeof(void*)),
          pages_(static_cast<std::atomic<uint8_t*>*>(map_memory(bytes_))) {}
    ~PageTable() { munmap(pages_, bytes_); }
    PageTable(const PageTable&) = delete;
    PageTable& operator=(const PageTable&) = delete;

    uint32_t page_shift() const { return page_shift_; }
    uint32_t page_rows() const { return 1u << page_shift_; }
    uint32_t page_count() const { return count_.load(std::memory_order_acquire); }
    uint64_t row_bound() const { return static_cast<uint64_t>(page_count()) << page_shift_; }
    uint8_t* page(uint32_t index) const { return pages_[index].load(std::memory_order_relaxed); }
    uint8_t* page_of(uint32_t row) const { return page(row >> page_shift_); }
    uint32_t offset_of(uint32_t row) const { return row & (page_rows() - 1); }
    // For kernels, which read plain pointers; pages below page_count() never change.
    const uint8_t* const* raw() const { return reinterpret_cast<const uint8_t* const*>(pages_); }

    void append(uint8_t* page) {
        const uint32_t index = count_.load(std::memory_order_relaxed);
        pages_[index].store(page, std::memory_order_relaxed);
        count_.store(index + 1, std::memory_order_release);
    }

   private:
    uint32_t page_shift_;
    size_t bytes_;
    std::atomic<uint8_t*>* pages_;
    std::atomic<uint32_t> count_{0};
};

}  // namespace vecdb
