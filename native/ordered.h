// Distances as integers that sort the same way, packed with a row number into one 64-bit key.
#pragma once
#include <stdint.h>
#include <string.h>

namespace vecdb {

// Order-preserving map of a float (no NaN) to an unsigned integer; ordered_float() is its inverse.
inline uint32_t ordered_bits(float distance) {
    uint32_t bits;
    memcpy(&bits, &distance, 4);
    return bits ^ ((bits >> 31) ? 0xFFFFFFFFu : 0x80000000u);
}

inline float ordered_float(uint32_t bits) {
    bits ^= (bits >> 31) ? 0x80000000u : 0xFFFFFFFFu;
    float distance;
    memcpy(&distance, &bits, 4);
    return distance;
}

// (distance, row) as one key: nearer first, ties by row number. Rows are below 2^31; bit 0 is free for a mark. A dot
// product whose terms overflow to both infinities is NaN; it counts as infinitely far.
inline uint64_t pack_key(float distance, uint32_t row) {
    if (distance != distance) distance = __builtin_inff();
    return static_cast<uint64_t>(ordered_bits(distance)) << 32 | static_cast<uint64_t>(row) << 1;
}
inline uint32_t key_row(uint64_t key) { return static_cast<uint32_t>(key) >> 1; }
inline float key_distance(uint64_t key) { return ordered_float(static_cast<uint32_t>(key >> 32)); }

}  // namespace vecdb
