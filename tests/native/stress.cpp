// Everything that may run at once in one process, for a sanitizer to watch: inserts over a pool, walks with and without
// a mask, scans of many queries, new versions of a mask; then removals beside searches. Once more with a graph that
// goes over to codes of the rows, and to other codes, in the middle. Prints "done" when every answer was plausible.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "code4.h"
#include "flat.h"
#include "graph.h"
#include "interrupt.h"
#include "row_mask.h"
#include "row_store.h"
#include "scorer.h"
#include "search.h"
#include "thread_pool.h"
#include "top_k.h"

namespace {

using namespace vecdb;

constexpr uint32_t DIMENSION = 12, PAGE_SHIFT = 8, ROWS = 768, BATCH = 256, K = 10, EF = 40;

// The rows of a store as codes, in pages of as many rows.
struct Coded {
    Coded(Metric metric, uint32_t lines, std::mt19937& random)
        : code4(metric, DIMENSION, lines, projection(lines, random).data(), std::vector<float>(DIMENSION).data()),
          store(ROW_CODE4, metric, DIMENSION, code4.row_bytes(), PAGE_SHIFT, &code4) {}

    // Makes the codes of every row that has none yet.
    void follow(const RowStore& source) {
        while (store.row_bound() < source.row_bound()) {
            pages.emplace_back(new uint64_t[(size_t{code4.row_bytes()} << PAGE_SHIFT) / 8]());
            uint8_t* bytes = reinterpret_cast<uint8_t*>(pages.back().get());
            const uint32_t first = static_cast<uint32_t>(store.row_bound());
            for (uint32_t i = 0; i < 1u << PAGE_SHIFT; ++i) {
                code4.encode(reinterpret_cast<const float*>(source.row(first + i)),
                             bytes + size_t{i} * code4.row_bytes());
            }
            store.add_page(bytes);
        }
    }

    // DIMENSION random orthonormal rows.
    static std::vector<float> projection(uint32_t lines, std::mt19937& random) {
        const uint32_t width = 128 * lines - 16;
        std::normal_distribution<float> normal;
        std::vector<float> matrix(size_t{DIMENSION} * width);
        for (float& value : matrix) value = normal(random);
        for (uint32_t d = 0; d < DIMENSION; ++d) {
            float* row = &matrix[size_t{d} * width];
            for (uint32_t other = 0; other < d; ++other) {
                const float* before = &matrix[size_t{other} * width];
                float dot = 0;
                for (uint32_t i = 0; i < width; ++i) dot += row[i] * before[i];
                for (uint32_t i = 0; i < width; ++i) row[i] -= dot * before[i];
            }
            float squares = 0;
            for (uint32_t i = 0; i < width; ++i) squares += row[i] * row[i];
            for (uint32_t i = 0; i < width; ++i) row[i] /= std::sqrt(squares);
        }
        return matrix;
    }

    std::vector<std::unique_ptr<uint64_t[]>> pages;
    Code4 code4;
    RowStore store;
};

void fail(const char* what) {
    std::fprintf(stderr, "stress: %s\n", what);
    std::exit(1);
}

// A row as the query is nearly as far from others as the vector that it was made from.
void check_rows_as_queries(const Coded& coded, const RowStore& source) {
    constexpr uint32_t CHECKED = 100;
    std::vector<uint32_t> rows(CHECKED);
    for (uint32_t row = 0; row < CHECKED; ++row) rows[row] = row;
    std::vector<float> by_row(CHECKED), by_vector(CHECKED);
    Scorer scorer(coded.store);
    for (uint32_t row : rows) {
        scorer.prepare_row(row);
        scorer.score(rows.data(), CHECKED, by_row.data());
        scorer.prepare(reinterpret_cast<const float*>(source.row(row)));
        scorer.score(rows.data(), CHECKED, by_vector.data());
        for (uint32_t other : rows) {
            const float sizes =
                1 + coded.code4.squared_norm(coded.store.row(row)) + coded.code4.squared_norm(coded.store.row(other));
            if (!(std::fabs(by_row[other] - by_vector[other]) <= 0.1f * sizes)) fail("a row is another query");
        }
    }
}

// A store that grows while it is read, a graph over it, and the versions of the mask of its rows.
struct World {
    World(RowType row_type, Metric metric)
        : row_bytes(row_type == ROW_INT8 ? int8_row_bytes(DIMENSION) : DIMENSION * (row_type == ROW_FLOAT32 ? 4u : 2u)),
          stride((row_bytes + 7) / 8 * 8),
          store(row_type, metric, DIMENSION, stride, PAGE_SHIFT),
          graph(store, 8, 40, 1) {}

    std::shared_ptr<const RowMask> mask() {
        std::lock_guard<std::mutex> guard(mutex);
        return live;
    }
    void publish(RowMask next) {
        auto shared = std::make_shared<const RowMask>(std::move(next));
        std::lock_guard<std::mutex> guard(mutex);
        live = shared;
    }
    // From now on the graph is walked and changed by codes made anew; searches under way go on with what they have.
    void code_anew(uint32_t lines, std::mt19937& random) {
        codes.push_back(std::make_unique<Coded>(store.metric(), lines, random));
        codes.back()->follow(store);
        check_rows_as_queries(*codes.back(), store);
        graph.set_store(codes.back()->store);
        walked.store(&codes.back()->store);
    }
    // Writes the next BATCH rows, and their codes; they are in no mask and no graph yet.
    std::vector<uint32_t> write_batch(std::mt19937& random) {
        std::normal_distribution<float> normal;
        std::vector<uint32_t> rows;
        for (uint32_t page = 0; page < BATCH >> PAGE_SHIFT; ++page) {
            pages.emplace_back(new uint64_t[(size_t{stride} << PAGE_SHIFT) / 8]());
            uint8_t* bytes = reinterpret_cast<uint8_t*>(pages.back().get());
            float vector[DIMENSION];
            for (uint32_t i = 0; i < 1u << PAGE_SHIFT; ++i) {
                for (float& value : vector) value = std::round(normal(random) * 4) / 4;
                store.kernels().encode[store.row_type()](vector, 1, DIMENSION, bytes + size_t{i} * stride, stride);
                rows.push_back(static_cast<uint32_t>(store.row_bound()) + i);
            }
            store.add_page(bytes);
        }
        if (!codes.empty()) codes.back()->follow(store);
        return rows;
    }

    uint32_t row_bytes, stride;
    std::vector<std::unique_ptr<uint64_t[]>> pages;
    RowStore store;
    std::vector<std::unique_ptr<Coded>> codes;  // the last are the graph's, searches may still hold others
    std::atomic<const RowStore*> walked{&store};
    Graph graph;
    std::mutex mutex;
    std::shared_ptr<const RowMask> live = std::make_shared<const RowMask>();
    std::atomic<bool> finished{false};
    std::atomic<uint32_t> searches{0};
};

void check_answer(TopK& best, const RowMask& live) {
    const auto& keys = best.sorted();
    if (keys.size() != std::min<uint64_t>(K, live.count())) fail("too few rows");
    for (size_t i = 0; i < keys.size(); ++i) {
        if (!live.contains(key_row(keys[i]))) fail("a row that is not live");
        if (i > 0 && keys[i - 1] >= keys[i]) fail("rows out of order or twice");
    }
}

// Searches until the writer is done, by number: walks; walks through every third row; batches, by walk or by scan.
void search_on(World& world, ThreadPool& pool, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> queries(size_t{5} * DIMENSION);
    const RowMask nobody;
    uint32_t rounds = 0;
    do {
        for (float& value : queries) value = normal(random);
        const auto live = world.mask();
        RowMask third;
        if (seed % 3 == 1) {
            std::vector<uint32_t> dropped = live->rows(0, ROWS);
            dropped.erase(std::remove_if(dropped.begin(), dropped.end(), [](uint32_t row) { return row % 3 == 0; }),
                          dropped.end());
            third = live->with_changes(nullptr, 0, dropped.data(), dropped.size()).minus(nobody);
        }
        const RowMask& asked = seed % 3 == 1 ? third : *live;
        // An unmasked walk may end among rows that left meanwhile, and then all are scanned.
        const bool masked = seed % 3 == 1 || ++rounds % 2 == 0;
        SearchRequest request{&world.store, &world.graph, world.walked.load(), &asked, &nobody, masked, K, EF};
        Interrupt interrupt(monotonic_nanoseconds() + int64_t{60} * 1000000000);
        if (seed % 3 == 2) {
            std::vector<TopK> best(5);
            if (rounds % 4 == 1) request.graph = nullptr;
            search_batch(request, queries.data(), 5, pool, &interrupt, best.data());
            for (TopK& one : best) check_answer(one, asked);
        } else {
            TopK best;
            search_one(request, queries.data(), &interrupt, &best);
            check_answer(best, asked);
        }
        world.searches.fetch_add(1);
    } while (!world.finished.load());
}

// `coded`: with other codes before each batch but the first, of one line and of three.
void run(RowType row_type, Metric metric, bool coded) {
    World world(row_type, metric);
    ThreadPool writers(3), readers(2);
    std::vector<std::thread> threads;
    for (uint32_t seed = 0; seed < 4; ++seed)
        threads.emplace_back([&world, &readers, seed] { search_on(world, readers, seed); });
    std::mt19937 random(7);
    for (uint32_t done = 0; done < ROWS; done += BATCH) {
        if (coded && done > 0) world.code_anew(done == BATCH ? 1 : 3, random);
        const auto rows = world.write_batch(random);
        const bool absorbed_first = done / BATCH % 2 == 0;
        if (absorbed_first) world.graph.insert(rows.data(), BATCH, writers, nullptr);
        world.publish(world.mask()->with_changes(rows.data(), BATCH, nullptr, 0));
        if (!absorbed_first) world.graph.insert(rows.data(), BATCH, writers, nullptr);
    }
    world.graph.relink();
    if (coded) world.code_anew(1, random);
    while (world.mask()->count() > 0) {
        auto rows = world.mask()->rows(0, ROWS);
        std::shuffle(rows.begin(), rows.end(), random);
        if (rows.size() > BATCH) rows.resize(rows.size() / 3);
        world.publish(world.mask()->with_changes(nullptr, 0, rows.data(), rows.size()));
        world.graph.remove(rows.data(), static_cast<uint32_t>(rows.size()), writers);
        world.graph.give_back();
        if (world.graph.count() != world.mask()->count() || world.graph.unsound_links() != 0) fail("unsound links");
    }
    world.finished.store(true);
    for (auto& thread : threads) thread.join();
    std::printf("%u searches\n", world.searches.load());
}

}  // namespace

int main() {
    run(ROW_FLOAT32, METRIC_L2, false);
    run(ROW_BFLOAT16, METRIC_DOT, false);
    run(ROW_FLOAT32, METRIC_L2, true);
    run(ROW_FLOAT32, METRIC_DOT, true);
    std::puts("done");
}
