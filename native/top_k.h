// The k nearest of a stream of (distance, row) pairs.
#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include "ordered.h"

namespace vecdb {

// Keeps the k smallest keys in a max-heap. Ties are broken by row number, so the result does not depend on the order of
// arrival.
class TopK {
  public:
    explicit TopK(uint32_t k = 0) { reset(k); }

    void reset(uint32_t k) {
        k_ = k;
        heap_.clear();
        bound_ = std::numeric_limits<float>::infinity();
    }

    // A distance above this can no longer enter.
    float bound() const { return bound_; }
    size_t size() const { return heap_.size(); }

    void push(float distance, uint32_t row) {
        const uint64_t key = pack_key(distance, row);
        if (heap_.size() < k_) {
            heap_.push_back(key);
            std::push_heap(heap_.begin(), heap_.end());
        } else if (k_ != 0 && key < heap_.front()) {
            std::pop_heap(heap_.begin(), heap_.end());
            heap_.back() = key;
            std::push_heap(heap_.begin(), heap_.end());
        } else {
            return;
        }
        if (heap_.size() == k_) bound_ = key_distance(heap_.front());
    }

    // Nearest first; empties the heap's order, so it is called once at the end.
    const std::vector<uint64_t>& sorted() {
        std::sort_heap(heap_.begin(), heap_.end());
        return heap_;
    }

  private:
    uint32_t k_ = 0;
    float bound_ = 0;
    std::vector<uint64_t> heap_;
};

}  // namespace vecdb
