// A query made ready, then applied to rows by number: the one joint between structures and codecs.
#pragma once
#include <stdint.h>

#include <stdexcept>
#include <vector>

#include "kernels.h"
#include "row_store.h"

namespace vecdb {

// Scores rows of one store for one query at a time; owns the scratch a prepared query needs. Not shared between
// threads.
class Scorer {
  public:
    explicit Scorer(const RowStore& store)
        : store_(store), kernels_(store.kernels()), score_(kernels_.score[store.row_type()][store.metric()]) {
        query_.dimension = store.dimension();
        query_.scale = query_.norm = 0;
        query_.sum = 0;
        query_.data = nullptr;
    }

    // `vector` has store.dimension() floats and must outlive the scoring (float rows read it in place).
    void prepare(const float* vector) {
        if (store_.row_type() == ROW_CODE4) {
            codes_.resize(store_.code4()->value_bytes());
            store_.code4()->prepare(vector, codes_.data(), &query_);
        } else if (store_.row_type() == ROW_INT8) {
            codes_.resize(store_.dimension());
            kernels_.prepare_int8(vector, store_.dimension(), codes_.data(), &query_);
            query_.data = codes_.data();
        } else {
            query_.data = vector;
        }
    }

    // Makes a stored row the query.
    void prepare_row(uint32_t row) {
        if (store_.row_type() == ROW_CODE4) {
            codes_.resize(store_.code4()->value_bytes());
            store_.code4()->prepare_row(store_.row(row), codes_.data(), &query_);
            return;
        }
        if (store_.row_type() != ROW_FLOAT32) decoded_.resize(store_.dimension());
        prepare(store_.floats(row, decoded_.data()));
    }

    // out[i] = distance to rows[i]; lower is nearer.
    void score(const uint32_t* rows, uint32_t count, float* out) const {
        const RowPages pages = store_.pages();
        score_(&query_, &pages, rows, count, out);
    }

    const RowStore& store() const { return store_; }
    const PreparedQuery& prepared() const { return query_; }

    float score_one(uint32_t row) const {
        float distance;
        score(&row, 1, &distance);
        return distance;
    }

  private:
    const RowStore& store_;
    const Kernels& kernels_;
    ScoreRows score_;
    PreparedQuery query_;
    std::vector<int8_t> codes_;
    std::vector<float> decoded_;
};

}  // namespace vecdb
