// How far the distances by codes are from the exact ones, learnt while the first rows of an answer are scored again.
#pragma once
#include <stdint.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace vecdb {

// Of one query. Exact distances less `scale` times those by codes have a mean and a deviation; a row is hardly nearer
// than its codes say by more than DEVIATIONS of these. (RaBitQ, Gao and Long 2024, bounds the errors of its codes in
// theory to the same end; here they are seen, whatever the codes are.)
class CodeErrors {
  public:
    explicit CodeErrors(float scale) : scale_(scale) {}

    // Rows come nearest by codes first. Copies of a row tell no more than one of them.
    void add(float by_codes, float exact) {
        if (count_ > 0 && by_codes == last_) return;
        last_ = by_codes;
        float error = exact - scale_ * by_codes;
        if (count_ == 0) first_ = error;
        error -= first_;  // the mean may be much larger than the deviation, which would be lost in its square
        count_ += 1;
        sum_ += error;
        squares_ += error * error;
    }

    // What the exact distance of a row is hardly below; NaN where distances are beyond float's range.
    float least(float by_codes) const {
        if (count_ < ENOUGH) return -std::numeric_limits<float>::infinity();
        const float mean = sum_ / count_;
        const float variance = std::max(squares_ / count_ - mean * mean, 0.0f);
        return scale_ * by_codes + first_ + mean - DEVIATIONS * std::sqrt(variance);
    }

  private:
    static constexpr float DEVIATIONS = 4, ENOUGH = 8;
    float scale_, last_ = 0, first_ = 0;
    float count_ = 0, sum_ = 0, squares_ = 0;
};

}  // namespace vecdb
