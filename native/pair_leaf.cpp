#include "pair_leaf.h"

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <new>

namespace vecdb {

namespace {

// Seven bits a byte, the lowest first; the highest bit says that more follow.
constexpr uint32_t MORE = 128;

size_t size_bytes(size_t size) {
    size_t bytes = 1;
    while (size >= MORE) {
        size /= MORE;
        ++bytes;
    }
    return bytes;
}

uint8_t* put_size(uint8_t* out, size_t size) {
    while (size >= MORE) {
        *out++ = static_cast<uint8_t>(size % MORE + MORE);
        size /= MORE;
    }
    *out++ = static_cast<uint8_t>(size);
    return out;
}

inline size_t take_size(const uint8_t** in) {
    size_t size = *(*in)++;
    if (size < MORE) return size;
    size -= MORE;
    for (uint32_t shift = 7;; shift += 7) {
        const size_t byte = *(*in)++;
        size += (byte % MORE) << shift;
        if (byte < MORE) return size;
    }
}

uint8_t* put(uint8_t* out, std::string_view bytes) {
    if (!bytes.empty()) memcpy(out, bytes.data(), bytes.size());
    return out + bytes.size();
}

}  // namespace

PairLeaf::PairLeaf(const Pair* pairs, size_t count) {
    // Ascending keys share what the first and the last share.
    const std::string_view first = pairs[0].key, last = pairs[count - 1].key;
    const size_t prefix =
        std::mismatch(first.begin(), first.begin() + std::min(first.size(), last.size()), last.begin()).first -
        first.begin();
    const size_t place_count = (count + STRIDE - 1) / STRIDE;
    size_t bytes = sizeof(Block) + place_count * sizeof(uint32_t) + prefix;
    for (size_t i = 0; i < count; ++i) {
        const size_t rest = pairs[i].key.size() - prefix, value = pairs[i].value.size();
        bytes += size_bytes(rest) + rest + size_bytes(value) + value;
    }
    if (bytes > UINT32_MAX) throw std::bad_alloc();
    block_ = static_cast<Block*>(malloc(bytes));
    if (block_ == nullptr) throw std::bad_alloc();
    *block_ = Block{1, static_cast<uint32_t>(count), static_cast<uint32_t>(prefix), static_cast<uint32_t>(bytes)};
    uint32_t* places = reinterpret_cast<uint32_t*>(block_ + 1);
    uint8_t* const start = reinterpret_cast<uint8_t*>(block_);
    uint8_t* out = put(reinterpret_cast<uint8_t*>(places + place_count), first.substr(0, prefix));
    for (size_t i = 0; i < count; ++i) {
        if (i % STRIDE == 0) places[i / STRIDE] = static_cast<uint32_t>(out - start);
        const std::string_view rest = pairs[i].key.substr(prefix);
        out = put(put_size(out, rest.size()), rest);
        out = put(put_size(out, pairs[i].value.size()), pairs[i].value);
    }
}

PairLeaf::~PairLeaf() {
    if (--block_->uses == 0) free(block_);
}

std::string_view PairLeaf::prefix() const {
    const size_t place_count = (block_->count + STRIDE - 1) / STRIDE;
    return {reinterpret_cast<const char*>(places() + place_count), block_->prefix_bytes};
}

Pair PairLeaf::pair_at(uint32_t* place) const {
    const uint8_t* const start = reinterpret_cast<const uint8_t*>(block_);
    const uint8_t* in = start + *place;
    const size_t rest_bytes = take_size(&in);
    const std::string_view rest(reinterpret_cast<const char*>(in), rest_bytes);
    in += rest_bytes;
    const size_t value_bytes = take_size(&in);
    *place = static_cast<uint32_t>(in - start + value_bytes);
    return {rest, {reinterpret_cast<const char*>(in), value_bytes}};
}

bool PairLeaf::find(std::string_view key, std::string_view* value) const {
    const std::string_view common = prefix();
    if (key.substr(0, common.size()) != common) return false;
    const std::string_view rest = key.substr(common.size());
    // The last stretch of STRIDE pairs that does not begin above the key.
    size_t low = 0, high = (block_->count + STRIDE - 1) / STRIDE;
    while (low + 1 < high) {
        const size_t middle = (low + high) / 2;
        uint32_t place = places()[middle];
        (pair_at(&place).key <= rest ? low : high) = middle;
    }
    uint32_t place = places()[low];
    for (size_t i = low * STRIDE; i < std::min<size_t>((low + 1) * STRIDE, block_->count); ++i) {
        const Pair pair = pair_at(&place);
        if (pair.key != rest) continue;
        *value = pair.value;
        return true;
    }
    return false;
}

bool PairLeaf::begins_above(std::string_view key) const {
    const std::string_view common = prefix();
    const int order = key.substr(0, common.size()).compare(common);
    if (order != 0) return order < 0;
    uint32_t place = places()[0];
    return pair_at(&place).key > key.substr(common.size());
}

void PairLeaf::read(std::string* keys, std::vector<Pair>* pairs) const {
    const std::string_view common = prefix();
    // A pair has two bytes at least beside the rest of its key: the keys are smaller than this, and never moved.
    keys->clear();
    keys->reserve(block_->bytes + block_->count * common.size());
    pairs->clear();
    uint32_t place = places()[0];
    for (size_t i = 0; i < block_->count; ++i) {
        const Pair pair = pair_at(&place);
        const size_t begin = keys->size();
        keys->append(common).append(pair.key);
        pairs->push_back({std::string_view(*keys).substr(begin), pair.value});
    }
}

}  // namespace vecdb
