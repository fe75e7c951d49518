#include "code4.h"

#include <string.h>

#include <algorithm>
#include <stdexcept>

namespace vecdb {

namespace {

constexpr uint32_t LINE_BYTES = CODE4_LINE_BYTES;
constexpr uint32_t FACTOR_BYTES = 8;
constexpr uint32_t WIDTH_MAXIMUM = 128 * CODE4_LINES_MAXIMUM;
constexpr float MIDDLE = 7.5f;

}  // namespace

Code4::Code4(Metric metric, uint32_t dimension, uint32_t lines, const float* matrix, const float* mean)
    : metric_(metric), dimension_(dimension), lines_(lines) {
    if (lines < 1 || lines > CODE4_LINES_MAXIMUM) throw std::invalid_argument("lines: expected 1 to 8");
    matrix_.assign(matrix, matrix + size_t{dimension} * width());
    mean_.assign(mean, mean + dimension);
    projected_mean_.resize(width());
    vecdb::kernels()->project(mean_.data(), matrix_.data(), dimension, width(), projected_mean_.data());
    narrow_ = std::make_unique<NarrowMatrix>(matrix_.data(), mean_.data(), dimension, width());
    mask_.assign(value_bytes(), -1);
    for (uint32_t half = 1; half <= 2; ++half) {
        int8_t* end = mask_.data() + value_bytes() - (2 - half) * LINE_BYTES;
        std::fill(end - FACTOR_BYTES, end, int8_t{0});
    }
}

// Fills `projected` with P (vector - mean) and returns |vector - mean|^2.
float Code4::project(const float* vector, float* projected) const {
    const Kernels& kernels = *vecdb::kernels();
    kernels.project(vector, matrix_.data(), dimension_, width(), projected);
    for (uint32_t i = 0; i < width(); ++i) projected[i] -= projected_mean_[i];
    const uint8_t* page = reinterpret_cast<const uint8_t*>(mean_.data());
    const RowPages pages{&page, 0, dimension_ * static_cast<uint32_t>(sizeof(float))};
    PreparedQuery query{};
    query.data = vector;
    query.dimension = dimension_;
    const uint32_t row = 0;
    float distance;
    kernels.score[ROW_FLOAT32][METRIC_L2](&query, &pages, &row, 1, &distance);
    return distance;
}

void Code4::encode(const float* vector, uint8_t* row) const {
    float projected[WIDTH_MAXIMUM];
    const float norm = project(vector, projected);
    vecdb::kernels()->encode_code4(projected, lines_, norm, row);
}

void Code4::prepare(const float* vector, int8_t* values, PreparedQuery* out) const {
    float projected[WIDTH_MAXIMUM];
    const float norm = vecdb::kernels()->project_narrow(&narrow_->projection(), vector, projected);
    out->scale = vecdb::kernels()->prepare_code4(projected, lines_, values, &out->sum);
    out->data = values;
    out->dimension = width();
    out->center = MIDDLE * static_cast<float>(out->sum);
    out->factor = metric_ == METRIC_L2 ? 2 * out->scale : out->scale;
    out->base = metric_ == METRIC_L2 ? norm : 0;
}

void Code4::prepare_row(const uint8_t* row, int8_t* values, PreparedQuery* out) const {
    int32_t sum = 0;
    for (uint32_t line = 0; line < lines_; ++line) {
        const uint8_t* bytes = row + line * LINE_BYTES;
        int8_t* low = values + 2 * line * LINE_BYTES;
        const int8_t* mask = mask_.data() + 2 * line * LINE_BYTES;
        // 2 (number - 7.5): whole numbers.
        for (uint32_t i = 0; i < LINE_BYTES; ++i) {
            low[i] = static_cast<int8_t>((2 * (bytes[i] & 15) - 15) & mask[i]);
            low[LINE_BYTES + i] = static_cast<int8_t>((2 * (bytes[i] >> 4) - 15) & mask[LINE_BYTES + i]);
        }
    }
    for (uint32_t i = 0; i < value_bytes(); ++i) sum += values[i];
    float factors[2];
    memcpy(factors, row + row_bytes() - FACTOR_BYTES, sizeof factors);
    out->data = values;
    out->dimension = width();
    out->center = MIDDLE * static_cast<float>(sum);
    out->factor = metric_ == METRIC_L2 ? factors[0] : factors[0] / 2;
    out->base = metric_ == METRIC_L2 ? factors[1] : 0;
}

float Code4::squared_norm(const uint8_t* row) const {
    float norm;
    memcpy(&norm, row + row_bytes() - sizeof norm, sizeof norm);
    return norm;
}

}  // namespace vecdb
