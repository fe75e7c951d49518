#include "thread_pool.h"

#include <algorithm>
#include <chrono>
#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace vecdb {

namespace {

constexpr std::chrono::milliseconds POLL_INTERVAL{50};

// On Linux a priority belongs to a thread, so background work can yield to searches.
void lower_own_priority(int nice) {
#if defined(__linux__)
    if (nice > 0) setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), nice);
#else
    (void)nice;
#endif
}

}  // namespace

ThreadPool::ThreadPool(uint32_t threads, int nice) : caller_works_(nice == 0) {
    for (uint32_t i = caller_works_ ? 1 : 0; i < threads; ++i) {
        workers_.emplace_back([this, nice] {
            lower_own_priority(nice);
            work();
        });
    }
}

ThreadPool::~ThreadPool() {
    {
        std::lock_guard<std::mutex> guard(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
}

void ThreadPool::drain(Job& job) {
    for (;;) {
        if (job.interrupt && job.interrupt->should_stop()) {
            job.next.store(job.count);
            return;
        }
        const uint32_t i = job.next.fetch_add(1);
        if (i >= job.count) {
            job.next.store(job.count);  // keeps the counter from wrapping however often it is asked
            return;
        }
        try {
            (*job.task)(i);
        } catch (...) {
            std::lock_guard<std::mutex> guard(job.error_mutex);
            if (!job.error) job.error = std::current_exception();
            job.next.store(job.count);
            return;
        }
    }
}

void ThreadPool::work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (stopping_) return;
        Job* job = jobs_.front();
        if (job->next.load() >= job->count) {
            jobs_.pop_front();
            continue;
        }
        ++job->helpers;
        lock.unlock();
        drain(*job);
        lock.lock();
        --job->helpers;
        const auto at = std::find(jobs_.begin(), jobs_.end(), job);
        if (at != jobs_.end()) jobs_.erase(at);
        if (job->helpers == 0) left_.notify_all();
    }
}

void ThreadPool::run(uint32_t count, Interrupt* interrupt, const std::function<void(uint32_t)>& task) {
    if (count == 0) return;
    Job job;
    job.task = &task;
    job.interrupt = interrupt;
    job.count = count;
    const bool shared = !workers_.empty() && (count > 1 || !caller_works_);
    if (shared) {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            jobs_.push_back(&job);
        }
        wake_.notify_all();
    }
    if (caller_works_ || !shared) drain(job);
    if (shared) {
        std::unique_lock<std::mutex> lock(mutex_);
        const auto finished = [&job] { return job.helpers == 0 && job.next.load() >= job.count; };
        // The caller's thread is the one that may be asked to stop, so it goes on asking for the others.
        while (!left_.wait_for(lock, POLL_INTERVAL, finished)) {
            lock.unlock();
            if (interrupt) interrupt->should_stop();
            lock.lock();
        }
        const auto at = std::find(jobs_.begin(), jobs_.end(), &job);
        if (at != jobs_.end()) jobs_.erase(at);
    }
    if (job.error) std::rethrow_exception(job.error);
}

}  // namespace vecdb
