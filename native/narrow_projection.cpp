#include "narrow_projection.h"

#include <algorithm>
#include <cmath>

namespace vecdb {

namespace {

constexpr float GREATEST = 127;

}  // namespace

NarrowMatrix::NarrowMatrix(const float* matrix, const float* mean, uint32_t dimension, uint32_t width)
    : scales_(width), sums_(width) {
    const uint32_t group = kernels()->narrow_group;
    numbers_.resize(size_t{(dimension + group - 1) / group} * group * width);
    std::vector<float> most(width);
    for (size_t i = 0; i < size_t{dimension} * width; ++i)
        most[i % width] = std::max(most[i % width], std::abs(matrix[i]));
    for (uint32_t column = 0; column < width; ++column) scales_[column] = most[column] / GREATEST;
    std::vector<double> squares(width);
    for (uint32_t row = 0; row < dimension; ++row) {
        for (uint32_t column = 0; column < width; ++column) {
            if (scales_[column] == 0) continue;
            const long number = std::lrint(matrix[size_t{row} * width + column] / scales_[column]);
            numbers_[(size_t{row / group} * width + column) * group + row % group] = static_cast<int8_t>(number);
            sums_[column] += static_cast<int32_t>(number);
            squares[column] += static_cast<double>(number * number);
        }
    }
    const double greatest = std::sqrt(*std::max_element(squares.begin(), squares.end()));
    projection_ = {mean, numbers_.data(), scales_.data(), sums_.data(), static_cast<float>(greatest), dimension, width};
}

}  // namespace vecdb
