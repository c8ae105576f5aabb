// An id's hash is a chain of rounds that each wait for the one before. Plain loops over many ids
// become vector code: with AVX-512, whose rotations take one instruction, 400 ids of two blocks
// take 1.6 us for 4.3. With AVX2 or SSE2, and by interleaving scalar chains, nothing was gained.
#include "hashing.hpp"

#include <algorithm>

#include "level.hpp"
#include "siphash.hpp"

namespace idcolumn {
namespace {

void hash_singly(Column& column, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
        const Digest digest = hash_id(column.bytes + column.starts[i], column.lengths[i]);
        column.hashes[i] = digest.low;
        column.fingerprints[i] = digest.high;
    }
}

#if defined(__x86_64__)
constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostBlocks = 8;  // of ids that are hashed side by side

struct Batch {
    std::size_t count;
    std::size_t most_blocks;
    std::uint64_t blocks[kBatch];
    std::uint64_t words[kMostBlocks][kBatch];
    std::uint64_t v[4][kBatch];
    std::uint64_t low[kBatch], high[kBatch];

    void stage(std::size_t lane, const char* text, std::string_view id) {
        const std::size_t whole = id.size() / 8;
        for (std::size_t i = 0; i < whole; ++i) words[i][lane] = load_word(id.data() + 8 * i);
        words[whole][lane] = sip_tail_within(text, id.data(), id.size());
        for (std::size_t i = whole + 1; i < most_blocks; ++i) words[i][lane] = 0;
        blocks[lane] = whole + 1;
    }

    SipState state(std::size_t lane) const {
        SipState state;
        for (int i = 0; i < 4; ++i) state.v[i] = v[i][lane];
        return state;
    }
};

[[gnu::target("avx512f")]] void hash_batch(Batch& batch) {
    for (std::size_t lane = 0; lane < batch.count; ++lane) {
        for (int i = 0; i < 4; ++i) batch.v[i][lane] = sip_start(kIdKey).v[i];
    }
    for (std::size_t block = 0; block < batch.most_blocks; ++block) {
        for (std::size_t lane = 0; lane < batch.count; ++lane) {
            const SipState before = batch.state(lane);
            SipState after = before;
            after.absorb<1>(batch.words[block][lane]);
            const bool there = block < batch.blocks[lane];
            for (int i = 0; i < 4; ++i) batch.v[i][lane] = there ? after.v[i] : before.v[i];
        }
    }
    for (std::size_t lane = 0; lane < batch.count; ++lane) {
        SipState state = batch.state(lane);
        const Digest digest = state.digest<3>();
        batch.low[lane] = digest.low;
        batch.high[lane] = digest.high;
    }
}

void hash_side_by_side(Column& column) {
    Batch batch;
    for (std::size_t begin = 0; begin < column.count; begin += batch.count) {
        batch.count = std::min(kBatch, column.count - begin);
        const std::uint32_t* const lengths = column.lengths + begin;
        batch.most_blocks = *std::max_element(lengths, lengths + batch.count) / 8 + 1;
        if (batch.most_blocks > kMostBlocks) {
            hash_singly(column, begin, begin + batch.count);
            continue;
        }
        for (std::size_t lane = 0; lane < batch.count; ++lane)
            batch.stage(lane, column.bytes, column[begin + lane]);
        hash_batch(batch);
        std::copy_n(batch.low, batch.count, column.hashes + begin);
        std::copy_n(batch.high, batch.count, column.fingerprints + begin);
    }
}
#endif

}  // namespace

void hash(Column& column) {
#if defined(__x86_64__)
    if (level() == Level::kAvx512) return hash_side_by_side(column);
#endif
    hash_singly(column, 0, column.count);
}

}  // namespace idcolumn
