// Some pairs of an ordered map, packed: one block of memory that never changes, shared by the versions of the map.
#pragma once
#include <stdint.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vecdb {

struct Pair {
    std::string_view key, value;
};

// Pairs in the order of their keys, for one thread at a time. What all keys begin with is there once; of each pair the
// rest of its key and its value follow, both behind their sizes; every STRIDE-th pair can be found without reading
// those before it.
class PairLeaf {
  public:
    // Pairs ascending, at least one.
    PairLeaf(const Pair* pairs, size_t count);
    PairLeaf(const PairLeaf& other) : block_(other.block_) { ++block_->uses; }
    PairLeaf& operator=(PairLeaf other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~PairLeaf();

    size_t count() const { return block_->count; }
    uint64_t memory_bytes() const { return block_->bytes; }
    bool find(std::string_view key, std::string_view* value) const;
    // Whether the first key is above `key`.
    bool begins_above(std::string_view key) const;
    // All pairs, whose keys are put together in `keys`; views of both stay valid while the leaf and `keys` do.
    void read(std::string* keys, std::vector<Pair>* pairs) const;

  private:
    static constexpr size_t STRIDE = 8;
    // Followed by the place of every STRIDE-th pair, the common prefix, the pairs.
    struct Block {
        uint32_t uses, count, prefix_bytes, bytes;
    };

    const uint32_t* places() const { return reinterpret_cast<const uint32_t*>(block_ + 1); }
    std::string_view prefix() const;
    // The pair at `place`, with the rest of its key; moves `place` to the next.
    Pair pair_at(uint32_t* place) const;

    Block* block_;
};

}  // namespace vecdb
