// What the instruction-set units offer: one table of functions per level, chosen once at load.
//
// A distance is "lower is nearer": squared L2, or the negated dot product. Cosine is the dot product of unit rows.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace vecdb {

enum Metric { METRIC_L2 = 0, METRIC_DOT = 1, METRIC_COUNT = 2 };
constexpr uint32_t CODE4_LINE_BYTES = 64;
constexpr uint32_t CODE4_LINES_MAXIMUM = 8;

enum RowType { ROW_FLOAT32 = 0, ROW_FLOAT16 = 1, ROW_BFLOAT16 = 2, ROW_INT8 = 3, ROW_CODE4 = 4, ROW_TYPE_COUNT = 5 };

// Where rows live: pages of (1 << page_shift) rows that never move; row r starts at
// pages[r >> page_shift] + (r & ((1 << page_shift) - 1)) * stride. Rows are aligned as their numbers are.
struct RowPages {
    const uint8_t* const* pages;
    uint32_t page_shift;
    uint32_t stride;  // bytes from one row to the next
};

// A query made ready for one row type; `data` holds what that type's kernels read and belongs to the caller.
//   float32, float16, bfloat16: dimension floats.     int8: dimension int8 values, scale, sum, norm as below.
//   code4: 128 int8 values a line of the row (64 for the low halves of its bytes, 64 for the high ones), and the last
//   four numbers; see code4.h.
struct PreparedQuery {
    const void* data;
    uint32_t dimension;
    float scale;           // int8 only: query is about scale * data[i]
    int32_t sum;           // int8 only: sum of data[i]
    float norm;            // int8 only: squared norm of the float query
    float center, factor;  // code4: a row has about the dot product (dot of the codes - center) * factor * its own
    float base;            // code4: what is added to the distance; L2 adds the row's squared norm too
};

// int8 rows: dimension codes (uint8, value = scale * (code - 128)), zero padding to a multiple of 4,
// then float scale, then float squared norm of the decoded row. See int8_row_bytes().
static inline uint32_t int8_row_bytes(uint32_t dimension) { return ((dimension + 3) & ~3u) + 8; }

// out[i] = distance of the query to row rows[i]. Prefetches ahead within the batch. Any n, any dimension from 1 to
// 65536. The same bits whatever else is in the batch; for int8 rows the same bits at every level.
typedef void (*ScoreRows)(const PreparedQuery* query, const RowPages* pages, const uint32_t* rows, uint32_t n,
                          float* out);

// A projection by whole numbers of eight bits, see narrow_projection.h: `dimension` numbers become `width`, which is a
// multiple of 128 less 16. The matrix lies in groups of Kernels::narrow_group dimensions, the last one filled up with
// zeros: for each group `width` columns of so many numbers.
struct NarrowProjection {
    const float* mean;      // `dimension` numbers that are subtracted first
    const int8_t* numbers;  // the matrix
    const float* scales;    // of a column: matrix is about scale * number
    const int32_t* sums;    // of a column's numbers
    float greatest_norm;    // of a column of numbers
    uint32_t dimension, width;
};

struct Code4Walk;  // walk_code4.h

struct Kernels {
    const char* name;  // "baseline", "avx2", "avx512"
    ScoreRows score[ROW_TYPE_COUNT][METRIC_COUNT];

    // rows of float32 (n x dimension, contiguous) -> rows of the type, `stride` bytes apart.
    void (*encode[ROW_TYPE_COUNT])(const float* in, uint32_t n, uint32_t dimension, uint8_t* out, size_t stride);
    // one row of the type -> float32
    void (*decode[ROW_TYPE_COUNT])(const uint8_t* row, uint32_t dimension, float* out);
    // float query -> int8 query; fills data (dimension bytes), scale, sum, norm
    void (*prepare_int8)(const float* query, uint32_t dimension, int8_t* data, PreparedQuery* out);

    // Rows of code4, see code4.h. `values` are the projected numbers of one row, 128 a line less the 16 that the last
    // line has no room for; `lines` of 64 bytes are written, the last 8 bytes being the factor and `norm`.
    void (*encode_code4)(const float* values, uint32_t lines, float norm, uint8_t* row);
    // The projected numbers of a query as 2 * 64 * lines int8, in the order of a row's halves of bytes; returns their
    // scale.
    float (*prepare_code4)(const float* values, uint32_t lines, int8_t* data, int32_t* sum);
    // out[c] = sum over i of x[i] * matrix[i * width + c], for width a multiple of 16
    void (*project)(const float* x, const float* matrix, uint32_t dimension, uint32_t width, float* out);
    // The same of x - mean by whole numbers, about, and the same bits at every level; returns |x - mean|^2.
    uint32_t narrow_group;
    float (*project_narrow)(const NarrowProjection* projection, const float* x, float* out);
    // A walk of a graph's ground layer: fills the pool, returns how many it holds. nullptr where the level has none.
    uint32_t (*walk_code4[METRIC_COUNT])(const Code4Walk* walk);

    // squared norm, accumulated in float; NaN or infinity anywhere gives a result that is not finite
    float (*squared_norm)(const float* x, uint32_t dimension);
    // out[i] = x[i] * factor; out may be x
    void (*scale)(const float* x, float factor, uint32_t dimension, float* out);

    // Dense block for Flat batches. queries: packed [dimension][panel_queries]; rows: panel_rows pointers to float32
    // rows; out[r * panel_queries + q] = dot(row r, query q). Register-blocked; close to the machine's multiply-add
    // rate.
    uint32_t panel_queries;
    uint32_t panel_rows;
    void (*panel_dot)(const float* queries, const float* const* rows, uint32_t dimension, float* out);
    // positions i < n with values[i] <= bounds[i], ascending, into hits; returns how many. NaN never passes.
    uint32_t (*select_below)(const float* values, const float* bounds, uint32_t n, uint32_t* hits);

    // CRC-32C (Castagnoli), continuing from `crc` (0 to start), as in RFC 3720
    uint32_t (*crc32c)(uint32_t crc, const uint8_t* data, size_t bytes);
};

// The table in use: the best level of this CPU, or the one VECDB_ISA=baseline|avx2|avx512 asks for.
// nullptr when VECDB_ISA names an unknown level or one this CPU lacks (the binding turns that into an error).
const Kernels* kernels();
// The table of one level, or nullptr if it was not compiled in or the CPU lacks it.
const Kernels* kernels_of(const char* level);

}  // namespace vecdb
