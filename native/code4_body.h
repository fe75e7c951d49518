// Rows of code4 at one level: how they are made and scored; see code4.h. Included by kernels_body.h.

namespace vecdb {
namespace {

constexpr uint32_t kFactorBytes = 8;                                    // at the end of a row's last line
constexpr uint32_t kLastLineNibbles = 2 * (kLineBytes - kFactorBytes);  // numbers that the last line has room for
constexpr uint32_t kLineNibbles = 2 * kLineBytes;
constexpr float kCodeMiddle = 7.5f;

template <Metric metric, int count>
inline void score_code4_together(const PreparedQuery* query, uint32_t row_bytes, const uint8_t* const* rows,
                                 float* out) {
    const int8_t* values = (const int8_t*)query->data;
    IntVec total[count];
    for (int r = 0; r < count; ++r) total[r] = int_zero();
    for (uint32_t line = 0; line < row_bytes; line += kLineBytes) {
        for (uint32_t part = 0; part < kLineBytes; part += kNibbleBytes) {
            const int8_t* low = values + 2 * line + part;
            for (int r = 0; r < count; ++r) {
                total[r] = nibble_dot(total[r], rows[r] + line + part, low, low + kLineBytes);
            }
        }
    }
    int32_t dots[count];
    if (count == 4) {
        int_sum_four(total, dots);
    } else {
        for (int r = 0; r < count; ++r) dots[r] = int_sum(total[r]);
    }
    for (int r = 0; r < count; ++r) {
        float factors[2];
        memcpy(factors, rows[r] + row_bytes - kFactorBytes, sizeof factors);
        const float dot = rounded(rounded((float)dots[r] - query->center) * rounded(query->factor * factors[0]));
        const float distance = (metric == METRIC_L2 ? rounded(query->base + factors[1]) : query->base) - dot;
        out[r] = metric == METRIC_L2 && distance <= 0 ? 0 : distance;  // NaN stays, and is farthest
    }
}

template <Metric metric>
void score_code4(const PreparedQuery* query, const RowPages* pages, const uint32_t* rows, uint32_t n, float* out) {
    const uint32_t row_bytes = pages->stride;
    constexpr uint32_t kAtOnce = 64;
    const uint8_t* address[kAtOnce];
    for (uint32_t start = 0; start < n; start += kAtOnce) {
        const uint32_t count = n - start < kAtOnce ? n - start : kAtOnce;
        for (uint32_t r = 0; r < count; ++r) {
            address[r] = row_address(pages, rows[start + r]);
            for (uint32_t line = 0; line < row_bytes; line += kLineBytes) __builtin_prefetch(address[r] + line);
        }
        uint32_t r = 0;
        for (; r + 4 <= count; r += 4) {
            score_code4_together<metric, 4>(query, row_bytes, address + r, out + start + r);
        }
        for (; r < count; ++r) score_code4_together<metric, 1>(query, row_bytes, address + r, out + start + r);
    }
}

// Numbers that a line has room for; the low halves of its bytes come first.
inline uint32_t nibbles_of_line(uint32_t line, uint32_t lines) {
    return line + 1 == lines ? kLastLineNibbles : kLineNibbles;
}

// To the nearest whole number, for numbers of 0 to 15: where the last bit of a float is one, nothing else is left.
inline Vec nearest(Vec v) { return (v + broadcast(12582912.0f)) - broadcast(12582912.0f); }

// By Newton's method from a guess on the exponent's bits: a library's function would be a symbol from outside.
inline float square_root(float x) {
    if (!(x > 0 && x < __builtin_inff())) return x > 0 ? x : 0;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits >> 1) + 0x1fc00000;
    float root;
    memcpy(&root, &bits, sizeof root);
    for (int round = 0; round < 4; ++round) root = 0.5f * (root + x / root);
    return root;
}

void encode_code4(const float* values, uint32_t lines, float norm, uint8_t* row) {
    const uint32_t width = kLineNibbles * lines - 2 * kFactorBytes;
    float squares = squared_norm(values, width);
    const float deviation = square_root(squares / (float)width);
    const Vec zero = broadcast(0), top = broadcast(15), middle = broadcast(kCodeMiddle);
    float best = -1, best_scale = 0, best_dot = 0;
    // The step between two codes is the one whose codes point most nearly where the row points.
    for (float clip = 2.0f; squares > 0 && clip < 3.4f; clip += 0.2f) {
        const float scale = clip * deviation / kCodeMiddle;
        if (!(scale > 1e-30f)) break;
        const Vec inverse = broadcast(1 / scale);
        Vec dots = zero, norms = zero;
        for (uint32_t i = 0; i < width; i += kLanes) {
            const Vec value = load(values + i);
            const Vec code = nearest(bounded(multiply_add(value, inverse, middle), zero, top)) - middle;
            dots = multiply_add(value, code, dots);
            norms = multiply_add(code, code, norms);
        }
        const float dot = sum(dots), cosine = dot / square_root(sum(norms));
        if (cosine > best) {
            best = cosine;
            best_scale = scale;
            best_dot = dot;
        }
    }
    const Vec inverse = broadcast(best > 0 ? 1 / best_scale : 0);
    const float* next = values;
    for (uint32_t line = 0; line < lines; ++line) {
        const uint32_t half = nibbles_of_line(line, lines) / 2;
        uint8_t* bytes = row + line * kLineBytes;
        int32_t codes[kLineNibbles];
        for (uint32_t i = 0; i < 2 * half; i += kLanes) {
            store_rounded(bounded(multiply_add(load(next + i), inverse, middle), zero, top), codes + i);
        }
        for (uint32_t i = 0; i < half; ++i) bytes[i] = (uint8_t)(codes[i] | codes[half + i] << 4);
        next += 2 * half;
    }
    const float factors[2] = {best > 0 ? squares / best_dot : 0, norm};
    memcpy(row + lines * kLineBytes - kFactorBytes, factors, sizeof factors);
}

// Rounds `width` numbers to -127 .. 127 times the scale that it returns, and lays them out as the halves of a row's
// bytes lie; `sum` of them.
float prepare_code4(const float* x, uint32_t lines, int8_t* values, int32_t* sum) {
    const uint32_t width = kLineNibbles * lines - 2 * kFactorBytes;
    const Vec zero = broadcast(0), infinite = broadcast(__builtin_inff());
    Vec greatest = zero;
    for (uint32_t i = 0; i < width; i += kLanes) {
        const Vec v = load(x + i);
        greatest = bounded(greatest, bounded(v, zero - v, infinite), infinite);
    }
    float lanes[kLanes], most = 0;
    store(lanes, greatest);
    for (uint32_t i = 0; i < kLanes; ++i) most = lanes[i] > most ? lanes[i] : most;
    const bool is_zero = !(most >= 0x1p-100f && most < 0x1p100f);
    const Vec inverse = broadcast(is_zero ? 0.0f : 127.0f / most), top = broadcast(127), bottom = broadcast(-127);
    int32_t total = 0;
    for (uint32_t line = 0; line < lines; ++line, values += kLineNibbles) {
        const uint32_t half = nibbles_of_line(line, lines) / 2;
        for (uint32_t side = 0; side < 2; ++side, x += half) {
            int8_t* out = values + side * kLineBytes;
            memset(out + kLineBytes - kFactorBytes, 0, kFactorBytes);
            uint32_t i = 0;
            for (; i + kLanes <= half; i += kLanes) {
                int32_t rounded[kLanes];
                store_rounded(bounded(load(x + i) * inverse, bottom, top), rounded);
                for (uint32_t lane = 0; lane < kLanes; ++lane) {
                    out[i + lane] = (int8_t)rounded[lane];
                    total += rounded[lane];
                }
            }
            if (i < half) {
                int32_t rounded[kLanes];
                store_rounded(bounded(load_part(x + i, half - i) * inverse, bottom, top), rounded);
                for (uint32_t lane = 0; lane < half - i; ++lane) {
                    out[i + lane] = (int8_t)rounded[lane];
                    total += rounded[lane];
                }
            }
        }
    }
    *sum = total;
    return is_zero ? 0.0f : most / 127.0f;
}

template <int vectors>
inline void project_columns(const float* x, const float* matrix, uint32_t dimension, uint32_t width, float* out) {
    Vec total[vectors];
    for (int v = 0; v < vectors; ++v) total[v] = broadcast(0);
    for (uint32_t i = 0; i < dimension; ++i, matrix += width) {
        const Vec element = broadcast(x[i]);
        for (int v = 0; v < vectors; ++v) total[v] = multiply_add(element, load(matrix + v * kLanes), total[v]);
    }
    for (int v = 0; v < vectors; ++v) store(out + v * kLanes, total[v]);
}

// As many columns as registers hold sums at once; the rest of them by the same code made for their number.
template <int vectors>
inline void project_rest(const float* x, const float* matrix, uint32_t dimension, uint32_t width, uint32_t column,
                         float* out) {
    if (width - column == vectors * kLanes) {
        project_columns<vectors>(x, matrix + column, dimension, width, out + column);
    } else if constexpr (vectors > 1) {
        project_rest<vectors - 1>(x, matrix, dimension, width, column, out);
    }
}

void project(const float* x, const float* matrix, uint32_t dimension, uint32_t width, float* out) {
    constexpr int kVectors = kLanes == 16 ? 16 : 8;
    uint32_t column = 0;
    for (; column + kVectors * kLanes <= width; column += kVectors * kLanes) {
        project_columns<kVectors>(x, matrix + column, dimension, width, out + column);
    }
    if (column < width) project_rest<kVectors - 1>(x, matrix, dimension, width, column, out);
}

}  // namespace
}  // namespace vecdb
