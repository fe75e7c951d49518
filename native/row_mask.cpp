#include "row_mask.h"

#include <string.h>

namespace vecdb {

// The chunk, copied on its first change in this version.
RowMask::Chunk& RowMask::own(uint32_t chunk, std::vector<bool>& owned) {
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (chunk >= owned.size()) owned.resize(chunks_.size(), false);
    if (!owned[chunk]) {
        chunks_[chunk] = chunks_[chunk] ? std::make_shared<Chunk>(*chunks_[chunk]) : std::make_shared<Chunk>();
        owned[chunk] = true;
    }
    return const_cast<Chunk&>(*chunks_[chunk]);
}

RowMask RowMask::with_changes(const uint32_t* added, size_t added_count, const uint32_t* removed,
                              size_t removed_count) const {
    RowMask next = *this;
    std::vector<bool> owned;
    for (size_t i = 0; i < added_count; ++i) {
        if (next.contains(added[i])) continue;
        Chunk& chunk = next.own(added[i] >> MASK_CHUNK_SHIFT, owned);
        const uint32_t bit = added[i] & (MASK_CHUNK_ROWS - 1);
        chunk.words[bit >> 6] |= 1ull << (bit & 63);
        ++chunk.count;
        ++next.count_;
    }
    for (size_t i = 0; i < removed_count; ++i) {
        if (!next.contains(removed[i])) continue;
        const uint32_t index = removed[i] >> MASK_CHUNK_SHIFT;
        Chunk& chunk = next.own(index, owned);
        const uint32_t bit = removed[i] & (MASK_CHUNK_ROWS - 1);
        chunk.words[bit >> 6] &= ~(1ull << (bit & 63));
        --next.count_;
        if (--chunk.count == 0) {
            next.chunks_[index].reset();
            owned[index] = false;
        }
    }
    return next;
}

RowMask RowMask::minus(const RowMask& other) const {
    RowMask next;
    next.chunks_.resize(chunks_.size());
    for (size_t i = 0; i < chunks_.size(); ++i) {
        if (!chunks_[i]) continue;
        const bool apart = i >= other.chunks_.size() || !other.chunks_[i];
        if (apart) {
            next.chunks_[i] = chunks_[i];
            next.count_ += chunks_[i]->count;
            continue;
        }
        auto chunk = std::make_shared<Chunk>();
        for (uint32_t word = 0; word < MASK_CHUNK_WORDS; ++word) {
            chunk->words[word] = chunks_[i]->words[word] & ~other.chunks_[i]->words[word];
            chunk->count += static_cast<uint32_t>(__builtin_popcountll(chunk->words[word]));
        }
        next.count_ += chunk->count;
        if (chunk->count) next.chunks_[i] = chunk;
    }
    return next;
}

std::vector<uint32_t> RowMask::rows(uint32_t first, size_t most) const {
    std::vector<uint32_t> rows;
    rows.reserve(most < count_ ? most : count_);
    if (most == 0) return rows;
    for_each(first, row_bound(), [&](uint32_t row) {
        rows.push_back(row);
        return rows.size() < most;
    });
    return rows;
}

std::vector<uint64_t> RowMask::words() const {
    std::vector<uint64_t> words(chunks_.size() * MASK_CHUNK_WORDS, 0);
    for (size_t i = 0; i < chunks_.size(); ++i)
        if (chunks_[i]) memcpy(&words[i * MASK_CHUNK_WORDS], chunks_[i]->words, sizeof(Chunk::words));
    return words;
}

RowMask RowMask::below(uint32_t rows) {
    std::vector<uint64_t> words((size_t{rows} + 63) / 64, ~0ull);
    if (rows % 64) words.back() >>= 64 - rows % 64;
    return from_words(words.data(), words.size());
}

RowMask RowMask::from_words(const uint64_t* words, size_t word_count) {
    RowMask mask;
    mask.chunks_.resize((word_count + MASK_CHUNK_WORDS - 1) / MASK_CHUNK_WORDS);
    for (size_t i = 0; i < word_count; ++i) {
        if (words[i] == 0) continue;
        const size_t index = i / MASK_CHUNK_WORDS;
        if (!mask.chunks_[index]) mask.chunks_[index] = std::make_shared<Chunk>();
        Chunk& chunk = const_cast<Chunk&>(*mask.chunks_[index]);
        chunk.words[i % MASK_CHUNK_WORDS] = words[i];
        const uint32_t ones = static_cast<uint32_t>(__builtin_popcountll(words[i]));
        chunk.count += ones;
        mask.count_ += ones;
    }
    return mask;
}

}  // namespace vecdb
