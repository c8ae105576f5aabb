#include "pool.hpp"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <system_error>
#include <thread>

#include "quota.hpp"

namespace betadist {
namespace {

std::atomic<Pool*> process_pool = nullptr;

void forget_pool() { process_pool.store(nullptr, std::memory_order_relaxed); }

// When the library is loaded: a fork must not find another thread half-way through this.
[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, forget_pool);

// Signals are for the threads that the process knows of; a new thread takes over this one's mask.
class NoSignals {
   public:
    NoSignals() {
        sigset_t every;
        sigfillset(&every);
        pthread_sigmask(SIG_SETMASK, &every, &saved_);
    }
    ~NoSignals() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }

   private:
    sigset_t saved_;
};

}  // namespace

// Everything but `next` belongs to the pool's mutex.
struct Pool::Job {
    const Task& task;
    std::vector<std::size_t> free_parts;
    std::atomic<std::size_t> next = 0;
    std::size_t helpers = 0;
    std::condition_variable left{};

    Job(const Task& task, std::size_t parts) : task(task), free_parts(parts - 1) {
        for (std::size_t i = 0; i + 1 < parts; ++i) free_parts[i] = parts - 1 - i;
    }

    bool wants_help() const {
        return !free_parts.empty() && next.load(std::memory_order_relaxed) < task.chunks;
    }

    bool run_one(std::size_t part) {
        const std::size_t chunk = next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= task.chunks) return false;
        task.run(task.context, part, chunk);
        return true;
    }
};

Pool& Pool::shared() {
    Pool* pool = process_pool.load(std::memory_order_acquire);
    if (pool != nullptr) return *pool;
    Pool* const made = new Pool(cpu_quota());
    if (process_pool.compare_exchange_strong(pool, made)) return *made;
    delete made;
    return *pool;
}

void Pool::run(const Task& task, std::size_t parts) {
    const auto most = static_cast<std::size_t>(std::max(1, limit()));
    parts = std::min({parts, most, task.chunks});
    if (parts <= 1) {
        for (std::size_t chunk = 0; chunk < task.chunks; ++chunk) task.run(task.context, 0, chunk);
        return;
    }
    Job job(task, parts);
    {
        const std::lock_guard lock(mutex_);
        start(parts - 1);
        keep_off_this_cpu();
        jobs_.push_back(&job);
        open_.store(jobs_.size(), std::memory_order_relaxed);
    }
    wanted_.notify_one();
    while (job.run_one(0)) {
    }
    finish(job);
}

void Pool::finish(Job& job) {
    std::unique_lock lock(mutex_);
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    open_.store(jobs_.size(), std::memory_order_relaxed);
    job.left.wait(lock, [&] { return job.helpers == 0; });
}

// Called with the mutex held.
void Pool::start(std::size_t helpers) {
    if (helpers_.size() >= helpers) return;
    const NoSignals scope;
    try {
        helpers_.reserve(helpers);
        while (helpers_.size() < helpers) {
            std::thread helper(&Pool::serve, this);
            helpers_.push_back(helper.native_handle());
            helper.detach();
            kept_off_ = unknown;
        }
    } catch (const std::system_error&) {
        // No more threads to be had: those there are do the work.
    }
}

// Called with the mutex held, before the caller's job is there. Where few CPUs are half busy Linux
// looks for no idle one (SIS_UTIL): it leaves a helper on the CPU of the caller that wakes it, and
// that works on. Of 2 ms of work after 3 of sleep a helper did nothing half of the time. Many
// helpers find a CPU; those of several callers go where there is one.
void Pool::keep_off_this_cpu() {
#if defined(__linux__)
    const bool alone = jobs_.empty() && helpers_.size() <= few;
    const int cpu = alone ? sched_getcpu() : none;
    if (cpu == kept_off_) return;
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) return;
    if (cpu != none) CPU_CLR(static_cast<std::size_t>(cpu), &cpus);
    if (CPU_COUNT(&cpus) == 0) return;
    for (const pthread_t helper : helpers_) pthread_setaffinity_np(helper, sizeof cpus, &cpus);
    kept_off_ = cpu;
#endif
}

void Pool::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        Job* job = nullptr;
        wanted_.wait(lock, [&] { return (job = next_job()) != nullptr; });
        const std::size_t part = job->free_parts.back();
        job->free_parts.pop_back();
        ++job->helpers;
        lock.unlock();
        // Each thread that wakes up wakes two: 64 are up after 6 wake-ups.
        wanted_.notify_one();
        wanted_.notify_one();
        // One of several jobs gets a chunk done, then it is the next one's turn.
        while (job->run_one(part) && open_.load(std::memory_order_relaxed) == 1) {
        }
        lock.lock();
        job->free_parts.push_back(part);
        if (--job->helpers == 0) job->left.notify_one();
    }
}

// The job that has waited longest for a thread; it goes to the end of the line.
Pool::Job* Pool::next_job() {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [](const Job* job) { return job->wants_help(); });
    if (found == jobs_.end()) return nullptr;
    std::rotate(found, found + 1, jobs_.end());
    return jobs_.back();
}

}  // namespace betadist
