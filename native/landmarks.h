// A few rows of a graph, with copies of their codes side by side: a search begins at the nearest of them.
#pragma once
#include <stdint.h>

#include <vector>

#include "row_store.h"
#include "scorer.h"

namespace vecdb {

class Landmarks {
  public:
    static constexpr uint32_t COUNT_MAXIMUM = 128;

    // At most COUNT_MAXIMUM `rows` of a store of code4.
    Landmarks(const RowStore& store, std::vector<uint32_t> rows);

    // Whether a scorer's query is made for the codes held here.
    bool suit(const Scorer& scorer) const { return scorer.store().code4() == code4_; }
    // The key of the nearest row.
    uint64_t nearest(const Scorer& scorer) const;
    const std::vector<uint32_t>& rows() const { return rows_; }

  private:
    const Code4* code4_;
    ScoreRows score_;
    uint32_t row_bytes_;
    std::vector<uint32_t> rows_;
    std::vector<uint8_t> codes_;
};

}  // namespace vecdb
