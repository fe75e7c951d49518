// Dense blocks of dot products for batches at one level, and the choice of what passes a bound. Included by
// kernels_body.h.

namespace vecdb {
namespace {

constexpr uint32_t kPanelQueries = kLanes * kPanelVectors;

void panel_dot(const float* queries, const float* const* rows, uint32_t dimension, float* out) {
    const float* row[kPanelRows];
    Vec total[kPanelRows][kPanelVectors];
    for (int r = 0; r < kPanelRows; ++r) {
        row[r] = rows[r];
        for (int v = 0; v < kPanelVectors; ++v) total[r][v] = broadcast(0);
    }
    for (uint32_t i = 0; i < dimension; ++i, queries += kPanelQueries) {
        Vec query[kPanelVectors];
        for (int v = 0; v < kPanelVectors; ++v) query[v] = load(queries + v * kLanes);
        for (int r = 0; r < kPanelRows; ++r) {
            Vec element = broadcast(row[r][i]);
            for (int v = 0; v < kPanelVectors; ++v) total[r][v] = multiply_add(element, query[v], total[r][v]);
        }
    }
    for (int r = 0; r < kPanelRows; ++r) {
        for (int v = 0; v < kPanelVectors; ++v) store(out + (r * kPanelVectors + v) * kLanes, total[r][v]);
    }
}

uint32_t select_below(const float* values, const float* bounds, uint32_t n, uint32_t* hits) {
    constexpr uint32_t kBlock = 64;
    uint32_t found = 0, i = 0;
    for (; i + kBlock <= n; i += kBlock) {
        uint64_t passing = 0;
        for (uint32_t j = 0; j < kBlock; j += kLanes) {
            passing |= (uint64_t)less_equal(load(values + i + j), load(bounds + i + j)) << j;
        }
        for (; passing; passing &= passing - 1) hits[found++] = i + (uint32_t)__builtin_ctzll(passing);
    }
    for (; i < n; ++i) {
        if (values[i] <= bounds[i]) hits[found++] = i;
    }
    return found;
}

}  // namespace
}  // namespace vecdb
