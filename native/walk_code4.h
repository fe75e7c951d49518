// The walk of a graph by rows of code4, as the instruction-set units do it: everything a hop needs in one function.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

namespace vecdb {

// One walk of the ground layer. The pool holds keys (see ordered.h), nearest first; bit 0 marks a row that was
// expanded.
struct Code4Walk {
    const PreparedQuery* query;
    RowPages codes;
    RowPages links;  // lists of `width` row numbers
    uint32_t width;  // at most CODE4_WALK_WIDTH
    uint32_t bound;  // rows from here on are passed over
    uint8_t* seen;   // seen[row] == epoch: met; seen[bound] is
    uint8_t epoch;
    uint64_t* pool;              // code4_pool_room(capacity) long; pool[0] is the start
    uint32_t capacity;           // candidates kept
    bool (*should_stop)(void*);  // asked now and then; or nullptr
    void* argument;
};

constexpr uint32_t CODE4_WALK_WIDTH = 64;
inline uint32_t code4_pool_room(uint32_t capacity) { return capacity + 8 > 128 ? capacity + 8 : 128; }

}  // namespace vecdb
