// The products of columns at the avx512 level: a number of sixteen bits is two digits of eight, multiplied apart.
// Included by narrow_projection_body.h.

namespace vecdb {
namespace {

constexpr uint32_t kNarrowGroup = 4;
constexpr uint32_t kVectorsAtOnce = 8;  // columns in registers, sixteen a vector, with two sums each

// The high digit has no sign, as the instruction wants it: 128 is taken off again.
inline void begin_columns(const NarrowProjection* projection, int32_t* sums) {
    for (uint32_t c = 0; c < projection->width; c += kLanes) {
        const __m512i offset = _mm512_slli_epi32(_mm512_loadu_si512(projection->sums + c), 15);
        _mm512_store_si512(sums + c, _mm512_sub_epi32(_mm512_setzero_si512(), offset));
    }
}

template <uint32_t vectors>
inline void add_some_columns(const int8_t* numbers, uint32_t width, const uint8_t* high, const uint8_t* low,
                             uint32_t groups, int32_t* sums) {
    __m512i above[vectors], below[vectors];
    for (uint32_t v = 0; v < vectors; ++v) above[v] = below[v] = _mm512_setzero_si512();
    for (uint32_t group = 0; group < groups; ++group, numbers += kNarrowGroup * width) {
        int32_t digits[2];
        memcpy(digits, high + group * kNarrowGroup, kNarrowGroup);
        memcpy(digits + 1, low + group * kNarrowGroup, kNarrowGroup);
        const __m512i of_high = _mm512_set1_epi32(digits[0]), of_low = _mm512_set1_epi32(digits[1]);
        for (uint32_t v = 0; v < vectors; ++v) {
            const __m512i number = _mm512_loadu_si512(numbers + v * kLineBytes);
            above[v] = _mm512_dpbusd_epi32(above[v], of_high, number);
            below[v] = _mm512_dpbusd_epi32(below[v], of_low, number);
        }
    }
    for (uint32_t v = 0; v < vectors; ++v) {
        const __m512i total = _mm512_add_epi32(_mm512_slli_epi32(above[v], 8), below[v]);
        int32_t* out = sums + v * kLanes;
        _mm512_store_si512(out, _mm512_add_epi32(_mm512_load_si512(out), total));
    }
}

inline void add_columns(const int8_t* numbers, uint32_t width, const int16_t* x, uint32_t count, int32_t* sums) {
    alignas(64) uint8_t high[kDimensionsAtOnce], low[kDimensionsAtOnce];
    for (uint32_t i = 0; i < count; i += kLanes) {
        const __m256i number = _mm256_load_si256((const __m256i*)(x + i));
        const __m256i above = _mm256_add_epi16(_mm256_srai_epi16(number, 8), _mm256_set1_epi16(128));
        _mm_store_si128((__m128i*)(low + i), _mm256_cvtepi16_epi8(number));
        _mm_store_si128((__m128i*)(high + i), _mm256_cvtepi16_epi8(above));
    }
    const uint32_t groups = (count + kNarrowGroup - 1) / kNarrowGroup;
    uint32_t column = 0;
    for (; column + kVectorsAtOnce * kLanes <= width; column += kVectorsAtOnce * kLanes) {
        add_some_columns<kVectorsAtOnce>(numbers + kNarrowGroup * column, width, high, low, groups, sums + column);
    }
    // A row's last line has room for sixteen numbers less.
    add_some_columns<kVectorsAtOnce - 1>(numbers + kNarrowGroup * column, width, high, low, groups, sums + column);
}

}  // namespace
}  // namespace vecdb
