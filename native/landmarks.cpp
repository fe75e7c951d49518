#include "landmarks.h"

#include <string.h>

#include <algorithm>

#include "ordered.h"

namespace vecdb {

Landmarks::Landmarks(const RowStore& store, std::vector<uint32_t> rows)
    : code4_(store.code4()),
      score_(store.kernels().score[ROW_CODE4][store.metric()]),
      row_bytes_(store.stride()),
      rows_(std::move(rows)),
      codes_(rows_.size() * row_bytes_) {
    for (size_t i = 0; i < rows_.size(); ++i) memcpy(codes_.data() + i * row_bytes_, store.row(rows_[i]), row_bytes_);
}

uint64_t Landmarks::nearest(const Scorer& scorer) const {
    uint32_t places[COUNT_MAXIMUM] = {};
    float distances[COUNT_MAXIMUM];
    const uint32_t count = static_cast<uint32_t>(rows_.size());
    for (uint32_t i = 0; i < count; ++i) places[i] = i;
    const uint8_t* page = codes_.data();
    const RowPages pages{&page, 31, row_bytes_};
    score_(&scorer.prepared(), &pages, places, count, distances);
    uint64_t best = ~0ull;
    for (uint32_t i = 0; i < count; ++i) best = std::min(best, pack_key(distances[i], rows_[i]));
    return best;
}

}  // namespace vecdb
