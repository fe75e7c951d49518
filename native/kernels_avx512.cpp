// The avx512 level: AVX-512 F, BW, DQ, VL and VNNI, sixteen lanes. Nothing at all on other machines than x86-64.
#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC's own header reads a register it means to leave undefined (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#include <string.h>

#include "kernels.h"

namespace vecdb {
namespace {

typedef __m512 Vec;
typedef __m512i IntVec;
constexpr uint32_t kLanes = 16;
constexpr uint32_t kCodeLanes = 64;
constexpr int kPanelRows = 8, kPanelVectors = 3;  // 24 sums, 3 queries and 1 row element of 32 registers

inline __mmask16 lane_mask(uint32_t count) { return (__mmask16)((1u << count) - 1); }
inline Vec widen_bfloat(__m256i words) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
}

inline Vec broadcast(float x) { return _mm512_set1_ps(x); }
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline Vec load_part(const float* p, uint32_t count) { return _mm512_maskz_loadu_ps(lane_mask(count), p); }
inline Vec bounded(Vec v, Vec low, Vec high) { return _mm512_min_ps(_mm512_max_ps(v, low), high); }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }

inline __m128 fold(Vec v) {
    __m256 x = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    return _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
}
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

inline __m256i load_words(const uint8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
inline __m256i load_words_part(const uint8_t* p, uint32_t count) {
    return _mm256_maskz_loadu_epi16(lane_mask(count), p);
}
inline Vec load_half(const uint8_t* p) { return _mm512_cvtph_ps(load_words(p)); }
inline Vec load_half_part(const uint8_t* p, uint32_t count) { return _mm512_cvtph_ps(load_words_part(p, count)); }
inline Vec load_bfloat(const uint8_t* p) { return widen_bfloat(load_words(p)); }
inline Vec load_bfloat_part(const uint8_t* p, uint32_t count) { return widen_bfloat(load_words_part(p, count)); }
inline void narrow_half(const float* in, uint32_t count, uint8_t* out) {
    uint32_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        _mm256_storeu_si256((__m256i*)(out + 2 * i), _mm512_cvtps_ph(load(in + i), _MM_FROUND_TO_NEAREST_INT));
    }
    if (i < count) {
        __m256i words = _mm512_cvtps_ph(load_part(in + i, count - i), _MM_FROUND_TO_NEAREST_INT);
        _mm256_mask_storeu_epi16(out + 2 * i, lane_mask(count - i), words);
    }
}

inline IntVec int_zero() { return _mm512_setzero_si512(); }
inline IntVec code_dot(IntVec total, const uint8_t* codes, const int8_t* query) {
    return _mm512_dpbusd_epi32(total, _mm512_loadu_si512(codes), _mm512_loadu_si512(query));
}
inline IntVec code_dot_part(IntVec total, const uint8_t* codes, const int8_t* query, uint32_t count) {
    __mmask64 mask = ((__mmask64)1 << count) - 1;
    return _mm512_dpbusd_epi32(total, _mm512_maskz_loadu_epi8(mask, codes), _mm512_maskz_loadu_epi8(mask, query));
}
constexpr uint32_t kNibbleBytes = 64;
inline IntVec nibble_dot(IntVec total, const uint8_t* codes, const int8_t* low, const int8_t* high) {
    const __m512i code = _mm512_loadu_si512(codes), half = _mm512_set1_epi8(15);
    total = _mm512_dpbusd_epi32(total, _mm512_and_si512(code, half), _mm512_loadu_si512(low));
    return _mm512_dpbusd_epi32(total, _mm512_and_si512(_mm512_srli_epi16(code, 4), half), _mm512_loadu_si512(high));
}
inline __m128i int_fold(IntVec v) {
    __m256i x = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}
inline int32_t int_sum(IntVec v) {
    __m128i x = int_fold(v);
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}
inline void int_sum_four(const IntVec* v, int32_t* out) {
    __m128i ab = _mm_hadd_epi32(int_fold(v[0]), int_fold(v[1])), cd = _mm_hadd_epi32(int_fold(v[2]), int_fold(v[3]));
    _mm_storeu_si128((__m128i*)out, _mm_hadd_epi32(ab, cd));
}
inline void store_rounded(Vec x, int32_t* out) { _mm512_storeu_si512(out, _mm512_cvtps_epi32(x)); }
inline uint32_t less_equal(Vec a, Vec b) { return (uint32_t)_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }

#define VECDB_CRC32C_WORD(crc, word) ((uint32_t)_mm_crc32_u64(crc, word))

}  // namespace
}  // namespace vecdb

#define VECDB_LEVEL_NAME "avx512"
#define VECDB_LEVEL_TABLE kernels_avx512
#define VECDB_NARROW_COLUMNS_HEADER "narrow_columns_avx512.h"
#define VECDB_WALK_CODE4_HEADER "walk_code4_avx512.h"
#include "kernels_body.h"
#endif
