// What a walk by rows of code4 needs at the avx2 level: the pool is kept in memory, and keys are put into it without
// branches. Included by walk_code4_body.h.

namespace vecdb {
namespace {

constexpr uint32_t kAhead = 2;  // lists of candidates behind the one that is taken that are fetched with its own
constexpr uint32_t kKeysPerVector = 4;
constexpr uint32_t kKeysPerPart = 64;  // of a pool: between two parts, a key that moves others looks whether it is done

// This level has no minimum of 64-bit whole numbers, but that of doubles. While a walk goes on, its pool holds the bits
// of doubles that sort as the keys do. Their upper half is the distance, moved up to exponents that no mode of the
// processor takes for zero and short of those that are no number; the lower half is that of the key, inverted where the
// distance is negative.
constexpr uint64_t kSign = (uint64_t)1 << 63;
constexpr uint64_t kMove = (uint64_t)0x00600000 << 32;
constexpr uint64_t kFarthest = ((uint64_t)0x7f800000 << 32 | 0xffffffff) + kMove;

inline uint64_t inverted_below_zero(uint64_t bits) { return bits ^ ((uint64_t)((int64_t)bits >> 63) & ~kSign); }
inline uint64_t to_double(uint64_t key) { return inverted_below_zero(key ^ kSign) + kMove; }
inline uint64_t to_double(float distance, uint32_t row) {
    int32_t bits;
    memcpy(&bits, &distance, sizeof bits);
    return ((uint64_t)(uint32_t)bits << 32 | ((row << 1) ^ (uint32_t)(bits >> 31))) + kMove;
}
inline uint64_t to_key(uint64_t bits) { return inverted_below_zero(bits - kMove) ^ kSign; }
inline uint32_t to_row(uint64_t bits) { return ((uint32_t)bits ^ (uint32_t)((int64_t)bits >> 63)) >> 1; }
inline float to_distance(uint64_t bits) {
    const uint32_t upper = (uint32_t)((bits - kMove) >> 32);
    float distance;
    memcpy(&distance, &upper, sizeof distance);
    return distance;
}

inline void prefetch_list(const Code4Walk& walk, uint32_t row) {
    const uint8_t* list = row_address(&walk.links, row);
    for (uint32_t byte = 0; byte < walk.links.stride; byte += kLineBytes) __builtin_prefetch(list + byte);
}

// Adds the products of 32 bytes of a row to sums of 16 bits, which have room for those of 128.
inline __m256i add_products(__m256i sums, const uint8_t* codes, const int8_t* low) {
    const __m256i code = _mm256_loadu_si256((const __m256i*)codes), half = _mm256_set1_epi8(15);
    const __m256i first = _mm256_maddubs_epi16(_mm256_and_si256(code, half), _mm256_loadu_si256((const __m256i*)low));
    const __m256i second = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(code, 4), half),
                                                _mm256_loadu_si256((const __m256i*)(low + kLineBytes)));
    return _mm256_add_epi16(sums, _mm256_add_epi16(first, second));
}

// Distances of four rows, infinity in the place of NaN. The sums of products are added up across the rows together, and
// so is what follows.
template <Metric metric, int lines>
inline __m128 score_four(const PreparedQuery& query, uint32_t row_bytes, const uint8_t* const* rows) {
    const int8_t* values = (const int8_t*)query.data;
    const uint32_t bytes = lines ? lines * kLineBytes : row_bytes;
    __m256i total[4] = {int_zero(), int_zero(), int_zero(), int_zero()};
    for (uint32_t start = 0; start < bytes; start += 2 * kLineBytes) {
        const uint32_t end = start + 2 * kLineBytes < bytes ? start + 2 * kLineBytes : bytes;
        __m256i sums[4] = {int_zero(), int_zero(), int_zero(), int_zero()};
        for (uint32_t line = start; line < end; line += kLineBytes) {
            for (uint32_t part = 0; part < kLineBytes; part += kNibbleBytes) {
                const int8_t* low = values + 2 * line + part;
                for (int r = 0; r < 4; ++r) sums[r] = add_products(sums[r], rows[r] + line + part, low);
            }
        }
        for (int r = 0; r < 4; ++r) {
            total[r] = _mm256_add_epi32(total[r], _mm256_madd_epi16(sums[r], _mm256_set1_epi16(1)));
        }
    }
    const __m128i dots =
        int_fold(_mm256_hadd_epi32(_mm256_hadd_epi32(total[0], total[1]), _mm256_hadd_epi32(total[2], total[3])));
    const auto factors_of = [&](int r) {
        return _mm_castsi128_ps(_mm_loadl_epi64((const __m128i*)(rows[r] + bytes - kFactorBytes)));
    };
    const __m128 first = _mm_movelh_ps(factors_of(0), factors_of(1));
    const __m128 second = _mm_movelh_ps(factors_of(2), factors_of(3));
    const __m128 factors = _mm_shuffle_ps(first, second, 0x88), norms = _mm_shuffle_ps(first, second, 0xdd);
    __m128 dot = _mm_mul_ps(_mm_sub_ps(_mm_cvtepi32_ps(dots), _mm_set1_ps(query.center)),
                            _mm_mul_ps(factors, _mm_set1_ps(query.factor)));
    __asm__("" : "+x"(dot));  // not fused into what follows: scans round it too
    const __m128 infinity = _mm_set1_ps(__builtin_inff());
    // max() and min(): their second operand where one is NaN.
    if (metric == METRIC_DOT) return _mm_min_ps(_mm_sub_ps(_mm_set1_ps(query.base), dot), infinity);
    const __m128 distances = _mm_sub_ps(_mm_add_ps(_mm_set1_ps(query.base), norms), dot);
    return _mm_min_ps(_mm_max_ps(_mm_setzero_ps(), distances), infinity);
}

// Which of `count` distances, at most 64, may enter a pool whose last row is `worst` away, as bits.
inline uint64_t passing(const float* distances, uint32_t count, float worst) {
    uint64_t pass = 0;
    for (uint32_t i = 0; i < count; i += kLanes) {
        pass |= (uint64_t)less_equal(load(distances + i), broadcast(worst)) << i;
    }
    return _bzhi_u64(pass, count);
}

inline __m256d load_doubles(const uint64_t* pool) {
    return _mm256_castsi256_pd(_mm256_load_si256((const __m256i*)pool));
}
inline __m256d rotated(__m256d v) { return _mm256_permute4x64_pd(v, 0x93); }

// Puts a double into the first `size` places of a sorted pool, the last of which is lost. Returns the first place of
// the parts that it looked at: nothing has changed before it.
inline uint32_t insert(uint64_t* pool, uint32_t size, uint64_t bits) {
    const __m256d key = _mm256_castsi256_pd(_mm256_set1_epi64x((long long)bits));
    uint32_t place = (size - 1) / kKeysPerVector * kKeysPerVector;
    __m256d held = load_doubles(pool + place), turned = rotated(held);
    // A place gets what it held or what stood before it, whichever the key comes to stand next to, or the key.
    const auto replace = [&](__m256d turned_before) {
        const __m256d before = _mm256_blend_pd(turned, turned_before, 1);
        _mm256_store_si256((__m256i*)(pool + place),
                           _mm256_castpd_si256(_mm256_max_pd(before, _mm256_min_pd(held, key))));
        turned = turned_before;
    };
    for (;;) {
        for (const uint32_t part = place / kKeysPerPart * kKeysPerPart; place != part; place -= kKeysPerVector) {
            const __m256d next = load_doubles(pool + place - kKeysPerVector);
            replace(rotated(next));
            held = next;
        }
        if (place == 0) {
            replace(_mm256_set1_pd(-__builtin_inf()));
            return 0;
        }
        const __m256d next = load_doubles(pool + place - kKeysPerVector);
        replace(rotated(next));
        if (_mm256_movemask_pd(_mm256_cmp_pd(next, key, _CMP_LT_OQ)) == 15) return place;
        held = next;
        place -= kKeysPerVector;
    }
}

// Which of four places of a pool hold rows that were not expanded, as bits: bit 0 of a key, and the sign inverts it.
inline uint64_t open_places(const uint64_t* pool) {
    const __m256i bits = _mm256_load_si256((const __m256i*)pool);
    const __m256i expanded = _mm256_xor_si256(_mm256_slli_epi64(bits, 63), bits);
    return 15 ^ (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(expanded));
}

// Where the walk goes on, with the lists of that row and of those likely after it on their way; `size` at its end.
// Every row before `from`, the first place of a part, was expanded.
inline uint32_t next_place(const Code4Walk& walk, const uint64_t* pool, uint32_t from, uint32_t size) {
    uint32_t found = 0, next = size;
    for (uint32_t part = from; part < size; part += kKeysPerPart) {
        const uint32_t count = size - part < kKeysPerPart ? size - part : kKeysPerPart;
        uint64_t open = 0;
        for (uint32_t i = 0; i < count; i += kKeysPerVector) open |= open_places(pool + part + i) << i;
        for (open = _bzhi_u64(open, count); open; open &= open - 1) {
            const uint32_t place = part + (uint32_t)__builtin_ctzll(open);
            prefetch_list(walk, to_row(pool[place]));
            next = found ? next : place;
            if (found++ == kAhead) return next;
        }
    }
    return next;
}

// The pool of a walk, in memory, as doubles until the walk ends.
class DoublePool {
  public:
    // On a vector's boundary, up to three places on: code4_pool_room() has eight more than the capacity.
    explicit DoublePool(const Code4Walk& walk)
        : walk_(walk), pool_((uint64_t*)(((uintptr_t)walk.pool + 31) & ~(uintptr_t)31)), capacity_(walk.capacity) {
        pool_[0] = to_double(walk.pool[0]);
        for (uint32_t i = 1; i < capacity_ + kKeysPerVector; ++i) pool_[i] = kFarthest;
    }

    bool take(uint32_t* row) {
        const uint32_t place = next_place(walk_, pool_, lowest_, size_);
        if (place == size_) return false;
        lowest_ = place / kKeysPerPart * kKeysPerPart;
        *row = to_row(pool_[place]);
        pool_[place] ^= 1;
        return true;
    }

    void put(const uint32_t* rows, const float* distances, uint32_t count) {
        uint64_t pass = passing(distances, count, to_distance(pool_[capacity_ - 1]));
        size_ += (uint32_t)__builtin_popcountll(pass);
        size_ = size_ < capacity_ ? size_ : capacity_;
        for (; pass; pass &= pass - 1) {
            const uint32_t i = (uint32_t)__builtin_ctzll(pass);
            const uint32_t first = insert(pool_, size_, to_double(distances[i], rows[i]));
            lowest_ = first < lowest_ ? first : lowest_;
        }
    }

    uint32_t finish() const {
        for (uint32_t i = 0; i < size_; ++i) walk_.pool[i] = to_key(pool_[i]);
        return size_;
    }

  private:
    const Code4Walk& walk_;
    uint64_t* const pool_;
    const uint32_t capacity_;
    uint32_t size_ = 1;
    uint32_t lowest_ = 0;  // the first place of a part; no place before it is open
};

template <class Work>
inline uint32_t with_pool(const Code4Walk& walk, Work work) {
    DoublePool pool(walk);
    return work(&pool);
}

}  // namespace
}  // namespace vecdb
