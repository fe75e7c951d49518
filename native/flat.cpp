#include "flat.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace vecdb {

namespace {

constexpr uint32_t SCAN_BATCH = 256;     // rows a kernel call scores
constexpr uint32_t BLOCK_ROWS = 64;      // rows kept in the second-level cache while panels of queries pass over them
constexpr uint32_t PANELS_PER_TASK = 4;  // panels of queries that share one pass over the rows
constexpr uint32_t BATCH_QUERIES_MINIMUM = 4;

void offer(const Scorer& scorer, const uint32_t* rows, uint32_t count, TopK* best) {
    float distances[SCAN_BATCH];
    scorer.score(rows, count, distances);
    float bound = best->bound();
    for (uint32_t i = 0; i < count; ++i) {
        if (!(distances[i] > bound)) {
            best->push(distances[i], rows[i]);
            bound = best->bound();
        }
    }
}

// One task of scan_batch: a few panels of queries over all rows.
class PanelScan {
  public:
    PanelScan(const RowStore& store, const float* queries, uint32_t count, TopK* best)
        : store_(store),
          kernels_(store.kernels()),
          count_(count),
          width_(kernels_.panel_queries),
          panels_((count + width_ - 1) / width_),
          best_(best),
          packed_(static_cast<size_t>(panels_) * width_ * store.dimension()),
          query_norms_(static_cast<size_t>(panels_) * width_, 0.0f),
          bounds_(static_cast<size_t>(panels_) * width_, -INFINITY),
          dots_(static_cast<size_t>(kernels_.panel_rows) * width_),
          values_(width_),
          hits_(width_) {
        const uint32_t dimension = store.dimension();
        const float factor = store.metric() == METRIC_L2 ? -2.0f : -1.0f;
        scorers_.reserve(count);
        for (uint32_t q = 0; q < count; ++q) {
            const float* query = queries + static_cast<size_t>(q) * dimension;
            float* out = &packed_[static_cast<size_t>(q / width_) * width_ * dimension + q % width_];
            for (uint32_t j = 0; j < dimension; ++j) out[static_cast<size_t>(j) * width_] = factor * query[j];
            query_norms_[q] = kernels_.squared_norm(query, dimension);
            scorers_.emplace_back(store);
            scorers_.back().prepare(query);
            bounds_[q] = INFINITY;
            largest_query_norm_ = std::max(largest_query_norm_, query_norms_[q]);
        }
    }

    void block(const uint32_t* rows, uint32_t count) {
        decode(rows, count);
        float largest = 0;
        for (uint32_t r = 0; r < count; ++r) {
            row_norms_[r] = kernels_.squared_norm(pointers_[r], store_.dimension());
            largest = std::max(largest, row_norms_[r]);
        }
        if (!std::isfinite(largest + largest_query_norm_)) return score_all(rows, count);
        widen_bounds(largest);
        for (uint32_t panel = 0; panel < panels_; ++panel) {
            for (uint32_t first = 0; first < count; first += kernels_.panel_rows) {
                const uint32_t height = std::min(kernels_.panel_rows, count - first);
                const float* group[BLOCK_ROWS];
                for (uint32_t r = 0; r < kernels_.panel_rows; ++r)
                    group[r] = pointers_[first + std::min(r, height - 1)];
                kernels_.panel_dot(&packed_[static_cast<size_t>(panel) * width_ * store_.dimension()], group,
                                   store_.dimension(), dots_.data());
                for (uint32_t r = 0; r < height; ++r) confirm(panel, rows[first + r], row_norms_[first + r], r);
            }
        }
    }

  private:
    // Rows as float32 pointers: in place where they are float32, decoded into scratch otherwise.
    void decode(const uint32_t* rows, uint32_t count) {
        const size_t apart = store_.row_type() == ROW_FLOAT32 ? 0 : store_.dimension();
        scratch_.resize(BLOCK_ROWS * apart);
        for (uint32_t r = 0; r < count; ++r) pointers_[r] = store_.floats(rows[r], scratch_.data() + r * apart);
    }

    // Scores exactly the queries whose estimate for this row is within reach of their bound.
    void confirm(uint32_t panel, uint32_t row, float row_norm, uint32_t r) {
        const float* estimates = &dots_[static_cast<size_t>(r) * width_];
        if (store_.metric() == METRIC_L2) {
            for (uint32_t q = 0; q < width_; ++q) values_[q] = estimates[q] + row_norm;
            estimates = values_.data();
        }
        const float* bounds = &bounds_[static_cast<size_t>(panel) * width_];
        const uint32_t hits = kernels_.select_below(estimates, bounds, width_, hits_.data());
        for (uint32_t h = 0; h < hits; ++h) score(panel * width_ + hits_[h], row);
    }

    void score(uint32_t q, uint32_t row) {
        const float distance = scorers_[q].score_one(row);
        if (distance > best_[q].bound()) return;
        best_[q].push(distance, row);
        bounds_[q] = reach(q);
    }

    // Norms beyond float's range make estimates worthless: every query scores every row.
    void score_all(const uint32_t* rows, uint32_t count) {
        for (uint32_t r = 0; r < count; ++r)
            for (uint32_t q = 0; q < count_; ++q) score(q, rows[r]);
    }

    // The largest estimate that may still belong to a row within the bound: the bound itself, moved by the query's norm
    // (estimates leave it out) and by the rounding of sums of `dimension` products, whose sizes add up to |q||x| at
    // most and whose underflows to `dimension` times the smallest normal float.
    float reach(uint32_t q) const {
        const float bound = best_[q].bound();
        if (!(bound < INFINITY)) return INFINITY;
        const float terms = static_cast<float>(store_.dimension() + 16);
        const float slack =
            4.8e-7f * terms * (query_norms_[q] + seen_norm_) + terms * std::numeric_limits<float>::min();
        return (store_.metric() == METRIC_L2 ? bound - query_norms_[q] : bound) + slack;
    }

    void widen_bounds(float largest_norm) {
        if (largest_norm <= seen_norm_) return;
        seen_norm_ = largest_norm;
        for (uint32_t q = 0; q < count_; ++q) bounds_[q] = reach(q);
    }

    const RowStore& store_;
    const Kernels& kernels_;
    uint32_t count_;
    uint32_t width_;
    uint32_t panels_;
    TopK* best_;
    std::vector<float> packed_, query_norms_, bounds_, dots_, values_, scratch_;
    std::vector<uint32_t> hits_;
    std::vector<Scorer> scorers_;
    const float* pointers_[BLOCK_ROWS];
    float row_norms_[BLOCK_ROWS];
    float seen_norm_ = 0;
    float largest_query_norm_ = 0;
};

}  // namespace

void scan(const Scorer& scorer, const RowMask& mask, Interrupt* interrupt, TopK* best) {
    uint32_t rows[SCAN_BATCH];
    uint32_t count = 0;
    mask.for_each(0, mask.row_bound(), [&](uint32_t row) {
        rows[count++] = row;
        if (count < SCAN_BATCH) return true;
        offer(scorer, rows, count, best);
        count = 0;
        return !(interrupt && interrupt->should_stop());
    });
    if (count) offer(scorer, rows, count, best);
}

void scan_batch(const RowStore& store, const float* queries, uint32_t query_count, const RowMask& mask,
                ThreadPool& pool, Interrupt* interrupt, TopK* best) {
    const size_t dimension = store.dimension();
    if (query_count < BATCH_QUERIES_MINIMUM || store.row_type() == ROW_INT8 || store.row_type() == ROW_CODE4) {
        pool.run(query_count, interrupt, [&](uint32_t q) {
            Scorer scorer(store);
            scorer.prepare(queries + q * dimension);
            scan(scorer, mask, interrupt, &best[q]);
        });
        return;
    }
    const uint32_t width = store.kernels().panel_queries;
    const uint32_t panels = (query_count + width - 1) / width;
    const uint32_t each = std::max(1u, std::min(PANELS_PER_TASK, panels / pool.threads())) * width;
    pool.run((query_count + each - 1) / each, interrupt, [&](uint32_t task) {
        const uint32_t first = task * each;
        PanelScan panel_scan(store, queries + first * dimension, std::min(each, query_count - first), best + first);
        uint32_t rows[BLOCK_ROWS];
        uint32_t count = 0;
        mask.for_each(0, mask.row_bound(), [&](uint32_t row) {
            rows[count++] = row;
            if (count < BLOCK_ROWS) return true;
            panel_scan.block(rows, count);
            count = 0;
            return !(interrupt && interrupt->should_stop());
        });
        if (count) panel_scan.block(rows, count);
    });
}

}  // namespace vecdb
