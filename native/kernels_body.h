// The kernels of one level, written once over the few vector operations that the including unit defines (Vec, load,
// multiply_add, ...). Everything here has internal linkage; only the table at the end leaves the unit.
// No include guard: each unit includes it once, after its operations.

#include "crc32c_body.h"

namespace vecdb {
namespace {

constexpr uint32_t kLineBytes = 64;

// How rows of a type are read as floats.
struct Float32Row {
    static constexpr uint32_t kBytes = 4;
    static Vec load(const uint8_t* row, uint32_t i) { return vecdb::load((const float*)row + i); }
    static Vec load_part(const uint8_t* row, uint32_t i, uint32_t count) {
        return vecdb::load_part((const float*)row + i, count);
    }
};
struct Float16Row {
    static constexpr uint32_t kBytes = 2;
    static Vec load(const uint8_t* row, uint32_t i) { return load_half(row + 2 * i); }
    static Vec load_part(const uint8_t* row, uint32_t i, uint32_t count) { return load_half_part(row + 2 * i, count); }
};
struct Bfloat16Row {
    static constexpr uint32_t kBytes = 2;
    static Vec load(const uint8_t* row, uint32_t i) { return load_bfloat(row + 2 * i); }
    static Vec load_part(const uint8_t* row, uint32_t i, uint32_t count) {
        return load_bfloat_part(row + 2 * i, count);
    }
};

inline const uint8_t* row_address(const RowPages* pages, uint32_t row) {
    size_t in_page = row & ((1u << pages->page_shift) - 1);
    return pages->pages[row >> pages->page_shift] + in_page * pages->stride;
}

inline void prefetch_row(const uint8_t* row, uint32_t bytes) {
    const uint8_t* end = row + bytes;
    for (const uint8_t* line = row; line < end; line += kLineBytes) __builtin_prefetch(line);
    __builtin_prefetch(end - 1);
}

template <Metric metric>
inline Vec accumulate(Vec total, Vec query, Vec row) {
    if (metric == METRIC_DOT) return multiply_add(query, row, total);
    Vec difference = query - row;
    return multiply_add(difference, difference, total);
}

// Distances of `count` rows at once, which share the loads of the query. A row's result does not depend on its company:
// each has two sums of its own, added in one order.
template <class Row, Metric metric, int count>
inline void score_together(const float* query, uint32_t dimension, const uint8_t* const* rows, float* out) {
    Vec even[count], odd[count];
    for (int r = 0; r < count; ++r) even[r] = odd[r] = broadcast(0);
    uint32_t i = 0;
    for (; i + 2 * kLanes <= dimension; i += 2 * kLanes) {
        Vec first = load(query + i), second = load(query + i + kLanes);
        for (int r = 0; r < count; ++r) {
            even[r] = accumulate<metric>(even[r], first, Row::load(rows[r], i));
            odd[r] = accumulate<metric>(odd[r], second, Row::load(rows[r], i + kLanes));
        }
    }
    if (i + kLanes <= dimension) {
        Vec first = load(query + i);
        for (int r = 0; r < count; ++r) even[r] = accumulate<metric>(even[r], first, Row::load(rows[r], i));
        i += kLanes;
    }
    if (i < dimension) {
        Vec last = load_part(query + i, dimension - i);
        for (int r = 0; r < count; ++r) {
            odd[r] = accumulate<metric>(odd[r], last, Row::load_part(rows[r], i, dimension - i));
        }
    }
    Vec total[count];
    for (int r = 0; r < count; ++r) total[r] = even[r] + odd[r];
    if (count == 4) {
        sum_four(total, out);
    } else {
        for (int r = 0; r < count; ++r) out[r] = sum(total[r]);
    }
    if (metric == METRIC_DOT) {
        for (int r = 0; r < count; ++r) out[r] = -out[r];
    }
}

// Calls score(rows, count, out) for groups of up to four row addresses. The next group is on its way from memory by
// then, and the first line of each row in the one after it, which takes the page walk.
template <class Score>
inline void for_groups(const RowPages* pages, const uint32_t* rows, uint32_t n, uint32_t row_bytes, float* out,
                       Score score) {
    const uint8_t* ahead[4];
    uint32_t ahead_count = n < 4 ? n : 4, touched = n < 8 ? n : 8;
    for (uint32_t r = 0; r < touched; ++r) __builtin_prefetch(row_address(pages, rows[r]));
    for (uint32_t r = 0; r < ahead_count; ++r) prefetch_row(ahead[r] = row_address(pages, rows[r]), row_bytes);
    for (uint32_t start = 0; start < n; start += 4) {
        const uint8_t* group[4] = {ahead[0], ahead[1], ahead[2], ahead[3]};
        uint32_t count = ahead_count, left = n - start - count;
        ahead_count = left < 4 ? left : 4;
        for (uint32_t r = 0; r < ahead_count; ++r) {
            prefetch_row(ahead[r] = row_address(pages, rows[start + 4 + r]), row_bytes);
        }
        for (uint32_t end = touched + 4 < n ? touched + 4 : n; touched < end; ++touched) {
            __builtin_prefetch(row_address(pages, rows[touched]));
        }
        score(group, count, out + start);
    }
}

template <class Row, Metric metric>
void score_rows(const PreparedQuery* query, const RowPages* pages, const uint32_t* rows, uint32_t n, float* out) {
    const float* values = (const float*)query->data;
    uint32_t dimension = query->dimension;
    for_groups(pages, rows, n, dimension * Row::kBytes, out,
               [=](const uint8_t* const* group, uint32_t count, float* distances) {
                   switch (count) {
                       case 4:
                           return score_together<Row, metric, 4>(values, dimension, group, distances);
                       case 3:
                           return score_together<Row, metric, 3>(values, dimension, group, distances);
                       case 2:
                           return score_together<Row, metric, 2>(values, dimension, group, distances);
                       default:
                           return score_together<Row, metric, 1>(values, dimension, group, distances);
                   }
               });
}

inline uint32_t int8_factors_offset(uint32_t dimension) { return (dimension + 3) & ~3u; }

// Keeps the compiler from fusing the product into a later addition: the levels must round alike.
inline float rounded(float x) {
#if defined(__x86_64__)
    __asm__("" : "+x"(x));
#elif defined(__aarch64__)
    __asm__("" : "+w"(x));
#else
    volatile float stored = x;
    x = stored;
#endif
    return x;
}

template <Metric metric>
inline float int8_distance(const PreparedQuery* query, const uint8_t* row, int32_t code_dot) {
    float factors[2];  // scale, squared norm
    memcpy(factors, row + int8_factors_offset(query->dimension), sizeof factors);
    float dot = rounded(factors[0] * query->scale * (float)(code_dot - 128 * query->sum));
    if (metric == METRIC_DOT) return -dot;
    float distance = (query->norm + factors[1]) - 2 * dot;
    return distance > 0 ? distance : 0;
}

template <Metric metric, int count>
inline void score_codes_together(const PreparedQuery* query, const uint8_t* const* rows, float* out) {
    const int8_t* values = (const int8_t*)query->data;
    uint32_t dimension = query->dimension, i = 0;
    IntVec total[count];
    for (int r = 0; r < count; ++r) total[r] = int_zero();
    for (; i + kCodeLanes <= dimension; i += kCodeLanes) {
        for (int r = 0; r < count; ++r) total[r] = code_dot(total[r], rows[r] + i, values + i);
    }
    if (i < dimension) {
        for (int r = 0; r < count; ++r) total[r] = code_dot_part(total[r], rows[r] + i, values + i, dimension - i);
    }
    int32_t dots[count];
    if (count == 4) {
        int_sum_four(total, dots);
    } else {
        for (int r = 0; r < count; ++r) dots[r] = int_sum(total[r]);
    }
    for (int r = 0; r < count; ++r) out[r] = int8_distance<metric>(query, rows[r], dots[r]);
}

template <Metric metric>
void score_codes(const PreparedQuery* query, const RowPages* pages, const uint32_t* rows, uint32_t n, float* out) {
    for_groups(pages, rows, n, int8_factors_offset(query->dimension) + 8, out,
               [=](const uint8_t* const* group, uint32_t count, float* distances) {
                   switch (count) {
                       case 4:
                           return score_codes_together<metric, 4>(query, group, distances);
                       case 3:
                           return score_codes_together<metric, 3>(query, group, distances);
                       case 2:
                           return score_codes_together<metric, 2>(query, group, distances);
                       default:
                           return score_codes_together<metric, 1>(query, group, distances);
                   }
               });
}

float squared_norm(const float* x, uint32_t dimension) {
    Vec total[4];
    for (Vec& part : total) part = broadcast(0);
    uint32_t i = 0;
    for (; i + 4 * kLanes <= dimension; i += 4 * kLanes) {
        for (int part = 0; part < 4; ++part) {
            Vec v = load(x + i + part * kLanes);
            total[part] = multiply_add(v, v, total[part]);
        }
    }
    for (; i + kLanes <= dimension; i += kLanes) {
        Vec v = load(x + i);
        total[0] = multiply_add(v, v, total[0]);
    }
    if (i < dimension) {
        Vec v = load_part(x + i, dimension - i);
        total[1] = multiply_add(v, v, total[1]);
    }
    return sum((total[0] + total[1]) + (total[2] + total[3]));
}

void scale(const float* x, float factor, uint32_t dimension, float* out) {
    Vec factors = broadcast(factor);
    uint32_t i = 0;
    for (; i + kLanes <= dimension; i += kLanes) store(out + i, load(x + i) * factors);
    for (; i < dimension; ++i) out[i] = x[i] * factor;
}

void encode_float32(const float* in, uint32_t n, uint32_t dimension, uint8_t* out, size_t stride) {
    for (uint32_t row = 0; row < n; ++row) {
        memcpy(out + row * stride, in + (size_t)row * dimension, (size_t)dimension * sizeof(float));
    }
}
void decode_float32(const uint8_t* row, uint32_t dimension, float* out) {
    memcpy(out, row, (size_t)dimension * sizeof(float));
}

void encode_float16(const float* in, uint32_t n, uint32_t dimension, uint8_t* out, size_t stride) {
    for (uint32_t row = 0; row < n; ++row) narrow_half(in + (size_t)row * dimension, dimension, out + row * stride);
}

inline uint16_t bfloat_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
    return (uint16_t)((is_nan ? bits | 0x400000 : bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
// A constant count lets the compiler use its vectors.
template <uint32_t count>
inline void narrow_bfloat(const float* in, uint8_t* out) {
    uint16_t words[count];
    for (uint32_t i = 0; i < count; ++i) words[i] = bfloat_of(in[i]);
    memcpy(out, words, sizeof words);
}
void encode_bfloat16(const float* in, uint32_t n, uint32_t dimension, uint8_t* out, size_t stride) {
    for (uint32_t row = 0; row < n; ++row, in += dimension, out += stride) {
        uint32_t i = 0;
        for (; i + 16 <= dimension; i += 16) narrow_bfloat<16>(in + i, out + 2 * i);
        for (; i < dimension; ++i) narrow_bfloat<1>(in + i, out + 2 * i);
    }
}

template <class Row>
void decode_words(const uint8_t* row, uint32_t dimension, float* out) {
    uint32_t i = 0;
    for (; i + kLanes <= dimension; i += kLanes) store(out + i, Row::load(row, i));
    if (i < dimension) {
        float last[kLanes];
        store(last, Row::load_part(row, i, dimension - i));
        memcpy(out + i, last, (dimension - i) * sizeof(float));
    }
}

// Writes round(x / scale), each in -127 .. 127, and returns scale = max|x| / 127. Rows whose squares all vanish in
// float32 count as zero, so that the inverse stays finite. The same at every level: no step can be fused.
template <class Write>
inline float quantise(const float* x, uint32_t dimension, Write write) {
    int32_t greatest_bits = 0;  // magnitudes order like their bits
    for (uint32_t i = 0; i < dimension; ++i) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffff;
        greatest_bits = bits > greatest_bits ? bits : greatest_bits;
    }
    float greatest;
    memcpy(&greatest, &greatest_bits, sizeof greatest);
    bool is_zero = !(greatest >= 0x1p-100f);
    Vec inverse = broadcast(is_zero ? 0.0f : 127.0f / greatest);
    for (uint32_t i = 0; i < dimension; i += kLanes) {
        uint32_t count = dimension - i < kLanes ? dimension - i : kLanes;
        int32_t values[kLanes];
        store_rounded((count == kLanes ? load(x + i) : load_part(x + i, count)) * inverse, values);
        for (uint32_t lane = 0; lane < count; ++lane) {
            int32_t value = values[lane];
            write(i + lane, value < -127 ? -127 : value > 127 ? 127 : value);
        }
    }
    return is_zero ? 0.0f : greatest / 127.0f;
}

void encode_int8(const float* in, uint32_t n, uint32_t dimension, uint8_t* out, size_t stride) {
    uint32_t offset = int8_factors_offset(dimension);
    for (uint32_t row = 0; row < n; ++row) {
        uint8_t* codes = out + row * stride;
        int32_t squares = 0;  // exact: 127 * 127 * 65536 dimensions is below 2^31
        float scale = quantise(in + (size_t)row * dimension, dimension, [&](uint32_t i, int32_t value) {
            codes[i] = (uint8_t)(value + 128);
            squares += value * value;
        });
        for (uint32_t i = dimension; i < offset; ++i) codes[i] = 0;
        float factors[2] = {scale, scale * scale * (float)squares};
        memcpy(codes + offset, factors, sizeof factors);
    }
}

void decode_int8(const uint8_t* row, uint32_t dimension, float* out) {
    float scale;
    memcpy(&scale, row + int8_factors_offset(dimension), sizeof scale);
    for (uint32_t i = 0; i < dimension; ++i) out[i] = scale * (float)((int32_t)row[i] - 128);
}

void prepare_int8(const float* query, uint32_t dimension, int8_t* data, PreparedQuery* out) {
    int32_t total = 0;
    out->scale = quantise(query, dimension, [&](uint32_t i, int32_t value) {
        data[i] = (int8_t)value;
        total += value;
    });
    // Products of floats are exact in double, so that fusing them changes nothing.
    double norm[4] = {0, 0, 0, 0};
    for (uint32_t i = 0; i < dimension; ++i) norm[i % 4] += (double)query[i] * query[i];
    out->data = data;
    out->dimension = dimension;
    out->sum = total;
    out->norm = (float)((norm[0] + norm[1]) + (norm[2] + norm[3]));
}

}  // namespace
}  // namespace vecdb

#include "code4_body.h"
#include "narrow_projection_body.h"
#include "panel_body.h"

// Defined by the levels that have a walk of their own.
#ifdef VECDB_WALK_CODE4_HEADER
#include "walk_code4_body.h"
#define VECDB_WALK_CODE4(metric) walk_code4<metric>
#else
#define VECDB_WALK_CODE4(metric) nullptr
#endif

namespace vecdb {

extern const Kernels VECDB_LEVEL_TABLE;
const Kernels VECDB_LEVEL_TABLE = {
    VECDB_LEVEL_NAME,
    {{score_rows<Float32Row, METRIC_L2>, score_rows<Float32Row, METRIC_DOT>},
     {score_rows<Float16Row, METRIC_L2>, score_rows<Float16Row, METRIC_DOT>},
     {score_rows<Bfloat16Row, METRIC_L2>, score_rows<Bfloat16Row, METRIC_DOT>},
     {score_codes<METRIC_L2>, score_codes<METRIC_DOT>},
     {score_code4<METRIC_L2>, score_code4<METRIC_DOT>}},
    {encode_float32, encode_float16, encode_bfloat16, encode_int8, nullptr},
    {decode_float32, decode_words<Float16Row>, decode_words<Bfloat16Row>, decode_int8, nullptr},
    prepare_int8,
    encode_code4,
    prepare_code4,
    project,
    kNarrowGroup,
    project_narrow,
    {VECDB_WALK_CODE4(METRIC_L2), VECDB_WALK_CODE4(METRIC_DOT)},
    squared_norm,
    scale,
    kPanelVectors * kLanes,
    kPanelRows,
    panel_dot,
    select_below,
    crc32c,
};

}  // namespace vecdb
