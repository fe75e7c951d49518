#include "heap.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace vecdb {

#ifdef __GLIBC__

namespace {

constexpr size_t BLOCK_BYTES = size_t{4} << 20;
constexpr int BLOCKS = 16;  // a heap that is not the main one has 64 MiB at the most

// malloc_trim() leaves the end of every heap but the main one as it is, and a thread's large arrays lie there. It is
// taken here, emptied and put back; what that makes the heap grow by is not touched, and goes with it.
void empty_the_end_of_this_heap() {
    const uintptr_t small = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    void* blocks[BLOCKS];
    for (void*& block : blocks) {
        block = malloc(BLOCK_BYTES);
        if (block == nullptr) continue;
        const uintptr_t start = reinterpret_cast<uintptr_t>(block);
        const uintptr_t first = (start + small - 1) / small * small, end = (start + BLOCK_BYTES) / small * small;
        madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
    for (void* block : blocks) free(block);
}

}  // namespace

void trim_heaps() {
    empty_the_end_of_this_heap();
    malloc_trim(0);
}

#else

void trim_heaps() {}

#endif

}  // namespace vecdb
