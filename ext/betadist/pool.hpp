// Threads that live on between calls. A call hands out its chunks one at a time, to itself and to
// those threads of the pool that have nothing else to do: it never waits for a busy pool.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace betadist {

// One call's work: run(context, part, chunk) for every chunk. No two threads are in the same part
// at once, so what belongs to a part needs no lock.
struct Task {
    void (*run)(const void* context, std::size_t part, std::size_t chunk) noexcept;
    const void* context;
    std::size_t chunks;
};

class Pool {
   public:
    // Of at most `limit` threads, a caller among them. No thread starts before it is needed.
    explicit Pool(int limit) : limit_(limit) {}

    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // The pool of this process, limited to its CPU quota. It is never destroyed: its threads may
    // sleep, or help a thread that the interpreter left behind, while the process exits. After a
    // fork the child, which has none of the threads, gets a pool of its own.
    static Pool& shared();

    int limit() const { return limit_.load(std::memory_order_relaxed); }
    void set_limit(int most) { limit_.store(most, std::memory_order_relaxed); }

    // Returns when all is done, by the calling thread and up to `parts` - 1 others.
    void run(const Task& task, std::size_t parts);

   private:
    struct Job;
    static constexpr std::size_t few = 8;
    static constexpr int none = -1, unknown = -2;

    ~Pool() = default;  // only of a pool that has no threads
    void start(std::size_t helpers);
    void keep_off_this_cpu();
    void serve();
    Job* next_job();
    void finish(Job& job);

    std::atomic<int> limit_;
    std::atomic<std::size_t> open_ = 0;  // jobs_.size()
    std::mutex mutex_;
    std::condition_variable wanted_;
    std::vector<Job*> jobs_;
    std::vector<pthread_t> helpers_;
    int kept_off_ = unknown;  // the CPU that the helpers may not run on
};

}  // namespace betadist
