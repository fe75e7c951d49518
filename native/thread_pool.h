// A fixed set of threads that share out numbered tasks; the caller works too.
#pragma once
#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "interrupt.h"

namespace vecdb {

// `threads` counts the caller: a pool of one runs everything on the calling thread. With `nice` the workers run at a
// lower priority, where the system has one per thread, and the caller only waits for them. Several callers may run at
// once.
class ThreadPool {
  public:
    explicit ThreadPool(uint32_t threads, int nice = 0);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    uint32_t threads() const { return static_cast<uint32_t>(workers_.size()) + caller_works_; }

    // Calls task(i) once for each i < count, unless `interrupt` stops the run first, and returns when all are done.
    // The first exception a task throws is thrown again here, after the other tasks have left.
    void run(uint32_t count, Interrupt* interrupt, const std::function<void(uint32_t)>& task);

  private:
    struct Job {
        const std::function<void(uint32_t)>* task;
        Interrupt* interrupt;
        uint32_t count;
        std::atomic<uint32_t> next{0};
        uint32_t helpers = 0;  // workers inside, under the pool's mutex
        std::exception_ptr error;
        std::mutex error_mutex;
    };
    void work();
    static void drain(Job& job);

    bool caller_works_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable left_;
    std::deque<Job*> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> workers_;
};

}  // namespace vecdb
