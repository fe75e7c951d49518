// CRC-32C of a buffer, compiled into each instruction-set unit: three interleaved streams where the unit has an
// instruction (VECDB_CRC32C_WORD), eight table look-ups a word elsewhere. No include guard: kernels_body.h includes it
// once.

namespace vecdb {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, reflected

struct ByteTable {
    uint32_t at[256];
    constexpr ByteTable() : at() {
        for (uint32_t byte = 0; byte < 256; ++byte) {
            uint32_t crc = byte;
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
            at[byte] = crc;
        }
    }
};
constexpr ByteTable kByteTable;

inline uint32_t crc_byte(uint32_t crc, uint8_t byte) { return (crc >> 8) ^ kByteTable.at[(crc ^ byte) & 255]; }

#if defined(VECDB_CRC32C_WORD)

// The register after `bytes` zero bytes, as a linear map: four look-ups, one for each byte of the register.
template <uint32_t bytes>
struct ZeroTable {
    uint32_t at[4][256];
    constexpr ZeroTable() : at() {
        for (int bit = 0; bit < 32; ++bit) {
            uint32_t crc = 1u << bit;
            for (uint32_t i = 0; i < bytes; ++i) crc = (crc >> 8) ^ kByteTable.at[crc & 255];
            at[bit / 8][1u << bit % 8] = crc;
        }
        for (int part = 0; part < 4; ++part) {
            for (uint32_t byte = 1; byte < 256; ++byte) {
                uint32_t low_bit = byte & (0 - byte);
                at[part][byte] = at[part][byte ^ low_bit] ^ at[part][low_bit];
            }
        }
    }
};
template <uint32_t bytes>
constexpr ZeroTable<bytes> kZeroTable;

template <uint32_t bytes>
inline uint32_t crc_zeros(uint32_t crc) {
    const auto& at = kZeroTable<bytes>.at;
    return at[0][crc & 255] ^ at[1][crc >> 8 & 255] ^ at[2][crc >> 16 & 255] ^ at[3][crc >> 24];
}

inline uint32_t crc_word(uint32_t crc, const uint8_t* data) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return VECDB_CRC32C_WORD(crc, word);
}

// Takes 3 * bytes at a time: the instruction has a latency of three and may start every cycle.
template <uint32_t bytes>
inline uint32_t crc_blocks(uint32_t crc, const uint8_t** data, size_t* left) {
    for (; *left >= 3 * bytes; *data += 3 * bytes, *left -= 3 * bytes) {
        uint32_t second = 0, third = 0;
        for (uint32_t i = 0; i < bytes; i += 8) {
            crc = crc_word(crc, *data + i);
            second = crc_word(second, *data + bytes + i);
            third = crc_word(third, *data + 2 * bytes + i);
        }
        crc = crc_zeros<bytes>(crc_zeros<bytes>(crc) ^ second) ^ third;
    }
    return crc;
}

inline uint32_t crc_words(uint32_t crc, const uint8_t** data, size_t* left) {
    crc = crc_blocks<2048>(crc, data, left);
    crc = crc_blocks<256>(crc, data, left);
    for (; *left >= 8; *data += 8, *left -= 8) crc = crc_word(crc, *data);
    return crc;
}

#else

// at[k][byte]: the register after `byte` and then k zero bytes.
struct SliceTable {
    uint32_t at[8][256];
    constexpr SliceTable() : at() {
        for (uint32_t byte = 0; byte < 256; ++byte) {
            uint32_t crc = kByteTable.at[byte];
            for (int zeros = 0; zeros < 8; ++zeros) {
                at[zeros][byte] = crc;
                crc = (crc >> 8) ^ kByteTable.at[crc & 255];
            }
        }
    }
};
constexpr SliceTable kSliceTable;

inline uint32_t crc_words(uint32_t crc, const uint8_t** data, size_t* left) {
    const auto& at = kSliceTable.at;
    for (; *left >= 8; *data += 8, *left -= 8) {
        const uint8_t* byte = *data;
        uint32_t low = crc ^ (byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24);
        crc = at[7][low & 255] ^ at[6][low >> 8 & 255] ^ at[5][low >> 16 & 255] ^ at[4][low >> 24] ^ at[3][byte[4]] ^
              at[2][byte[5]] ^ at[1][byte[6]] ^ at[0][byte[7]];
    }
    return crc;
}

#endif

uint32_t crc32c(uint32_t crc, const uint8_t* data, size_t bytes) {
    crc = crc_words(~crc, &data, &bytes);
    for (; bytes > 0; ++data, --bytes) crc = crc_byte(crc, *data);
    return ~crc;
}

}  // namespace
}  // namespace vecdb
