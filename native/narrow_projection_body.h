// The projection by whole numbers at one level; see narrow_projection.h. Included by kernels_body.h.
// A level may bring its own products of columns (VECDB_NARROW_COLUMNS_HEADER); the sums are the same at every level.

namespace vecdb {
namespace {

constexpr uint32_t kDimensionsAtOnce = 1024;  // whose numbers are on the stack
constexpr uint32_t kColumnsMaximum = CODE4_LINES_MAXIMUM * 2 * kLineBytes;

}  // namespace
}  // namespace vecdb

#ifdef VECDB_NARROW_COLUMNS_HEADER
#include VECDB_NARROW_COLUMNS_HEADER
#else
namespace vecdb {
namespace {

constexpr uint32_t kNarrowGroup = kDimensionsAtOnce;

inline void begin_columns(const NarrowProjection*, int32_t*) {}

// Adds to each column's sum the products of `count` numbers with its own; both are filled up with zeros to whole
// groups of sixteen.
inline void add_columns(const int8_t* numbers, uint32_t width, const int16_t* x, uint32_t count, int32_t* sums) {
    const uint32_t filled = (count + 15) & ~15u;
    for (uint32_t column = 0; column < width; ++column, numbers += kNarrowGroup) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < filled; ++i) sum += x[i] * (int16_t)numbers[i];
        sums[column] += sum;
    }
}

}  // namespace
}  // namespace vecdb
#endif

namespace vecdb {
namespace {

inline Vec centered(const float* x, const float* mean, uint32_t count) {
    return count == kLanes ? load(x) - load(mean) : load_part(x, count) - load_part(mean, count);
}

// projected[c] is about the sum over i of (x - mean)[i] * matrix[i][c]; returns |x - mean|^2. The numbers of x - mean
// are rounded to sixteen bits, or fewer where the sums could leave an int32 (they cannot, by Cauchy and Schwarz).
float project_narrow(const NarrowProjection* projection, const float* x, float* projected) {
    const float *mean = projection->mean, infinite = __builtin_inff();
    const uint32_t dimension = projection->dimension, width = projection->width;
    Vec greatest = broadcast(0), squares = broadcast(0);
    for (uint32_t i = 0; i < dimension; i += kLanes) {
        const Vec value = centered(x + i, mean + i, dimension - i < kLanes ? dimension - i : kLanes);
        greatest = bounded(greatest, bounded(value, broadcast(0) - value, broadcast(infinite)), broadcast(infinite));
        squares = multiply_add(value, value, squares);
    }
    const float norm = sum(squares);
    float lanes[kLanes], most = 0;
    store(lanes, greatest);
    for (uint32_t i = 0; i < kLanes; ++i) most = lanes[i] > most ? lanes[i] : most;
    if (!(most >= 0x1p-100f && most < 0x1p100f)) {
        for (uint32_t c = 0; c < width; ++c) projected[c] = 0;
        return norm;
    }
    // Squares may have been beyond float's range.
    const float root = square_root(norm);
    const float length = root >= most && norm < infinite ? root : most * square_root((float)dimension);
    const float steps = 32767 / most, fitting = 2.1e9f / (length * projection->greatest_norm);
    const float per_unit = projection->greatest_norm > 0 && fitting < steps ? fitting : steps;

    alignas(64) int32_t sums[kColumnsMaximum] = {};
    begin_columns(projection, sums);
    const int8_t* numbers = projection->numbers;
    for (uint32_t start = 0; start < dimension; start += kDimensionsAtOnce) {
        const uint32_t count = dimension - start < kDimensionsAtOnce ? dimension - start : kDimensionsAtOnce;
        alignas(64) int16_t values[kDimensionsAtOnce];
        for (uint32_t i = 0; i < count; i += kLanes) {
            const Vec value = centered(x + start + i, mean + start + i, count - i < kLanes ? count - i : kLanes);
            int32_t rounded[kLanes];
            store_rounded(value * broadcast(per_unit), rounded);
            for (uint32_t lane = 0; lane < kLanes; ++lane) values[i + lane] = (int16_t)rounded[lane];
        }
        for (uint32_t i = (count + kLanes - 1) / kLanes * kLanes; i % 16; ++i) values[i] = 0;
        add_columns(numbers, width, values, count, sums);
        numbers += (size_t)kDimensionsAtOnce * width;
    }
    for (uint32_t c = 0; c < width; ++c) {
        projected[c] = (float)sums[c] * rounded(projection->scales[c] * (1 / per_unit));
    }
    return norm;
}

}  // namespace
}  // namespace vecdb
