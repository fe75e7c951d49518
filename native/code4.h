// Code4: vectors as four-bit numbers after a projection, for walking a graph; the rows found are scored again exactly.
//
// A vector x becomes y = P (x - mean), P having orthonormal rows: the directions in which the data differs most
// (LeanVec, Tepper et al. 2023, section 2), turned at random so that every number of y carries as much. y is stored as
// numbers 0 .. 15, v = number - 7.5, with the factor f = |y|^2 / <y, v> that makes f <q, v> an unbiased <q, y> (as in
// RaBitQ, Gao & Long 2024) and with |x - mean|^2. The dot product of a query and a row is then about that of the
// projections, and
//   squared L2 = |q - mean|^2 + |x - mean|^2 - 2 <P (q - mean), y>
// which leaves out only what both have outside of the projection.
//
// A row is `lines` of 64 bytes, 128 numbers a line but 112 in the last, whose last 8 bytes are f and the squared norm.
// The low halves of a line's bytes hold its first numbers, the high halves the others.
#pragma once
#include <stdint.h>

#include <memory>
#include <vector>

#include "kernels.h"
#include "narrow_projection.h"

namespace vecdb {

class Code4 {
  public:
    // `matrix` is P transposed: dimension rows of width() numbers. `mean` has `dimension` numbers; zeros for the dot
    // product, whose projections are not centred. Throws invalid_argument.
    Code4(Metric metric, uint32_t dimension, uint32_t lines, const float* matrix, const float* mean);

    uint32_t dimension() const { return dimension_; }
    uint32_t lines() const { return lines_; }
    uint32_t width() const { return 128 * lines_ - 16; }
    uint32_t row_bytes() const { return CODE4_LINE_BYTES * lines_; }
    uint32_t value_bytes() const { return 2 * row_bytes(); }

    void encode(const float* vector, uint8_t* row) const;
    // Makes a vector, or a stored row, the query; `values` has value_bytes() and is what out->data points to.
    void prepare(const float* vector, int8_t* values, PreparedQuery* out) const;
    void prepare_row(const uint8_t* row, int8_t* values, PreparedQuery* out) const;

    // |x - mean|^2 of a row.
    float squared_norm(const uint8_t* row) const;

  private:
    float project(const float* vector, float* projected) const;

    Metric metric_;
    uint32_t dimension_, lines_;
    std::vector<float> matrix_, mean_, projected_mean_;
    std::unique_ptr<const NarrowMatrix> narrow_;  // for queries
    std::vector<int8_t> mask_;  // of a prepared row's values: -1 for a number, 0 where the factors lie
};

}  // namespace vecdb
