// The baseline level: four-lane vectors that every x86-64 (SSE2) and ARM (NEON) compiler target has.
#include <string.h>

#include "kernels.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif
#if defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace vecdb {
namespace {

typedef float Vec __attribute__((vector_size(16)));
typedef int32_t Int4 __attribute__((vector_size(16)));
typedef uint16_t Word4 __attribute__((vector_size(8)));
constexpr uint32_t kLanes = 4;
constexpr uint32_t kCodeLanes = 16;
#if defined(__aarch64__)
constexpr int kPanelRows = 8, kPanelVectors = 3;  // 24 of 32 registers
#else
constexpr int kPanelRows = 4, kPanelVectors = 2;  // 8 of 16: products need registers of their own without FMA
#endif

inline Vec broadcast(float x) { return Vec{x, x, x, x}; }
inline Vec load(const float* p) {
    Vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
inline Vec load_part(const float* p, uint32_t count) {
    Vec v = broadcast(0);
    memcpy(&v, p, count * sizeof(float));
    return v;
}
inline Vec bounded(Vec v, Vec low, Vec high) {
    for (uint32_t i = 0; i < kLanes; ++i) v[i] = v[i] < low[i] ? low[i] : v[i] > high[i] ? high[i] : v[i];
    return v;
}
inline void store(float* p, Vec v) { memcpy(p, &v, sizeof v); }
inline float sum(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }
inline void sum_four(const Vec* v, float* out) {
    for (int r = 0; r < 4; ++r) out[r] = sum(v[r]);
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
#if defined(__aarch64__)
    return (Vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

inline Int4 load_words(const uint8_t* p, uint32_t count) {
    Word4 words = {0, 0, 0, 0};
    memcpy(&words, p, count * sizeof(uint16_t));
    return __builtin_convertvector(words, Int4);
}
// Exact for every half: the product only moves the exponent, and a subnormal half is a normal float.
inline Vec widen_half(Int4 half) {
    Int4 magnitude = half & 0x7fff;
    Int4 is_special = magnitude >= 0x7c00;  // all ones for infinity and NaN
    Int4 bits = magnitude << 13;
    Vec finite = (Vec)bits * broadcast(0x1p112f);
    Int4 special = bits | 0x7f800000;
    return (Vec)(((is_special & special) | (~is_special & (Int4)finite)) | ((half & 0x8000) << 16));
}
inline Vec load_half(const uint8_t* p) { return widen_half(load_words(p, kLanes)); }
inline Vec load_half_part(const uint8_t* p, uint32_t count) { return widen_half(load_words(p, count)); }
inline Vec load_bfloat(const uint8_t* p) { return (Vec)(load_words(p, kLanes) << 16); }
inline Vec load_bfloat_part(const uint8_t* p, uint32_t count) { return (Vec)(load_words(p, count) << 16); }

inline uint16_t half_of(float x) {
    uint32_t bits, half;
    memcpy(&bits, &x, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        half = 0x7e00 | ((magnitude >> 13) & 0x3ff);
    } else if (magnitude >= 0x477ff000) {  // 65520, the midpoint above the greatest half
        half = 0x7c00;
    } else if (magnitude < 0x38800000) {  // below 2^-14: adding 0.5 leaves the subnormal in the low bits, rounded
        float shifted;
        memcpy(&shifted, &magnitude, sizeof shifted);
        shifted += 0.5f;
        memcpy(&half, &shifted, sizeof half);
        half -= 0x3f000000;
    } else {
        half = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    }
    return (uint16_t)(sign | half);
}
inline void narrow_half(const float* in, uint32_t count, uint8_t* out) {
    for (uint32_t i = 0; i < count; ++i) {
        uint16_t half = half_of(in[i]);
        memcpy(out + 2 * i, &half, sizeof half);
    }
}

#if defined(__SSE2__)
typedef __m128i IntVec;
inline IntVec int_zero() { return _mm_setzero_si128(); }
inline IntVec code_dot(IntVec total, const uint8_t* codes, const int8_t* query) {
    __m128i code = _mm_loadu_si128((const __m128i*)codes), value = _mm_loadu_si128((const __m128i*)query);
    __m128i nothing = _mm_setzero_si128(), sign = _mm_cmpgt_epi8(nothing, value);
    __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8(code, nothing), _mm_unpacklo_epi8(value, sign));
    __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8(code, nothing), _mm_unpackhi_epi8(value, sign));
    return _mm_add_epi32(total, _mm_add_epi32(low, high));
}
inline int32_t int_sum(IntVec v) {
    v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 0xb1)));
}
inline void store_rounded(Vec x, int32_t* out) { _mm_storeu_si128((__m128i*)out, _mm_cvtps_epi32((__m128)x)); }
inline uint32_t less_equal(Vec a, Vec b) { return (uint32_t)_mm_movemask_ps(_mm_cmple_ps((__m128)a, (__m128)b)); }
#else
typedef int32_t IntVec;
inline IntVec int_zero() { return 0; }
inline IntVec code_dot(IntVec total, const uint8_t* codes, const int8_t* query) {
    for (uint32_t i = 0; i < kCodeLanes; ++i) total += (int32_t)codes[i] * query[i];
    return total;
}
inline int32_t int_sum(IntVec v) { return v; }
inline void store_rounded(Vec x, int32_t* out) {
    for (uint32_t i = 0; i < kLanes; ++i) out[i] = (int32_t)__builtin_rintf(x[i]);
}
inline uint32_t less_equal(Vec a, Vec b) {
    Int4 is = a <= b;
    return (uint32_t)((is[0] & 1) | (is[1] & 2) | (is[2] & 4) | (is[3] & 8));
}
#endif
constexpr uint32_t kNibbleBytes = kCodeLanes;
inline IntVec nibble_dot(IntVec total, const uint8_t* codes, const int8_t* low, const int8_t* high) {
    uint8_t first[kCodeLanes], second[kCodeLanes];
    for (uint32_t i = 0; i < kCodeLanes; ++i) {
        first[i] = codes[i] & 15;
        second[i] = codes[i] >> 4;
    }
    return code_dot(code_dot(total, first, low), second, high);
}
inline void int_sum_four(const IntVec* v, int32_t* out) {
    for (int r = 0; r < 4; ++r) out[r] = int_sum(v[r]);
}
inline IntVec code_dot_part(IntVec total, const uint8_t* codes, const int8_t* query, uint32_t count) {
    uint8_t code[kCodeLanes] = {};
    int8_t value[kCodeLanes] = {};
    memcpy(code, codes, count);
    memcpy(value, query, count);
    return code_dot(total, code, value);
}

#if defined(__ARM_FEATURE_CRC32)
#define VECDB_CRC32C_WORD(crc, word) __crc32cd(crc, word)
#endif

}  // namespace
}  // namespace vecdb

#define VECDB_LEVEL_NAME "baseline"
#define VECDB_LEVEL_TABLE kernels_baseline
#include "kernels_body.h"
