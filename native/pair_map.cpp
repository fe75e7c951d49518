#include "pair_map.h"

#include <algorithm>

namespace vecdb {

namespace {

// More pairs in a leaf are less memory, and slower to change.
constexpr size_t LEAF_PAIRS = 64;
constexpr size_t LEAF_BYTES = 8192;

uint64_t eight_bytes(std::string_view key, size_t from) {
    uint64_t number = 0;
    for (size_t i = from; i < from + 8; ++i) number = number << 8 | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0);
    return number;
}

// The pairs of a leaf with changes (ascending, one a key) carried out.
void merge(const std::vector<Pair>& pairs, const PairChange* change, const PairChange* end, std::vector<Pair>* merged) {
    merged->clear();
    auto pair = pairs.begin();
    for (; change != end; ++change) {
        while (pair != pairs.end() && pair->key < change->key) merged->push_back(*pair++);
        if (pair != pairs.end() && pair->key == change->key) ++pair;
        if (!change->is_delete) merged->push_back({change->key, change->value});
    }
    merged->insert(merged->end(), pair, pairs.end());
}

// How many pairs from `first` on make the next leaf. Leaves are filled where pairs were added at the end, as ascending
// keys are, and else made equal, so that both have room.
size_t leaf_pairs(const std::vector<Pair>& pairs, size_t first, bool fill) {
    const size_t left = pairs.size() - first;
    size_t most = LEAF_PAIRS;
    if (!fill && left > LEAF_PAIRS) {
        const size_t leaves = (left + LEAF_PAIRS - 1) / LEAF_PAIRS;
        most = (left + leaves - 1) / leaves;
    }
    size_t count = 0, bytes = 0;
    while (count < std::min(most, left)) {
        bytes += pairs[first + count].key.size() + pairs[first + count].value.size();
        if (count > 0 && bytes > LEAF_BYTES) break;
        ++count;
    }
    return count;
}

// Ascending, and of those with one key the last alone.
void put_in_order(std::vector<PairChange>* changes) {
    const auto before = [](const PairChange& a, const PairChange& b) { return a.key < b.key; };
    if (!std::is_sorted(changes->begin(), changes->end(), before))
        std::stable_sort(changes->begin(), changes->end(), before);
    size_t kept = 0;
    for (size_t i = 0; i < changes->size(); ++i) {
        if (i + 1 < changes->size() && (*changes)[i + 1].key == (*changes)[i].key) continue;
        (*changes)[kept++] = (*changes)[i];
    }
    changes->resize(kept);
}

}  // namespace

PairVersion::Slot PairVersion::slot_of(const Pair* pairs, size_t count) {
    return {eight_bytes(pairs[0].key, 0), eight_bytes(pairs[0].key, 8), PairLeaf(pairs, count)};
}

size_t PairVersion::place_of(std::string_view key, size_t from) const {
    const uint64_t high = eight_bytes(key, 0), low = eight_bytes(key, 8);
    size_t first = from, last = slots_.size();
    while (first + 1 < last) {
        const size_t middle = (first + last) / 2;
        const Slot& slot = slots_[middle];
        const bool above = slot.high != high ? slot.high > high
                           : slot.low != low ? slot.low > low
                                             : slot.leaf.begins_above(key);
        (above ? last : first) = middle;
    }
    return first;
}

bool PairVersion::find(std::string_view key, std::string_view* value) const {
    return !slots_.empty() && slots_[place_of(key, 0)].leaf.find(key, value);
}

std::vector<std::pair<std::string, std::string_view>> PairVersion::read(std::string_view prefix,
                                                                        const std::string_view* after,
                                                                        size_t most) const {
    std::vector<std::pair<std::string, std::string_view>> found;
    if (slots_.empty()) return found;
    std::string keys;
    std::vector<Pair> pairs;
    for (size_t i = place_of(after != nullptr ? std::max(prefix, *after) : prefix, 0); i < slots_.size(); ++i) {
        slots_[i].leaf.read(&keys, &pairs);
        for (const Pair& pair : pairs) {
            if (pair.key < prefix || (after != nullptr && pair.key <= *after)) continue;
            if (pair.key.substr(0, prefix.size()) != prefix || found.size() == most) return found;
            found.emplace_back(pair.key, pair.value);
        }
    }
    return found;
}

uint64_t PairVersion::memory_bytes() const {
    uint64_t bytes = slots_.capacity() * sizeof(Slot);
    for (const Slot& slot : slots_) bytes += slot.leaf.memory_bytes();
    return bytes;
}

void PairMap::apply(std::vector<PairChange>* changes) {
    put_in_order(changes);
    if (changes->empty()) return;
    const std::vector<PairVersion::Slot>& slots = version_->slots_;
    // Every new leaf is made before anything changes.
    std::vector<PairVersion::Slot> made;
    struct Replaced {
        size_t slot, made_begin, made_end;
    };
    std::vector<Replaced> replaced;
    bool same_places = true;
    std::string keys;
    std::vector<Pair> pairs, merged;
    const PairChange* change = changes->data();
    const PairChange* const end = change + changes->size();
    for (size_t slot = 0; change != end; ++slot) {
        const PairChange* last = end;
        pairs.clear();
        if (!slots.empty()) {
            slot = version_->place_of(change->key, slot);
            slots[slot].leaf.read(&keys, &pairs);
            if (slot + 1 < slots.size())
                last = std::partition_point(change + 1, end, [&](const PairChange& each) {
                    return slots[slot + 1].leaf.begins_above(each.key);
                });
        }
        merge(pairs, change, last, &merged);
        const size_t begin = made.size();
        const bool fill = !merged.empty() && (pairs.empty() || pairs.back().key < merged.back().key);
        for (size_t first = 0, count = 0; first < merged.size(); first += count) {
            count = leaf_pairs(merged, first, fill);
            made.push_back(PairVersion::slot_of(&merged[first], count));
        }
        same_places &= !slots.empty() && made.size() == begin + 1;
        replaced.push_back({slot, begin, made.size()});
        change = last;
    }
    const bool shared = version_.use_count() > 1;
    if (same_places && !shared) {
        for (const Replaced& each : replaced) std::swap(version_->slots_[each.slot], made[each.made_begin]);
        return;
    }
    auto next = std::make_shared<PairVersion>();
    next->slots_.reserve(slots.size() + made.size() - (slots.empty() ? 0 : replaced.size()));
    size_t kept = 0;
    for (const Replaced& each : replaced) {
        next->slots_.insert(next->slots_.end(), slots.begin() + kept, slots.begin() + each.slot);
        next->slots_.insert(next->slots_.end(), made.begin() + each.made_begin, made.begin() + each.made_end);
        kept = std::min(each.slot + 1, slots.size());
    }
    next->slots_.insert(next->slots_.end(), slots.begin() + kept, slots.end());
    version_ = std::move(next);
}

void PairMap::delete_prefix(std::string_view prefix) {
    std::vector<PairChange> changes;
    const auto found = version_->read(prefix, nullptr, SIZE_MAX);
    for (const auto& pair : found) changes.push_back({pair.first, {}, true});
    apply(&changes);
}

}  // namespace vecdb
