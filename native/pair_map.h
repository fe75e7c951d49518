// An ordered map of bytes to bytes in little memory: packed leaves, which its versions share.
#pragma once
#include <stdint.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pair_leaf.h"

namespace vecdb {

// The pairs of one moment, which never change. Not for two threads at once: the interpreter's lock is around all calls.
class PairVersion {
  public:
    bool find(std::string_view key, std::string_view* value) const;
    // Up to `most` pairs whose keys begin with `prefix`, above `after` unless that is null, ascending.
    std::vector<std::pair<std::string, std::string_view>> read(std::string_view prefix, const std::string_view* after,
                                                               size_t most) const;
    uint64_t memory_bytes() const;

  private:
    friend class PairMap;
    // A leaf behind the first sixteen bytes of its first key, as numbers in the order of the keys: a search reads these
    // alone, unless they are equal.
    struct Slot {
        uint64_t high, low;
        PairLeaf leaf;
    };
    static Slot slot_of(const Pair* pairs, size_t count);
    // The last slot from `from` on that does not begin above `key`, or `from`.
    size_t place_of(std::string_view key, size_t from) const;

    std::vector<Slot> slots_;
};

struct PairChange {
    std::string_view key, value;
    bool is_delete;
};

class PairMap {
  public:
    PairMap() : version_(std::make_shared<PairVersion>()) {}

    // What there is now. Holding it costs nothing but that the next change copies the list of leaves.
    std::shared_ptr<const PairVersion> version() const { return version_; }
    // Carries out changes in their order, all or, where memory is short, none. Sorts them.
    void apply(std::vector<PairChange>* changes);
    void delete_prefix(std::string_view prefix);

  private:
    std::shared_ptr<PairVersion> version_;
};

}  // namespace vecdb
