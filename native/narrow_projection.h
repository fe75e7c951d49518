// A query's projection by whole numbers of eight bits: a quarter of the matrix to read, and no less exact than the
// rounding to eight bits that follows it.
#pragma once
#include <stdint.h>

#include <vector>

#include "kernels.h"

namespace vecdb {

// What a NarrowProjection points to.
class NarrowMatrix {
  public:
    // `matrix`: dimension rows of `width` floats. `mean` has to outlive this.
    NarrowMatrix(const float* matrix, const float* mean, uint32_t dimension, uint32_t width);
    const NarrowProjection& projection() const { return projection_; }

  private:
    std::vector<int8_t> numbers_;
    std::vector<float> scales_;
    std::vector<int32_t> sums_;
    NarrowProjection projection_;
};

}  // namespace vecdb
