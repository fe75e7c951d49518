// The avx2 level: AVX2, FMA and F16C, eight lanes. Nothing at all on other machines than x86-64.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "kernels.h"

namespace vecdb {
namespace {

typedef __m256 Vec;
typedef __m256i IntVec;
constexpr uint32_t kLanes = 8;
constexpr uint32_t kCodeLanes = 16;
constexpr int kPanelRows = 4, kPanelVectors = 3;  // 12 sums, 3 queries and 1 row element: all 16 registers

// The first `count` lanes are all ones.
inline __m256i lane_mask(uint32_t count) {
    alignas(32) static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i*)(window + 8 - count));
}
inline __m128i load_words_part(const uint8_t* p, uint32_t count) {
    uint16_t word[kLanes] = {};
    for (uint32_t i = 0; i < count; ++i) memcpy(word + i, p + 2 * i, sizeof(uint16_t));
    return _mm_loadu_si128((const __m128i*)word);
}
inline Vec widen_bfloat(__m128i words) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16));
}

inline Vec broadcast(float x) { return _mm256_set1_ps(x); }
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline Vec load_part(const float* p, uint32_t count) { return _mm256_maskload_ps(p, lane_mask(count)); }
inline Vec bounded(Vec v, Vec low, Vec high) { return _mm256_min_ps(_mm256_max_ps(v, low), high); }
inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }

inline __m128 fold(Vec v) { return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)); }
inline float sum(Vec v) {
    __m128 x = fold(v);
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
// The same additions in the same order as sum(), four at once.
inline void sum_four(const Vec* v, float* out) {
    __m128 a = fold(v[0]), b = fold(v[1]), c = fold(v[2]), d = fold(v[3]);
    __m128 ab = _mm_add_ps(_mm_movelh_ps(a, b), _mm_movehl_ps(b, a));  // a0+a2 a1+a3 b0+b2 b1+b3
    __m128 cd = _mm_add_ps(_mm_movelh_ps(c, d), _mm_movehl_ps(d, c));
    _mm_storeu_ps(out, _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xdd)));
}

inline Vec load_half(const uint8_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
inline Vec load_half_part(const uint8_t* p, uint32_t count) { return _mm256_cvtph_ps(load_words_part(p, count)); }
inline Vec load_bfloat(const uint8_t* p) { return widen_bfloat(_mm_loadu_si128((const __m128i*)p)); }
inline Vec load_bfloat_part(const uint8_t* p, uint32_t count) { return widen_bfloat(load_words_part(p, count)); }
inline void narrow_half(const float* in, uint32_t count, uint8_t* out) {
    uint32_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        _mm_storeu_si128((__m128i*)(out + 2 * i), _mm256_cvtps_ph(load(in + i), _MM_FROUND_TO_NEAREST_INT));
    }
    if (i < count) {
        __m128i words = _mm256_cvtps_ph(load_part(in + i, count - i), _MM_FROUND_TO_NEAREST_INT);
        memcpy(out + 2 * i, &words, 2 * (count - i));
    }
}

inline IntVec int_zero() { return _mm256_setzero_si256(); }
// Widened to 16 bits first: the 8-bit multiply-add of this level saturates.
inline IntVec code_dot(IntVec total, const uint8_t* codes, const int8_t* query) {
    __m256i code = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)codes));
    __m256i value = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)query));
    return _mm256_add_epi32(total, _mm256_madd_epi16(code, value));
}
inline IntVec code_dot_part(IntVec total, const uint8_t* codes, const int8_t* query, uint32_t count) {
    uint8_t code[kCodeLanes] = {};
    int8_t value[kCodeLanes] = {};
    memcpy(code, codes, count);
    memcpy(value, query, count);
    return code_dot(total, code, value);
}
constexpr uint32_t kNibbleBytes = 32;
// Two products of a nibble and a byte fit 16 bits, and so do two such pairs.
inline IntVec nibble_dot(IntVec total, const uint8_t* codes, const int8_t* low, const int8_t* high) {
    const __m256i code = _mm256_loadu_si256((const __m256i*)codes), half = _mm256_set1_epi8(15);
    __m256i first = _mm256_maddubs_epi16(_mm256_and_si256(code, half), _mm256_loadu_si256((const __m256i*)low));
    __m256i second = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(code, 4), half),
                                          _mm256_loadu_si256((const __m256i*)high));
    return _mm256_add_epi32(total, _mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1)));
}
inline __m128i int_fold(IntVec v) { return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)); }
inline int32_t int_sum(IntVec v) {
    __m128i x = int_fold(v);
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}
inline void int_sum_four(const IntVec* v, int32_t* out) {
    __m128i ab = _mm_hadd_epi32(int_fold(v[0]), int_fold(v[1])), cd = _mm_hadd_epi32(int_fold(v[2]), int_fold(v[3]));
    _mm_storeu_si128((__m128i*)out, _mm_hadd_epi32(ab, cd));
}
inline void store_rounded(Vec x, int32_t* out) { _mm256_storeu_si256((__m256i*)out, _mm256_cvtps_epi32(x)); }
inline uint32_t less_equal(Vec a, Vec b) { return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)); }

#define VECDB_CRC32C_WORD(crc, word) ((uint32_t)_mm_crc32_u64(crc, word))

}  // namespace
}  // namespace vecdb

#define VECDB_LEVEL_NAME "avx2"
#define VECDB_LEVEL_TABLE kernels_avx2
#define VECDB_WALK_CODE4_HEADER "walk_code4_avx2.h"
#include "kernels_body.h"
#endif
