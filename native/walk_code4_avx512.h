// What a walk by rows of code4 needs at the avx512 level: the pool stays in registers while it is small enough.
// Included by walk_code4_body.h.

namespace vecdb {
namespace {

constexpr uint32_t kAhead = 2;  // lists of candidates behind the one that is taken that are fetched with its own
constexpr uint32_t kKeysPerVector = 8;

// ordered_bits() of sixteen distances; NaN becomes infinitely far, as pack_key() has it.
inline __m512i ordered_keys(__m512 distances) {
    const __mmask16 is_number = _mm512_cmp_ps_mask(distances, distances, _CMP_ORD_Q);
    const __m512i bits =
        _mm512_castps_si512(_mm512_mask_mov_ps(_mm512_set1_ps(__builtin_inff()), is_number, distances));
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_xor_si512(bits, _mm512_or_si512(_mm512_srai_epi32(bits, 31), sign));
}

inline void prefetch_list(const Code4Walk& walk, uint64_t key) {
    const uint8_t* list = row_address(&walk.links, (uint32_t)key >> 1);
    for (uint32_t byte = 0; byte < walk.links.stride; byte += kLineBytes) __builtin_prefetch(list + byte);
}

// Distances of four rows. The sums of products are added up across the rows together, and so is what follows.
template <Metric metric, int lines>
inline __m128 score_four(const PreparedQuery& query, uint32_t row_bytes, const uint8_t* const* rows) {
    const int8_t* values = (const int8_t*)query.data;
    const uint32_t bytes = lines ? lines * kLineBytes : row_bytes;
    __m512i a = int_zero(), b = int_zero(), c = int_zero(), d = int_zero();
    for (uint32_t line = 0; line < bytes; line += kLineBytes) {
        const int8_t *low = values + 2 * line, *high = low + kLineBytes;
        a = nibble_dot(a, rows[0] + line, low, high);
        b = nibble_dot(b, rows[1] + line, low, high);
        c = nibble_dot(c, rows[2] + line, low, high);
        d = nibble_dot(d, rows[3] + line, low, high);
    }
    const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    const __m128i dots = int_fold(_mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd)));
    const auto factors_of = [&](int r) {
        return _mm_castsi128_ps(_mm_loadl_epi64((const __m128i*)(rows[r] + bytes - kFactorBytes)));
    };
    const __m128 first = _mm_movelh_ps(factors_of(0), factors_of(1));
    const __m128 second = _mm_movelh_ps(factors_of(2), factors_of(3));
    const __m128 factors = _mm_shuffle_ps(first, second, 0x88), norms = _mm_shuffle_ps(first, second, 0xdd);
    __m128 dot = _mm_mul_ps(_mm_sub_ps(_mm_cvtepi32_ps(dots), _mm_set1_ps(query.center)),
                            _mm_mul_ps(factors, _mm_set1_ps(query.factor)));
    __asm__("" : "+x"(dot));  // not fused into what follows: scans round it too
    if (metric == METRIC_DOT) return _mm_sub_ps(_mm_set1_ps(query.base), dot);
    // max(): its second operand where one is NaN, which stays the farthest.
    return _mm_max_ps(_mm_setzero_ps(), _mm_sub_ps(_mm_add_ps(_mm_set1_ps(query.base), norms), dot));
}

// Keys of one hop in order of arrival, only those that may enter a full pool; returns how many.
inline uint32_t passing_keys(const uint32_t* nearby, const float* distances, uint32_t count, uint64_t worst,
                             uint64_t* keys) {
    uint32_t passing = 0;
    for (uint32_t i = 0; i < count; i += kLanes) {
        const __mmask16 present = count - i >= kLanes ? 0xffff : lane_mask(count - i);
        const __m512i bits = ordered_keys(_mm512_loadu_ps(distances + i));
        const __mmask16 pass =
            _mm512_mask_cmple_epu32_mask(present, bits, _mm512_set1_epi32((int)(uint32_t)(worst >> 32)));
        const __m512i rows = _mm512_slli_epi32(_mm512_loadu_si512(nearby + i), 1);
        for (int half = 0; half < 2; ++half) {
            const __m512i high =
                _mm512_cvtepu32_epi64(half ? _mm512_extracti64x4_epi64(bits, 1) : _mm512_castsi512_si256(bits));
            const __m512i low =
                _mm512_cvtepu32_epi64(half ? _mm512_extracti64x4_epi64(rows, 1) : _mm512_castsi512_si256(rows));
            const __mmask8 mask = (__mmask8)(pass >> (8 * half));
            _mm512_mask_compressstoreu_epi64(keys + passing, mask, _mm512_or_si512(_mm512_slli_epi64(high, 32), low));
            passing += (uint32_t)__builtin_popcount(mask);
        }
    }
    return passing;
}

// Puts keys into a sorted pool of `vectors` registers: each takes its place and moves those behind it by one.
template <int vectors>
inline void insert_in_registers(uint64_t* pool, const uint64_t* keys, uint32_t count) {
    __m512i held[vectors];
    for (int v = 0; v < vectors; ++v) held[v] = _mm512_loadu_si512(pool + v * kKeysPerVector);
    for (uint32_t i = 0; i < count; ++i) {
        const __m512i key = _mm512_set1_epi64((long long)keys[i]);
        for (int v = vectors - 1; v >= 0; --v) {
            const __m512i before = _mm512_alignr_epi64(held[v], v ? held[v - 1] : _mm512_setzero_si512(), 7);
            held[v] = _mm512_max_epu64(before, _mm512_min_epu64(held[v], key));
        }
    }
    for (int v = 0; v < vectors; ++v) _mm512_storeu_si512(pool + v * kKeysPerVector, held[v]);
}

// The same in memory for a pool of any size; `size` are in it, and it takes no more than `capacity`. `lowest` becomes
// the first place that changed, if that is lower.
inline uint32_t insert_in_memory(uint64_t* pool, uint32_t size, uint32_t capacity, const uint64_t* keys, uint32_t count,
                                 uint32_t* lowest) {
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t key = keys[i];
        if (size == capacity && key >= pool[size - 1]) continue;
        uint32_t place = size < capacity ? size : capacity - 1;
        size = place + 1;
        const __m512i wanted = _mm512_set1_epi64((long long)key);
        while (place >= kKeysPerVector && pool[place - kKeysPerVector] > key) {
            _mm512_storeu_si512(pool + place - kKeysPerVector + 1, _mm512_loadu_si512(pool + place - kKeysPerVector));
            place -= kKeysPerVector;
        }
        const uint32_t first = place >= kKeysPerVector ? place - kKeysPerVector : 0;
        const __mmask8 in = (__mmask8)((1u << (place - first)) - 1);
        const __m512i block = _mm512_maskz_loadu_epi64(in, pool + first);
        const __mmask8 behind = _mm512_mask_cmpgt_epu64_mask(in, block, wanted);
        _mm512_mask_storeu_epi64(pool + first + 1, behind, block);
        place -= (uint32_t)__builtin_popcount(behind);
        pool[place] = key;
        *lowest = place < *lowest ? place : *lowest;
    }
    return size;
}

// Places of a pool whose rows were not expanded, as bits from its beginning on.
struct Open {
    uint64_t bits[2];
};

template <int vectors>
inline Open open_places(const uint64_t* pool, uint32_t size) {
    Open open{{0, 0}};
    const __m512i mark = _mm512_set1_epi64(1);
    for (int v = 0; v < vectors; ++v) {
        const uint64_t unmarked = _mm512_testn_epi64_mask(_mm512_loadu_si512(pool + v * kKeysPerVector), mark);
        open.bits[v / 8] |= unmarked << (v % 8 * 8);
    }
    if (size < 64) {
        open.bits[0] &= ((uint64_t)1 << size) - 1;
        open.bits[1] = 0;
    } else if (size < 128) {
        open.bits[1] &= ((uint64_t)1 << (size - 64)) - 1;
    }
    return open;
}

// The first place of a pool in memory, from `place` on, whose row was not expanded; `size` if there is none.
inline uint32_t next_open(const uint64_t* pool, uint32_t place, uint32_t size) {
    const __m512i mark = _mm512_set1_epi64(1);
    for (; place < size; place += kKeysPerVector) {
        const __mmask8 open = _mm512_testn_epi64_mask(_mm512_loadu_si512(pool + place), mark);
        if (open) {
            place += (uint32_t)__builtin_ctz(open);
            return place < size ? place : size;
        }
    }
    return size;
}

// Where the walk goes on, with the lists of that row and of those likely after it on their way; `size` at its end.
template <int vectors>
inline uint32_t next_place(const Code4Walk& walk, const uint64_t* pool, uint32_t from, uint32_t size) {
    uint32_t places[1 + kAhead], count = 0;
    if (vectors) {
        Open open = open_places<vectors>(pool, size);
        for (int word = 0; word < (vectors > 8 ? 2 : 1); ++word) {
            for (; open.bits[word] && count <= kAhead; open.bits[word] &= open.bits[word] - 1) {
                places[count++] = (uint32_t)(64 * word + __builtin_ctzll(open.bits[word]));
            }
        }
    } else {
        for (uint32_t place = from; count <= kAhead; ++place) {
            place = next_open(pool, place, size);
            if (place == size) break;
            places[count++] = place;
        }
    }
    for (uint32_t i = 0; i < count; ++i) prefetch_list(walk, pool[places[i]]);
    return count ? places[0] : size;
}

// The pool of a walk. `vectors` registers hold it while keys are put in; 0: it is in memory.
template <int vectors>
class KeyPool {
  public:
    explicit KeyPool(const Code4Walk& walk) : walk_(walk), pool_(walk.pool), capacity_(walk.capacity) {
        constexpr uint32_t kHeld = vectors * kKeysPerVector;
        const uint32_t room = capacity_ + kKeysPerVector > kHeld ? capacity_ + kKeysPerVector : kHeld;
        for (uint32_t i = 1; i < room; ++i) pool_[i] = ~0ull;
    }

    bool take(uint32_t* row) {
        const uint32_t place = next_place<vectors>(walk_, pool_, lowest_, size_);
        if (place == size_) return false;
        lowest_ = place;
        *row = (uint32_t)pool_[place] >> 1;
        pool_[place] |= 1;
        return true;
    }

    void put(const uint32_t* rows, const float* distances, uint32_t count) {
        alignas(64) uint64_t keys[CODE4_WALK_WIDTH + kKeysPerVector];
        const uint32_t passing = passing_keys(rows, distances, count, pool_[capacity_ - 1], keys);
        if (vectors) {
            insert_in_registers<vectors ? vectors : 1>(pool_, keys, passing);
            size_ = size_ + passing < capacity_ ? size_ + passing : capacity_;
        } else {
            size_ = insert_in_memory(pool_, size_, capacity_, keys, passing, &lowest_);
        }
    }

    uint32_t finish() const { return size_; }

  private:
    const Code4Walk& walk_;
    uint64_t* const pool_;
    const uint32_t capacity_;
    uint32_t size_ = 1;
    uint32_t lowest_ = 0;  // no place before it is open
};

template <int vectors, class Work>
inline uint32_t with_key_pool(const Code4Walk& walk, Work work) {
    KeyPool<vectors> pool(walk);
    return work(&pool);
}

template <class Work>
inline uint32_t with_pool(const Code4Walk& walk, Work work) {
    if (walk.capacity <= 24) return with_key_pool<3>(walk, work);
    if (walk.capacity <= 40) return with_key_pool<5>(walk, work);
    if (walk.capacity <= 64) return with_key_pool<8>(walk, work);
    if (walk.capacity <= 96) return with_key_pool<12>(walk, work);
    if (walk.capacity <= 128) return with_key_pool<16>(walk, work);
    return with_key_pool<0>(walk, work);
}

}  // namespace
}  // namespace vecdb
