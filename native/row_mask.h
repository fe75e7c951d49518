// A set of row numbers that never changes once made: readers keep one while writers make the next.
#pragma once
#include <stdint.h>

#include <memory>
#include <vector>

namespace vecdb {

constexpr uint32_t MASK_CHUNK_SHIFT = 15;
constexpr uint32_t MASK_CHUNK_ROWS = 1u << MASK_CHUNK_SHIFT;
constexpr uint32_t MASK_CHUNK_WORDS = MASK_CHUNK_ROWS / 64;

// An immutable bitmap in chunks of 32,768 rows shared between versions: a change copies only the chunks it touches.
class RowMask {
  public:
    RowMask() = default;

    bool contains(uint32_t row) const {
        const uint32_t chunk = row >> MASK_CHUNK_SHIFT;
        if (chunk >= chunks_.size() || !chunks_[chunk]) return false;
        const uint32_t bit = row & (MASK_CHUNK_ROWS - 1);
        return chunks_[chunk]->words[bit >> 6] >> (bit & 63) & 1;
    }

    uint64_t count() const { return count_; }
    // One past the last chunk that may hold rows.
    uint32_t row_bound() const { return static_cast<uint32_t>(chunks_.size()) << MASK_CHUNK_SHIFT; }

    // This set with rows added, then rows removed. Rows are below 2^31; repeats are harmless.
    RowMask with_changes(const uint32_t* added, size_t added_count, const uint32_t* removed,
                         size_t removed_count) const;
    // The rows of this set that are not in `other`.
    RowMask minus(const RowMask& other) const;

    // Calls visit(row) for each row from `first` (inclusive) to `last` (exclusive), ascending; stops when it returns
    // false.
    template <class Visit>
    void for_each(uint32_t first, uint32_t last, Visit visit) const {
        for (uint32_t chunk = first >> MASK_CHUNK_SHIFT; chunk < chunks_.size(); ++chunk) {
            const uint32_t start = chunk << MASK_CHUNK_SHIFT;
            if (start >= last) return;
            if (!chunks_[chunk]) continue;
            const uint32_t from = first > start ? first - start : 0;
            for (uint32_t word = from >> 6; word < MASK_CHUNK_WORDS; ++word) {
                uint64_t bits = chunks_[chunk]->words[word];
                if (word == from >> 6) bits &= ~0ull << (from & 63);
                while (bits) {
                    const uint32_t row = start + word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits));
                    if (row >= last || !visit(row)) return;
                    bits &= bits - 1;
                }
            }
        }
    }

    // Up to `most` rows from `first` on, ascending.
    std::vector<uint32_t> rows(uint32_t first, size_t most) const;

    // The bitmap's words, little-endian, one chunk after another up to row_bound(); from_words() is the inverse.
    std::vector<uint64_t> words() const;
    // Rows 0 .. rows - 1.
    static RowMask below(uint32_t rows);
    static RowMask from_words(const uint64_t* words, size_t word_count);

  private:
    struct Chunk {
        uint64_t words[MASK_CHUNK_WORDS] = {};
        uint32_t count = 0;
    };
    Chunk& own(uint32_t chunk, std::vector<bool>& owned);

    std::vector<std::shared_ptr<const Chunk>> chunks_;
    uint64_t count_ = 0;
};

}  // namespace vecdb
