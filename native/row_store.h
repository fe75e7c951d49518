// The vectors of one index: how each row is coded and where it lies.
#pragma once
#include <stdint.h>

#include <stdexcept>
#include <vector>

#include "code4.h"
#include "kernels.h"
#include "paged.h"

namespace vecdb {

// Rows of one type behind pages that somebody else owns (mapped files, arrays) and keeps alive. Pages are only ever
// added.
class RowStore {
  public:
    // `code4` is for rows of that type, and outlives the store.
    RowStore(RowType row_type, Metric metric, uint32_t dimension, uint32_t stride, uint32_t page_shift,
             const Code4* code4 = nullptr)
        : row_type_(row_type),
          metric_(metric),
          dimension_(dimension),
          stride_(stride),
          code4_(code4),
          table_(page_shift) {
        if (vecdb::kernels() == nullptr) throw std::runtime_error("no kernels for the instruction set VECDB_ISA names");
    }

    RowType row_type() const { return row_type_; }
    Metric metric() const { return metric_; }
    uint32_t dimension() const { return dimension_; }
    uint32_t stride() const { return stride_; }
    const Code4* code4() const { return code4_; }
    const Kernels& kernels() const { return *vecdb::kernels(); }

    // `page` holds (1 << page_shift) rows and outlives the store; the last one may hold fewer.
    void add_page(const uint8_t* page) { table_.append(const_cast<uint8_t*>(page)); }
    void add_last_page(const uint8_t* page, uint32_t rows) {
        missing_rows_ = table_.page_rows() - rows;
        table_.append(const_cast<uint8_t*>(page));
    }
    uint64_t row_bound() const { return table_.row_bound() - missing_rows_; }
    RowPages pages() const { return RowPages{table_.raw(), table_.page_shift(), stride_}; }
    const uint8_t* row(uint32_t row) const {
        return table_.page_of(row) + static_cast<size_t>(table_.offset_of(row)) * stride_;
    }

    // Of a row as it is stored.
    float squared_norm(uint32_t number) const {
        if (row_type_ == ROW_CODE4) return code4_->squared_norm(row(number));
        std::vector<float> scratch(dimension_);
        return kernels().squared_norm(floats(number, scratch.data()), dimension_);
    }

    // The numbers of a row of any type but code4: in place where they are float32, else decoded into `scratch`, which
    // has room for `dimension`.
    const float* floats(uint32_t number, float* scratch) const {
        if (row_type_ == ROW_FLOAT32) return reinterpret_cast<const float*>(row(number));
        kernels().decode[row_type_](row(number), dimension_, scratch);
        return scratch;
    }

  private:
    RowType row_type_;
    Metric metric_;
    uint32_t dimension_;
    uint32_t stride_;
    const Code4* code4_;
    PageTable table_;
    uint32_t missing_rows_ = 0;  // of the last page
};

}  // namespace vecdb
