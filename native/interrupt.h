// What can stop a long native call: a deadline, or the caller's own check (Python signals).
#pragma once
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include <atomic>

namespace vecdb {

inline int64_t monotonic_nanoseconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

// Shared by all threads of one call, made on the calling thread: only that thread runs `check`, at most every 50 ms.
class Interrupt {
  public:
    enum Reason { NONE = 0, DEADLINE = 1, CHECK = 2 };
    typedef bool (*Check)(void*);  // true: stop

    explicit Interrupt(int64_t deadline_nanoseconds = 0, Check check = nullptr, void* argument = nullptr)
        : deadline_(deadline_nanoseconds), check_(check), argument_(argument), owner_(pthread_self()) {}

    // Cheap enough for every few microseconds of work; safe from any thread.
    bool should_stop() {
        if (reason_.load(std::memory_order_relaxed) != NONE) return true;
        if (deadline_ == 0 && check_ == nullptr) return false;
        const int64_t now = monotonic_nanoseconds();
        if (deadline_ != 0 && now >= deadline_) {
            reason_.store(DEADLINE, std::memory_order_relaxed);
            return true;
        }
        return check_ != nullptr && pthread_equal(owner_, pthread_self()) && run_check(now);
    }

    Reason reason() const { return reason_.load(std::memory_order_relaxed); }

  private:
    bool run_check(int64_t now) {
        if (next_check_ == 0) next_check_ = now + CHECK_INTERVAL;
        if (now < next_check_) return false;
        next_check_ = now + CHECK_INTERVAL;
        if (!check_(argument_)) return false;
        reason_.store(CHECK, std::memory_order_relaxed);
        return true;
    }

    static constexpr int64_t CHECK_INTERVAL = 50 * 1000000;
    int64_t deadline_;
    Check check_;
    void* argument_;
    pthread_t owner_;
    int64_t next_check_ = 0;
    std::atomic<Reason> reason_{NONE};
};

}  // namespace vecdb
