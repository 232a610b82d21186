#include "cairn/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/parallel_team_internal.h"

#if CAIRN_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif

namespace cairn {
namespace {

// Asked once: the answer comes from files of the system, which would cost more than a small loop.
int default_threads() {
  static const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return cores;
}

// Zero means "not set". One number for the process, as the machine has one set of cores.
std::atomic<int> thread_limit{0};

thread_local bool loops_stay_here = false, loops_are_short = false;
thread_local int depth = 0;  // chunks that this thread is within

#if CAIRN_TBB
// More threads than cores are allowed (the tests ask for 7 on 2 cores), so the global limit follows the
// request.
void keep_global_limit(int threads) {
  static std::mutex guard;
  static auto& limit = *new std::unique_ptr<tbb::global_control>;  // outlives every loop
  static std::atomic<int> kept{0};
  if (kept.load(std::memory_order_acquire) == threads) return;
  const std::lock_guard lock(guard);
  limit.reset();
  limit = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                static_cast<std::size_t>(threads));
  kept.store(threads, std::memory_order_release);
}

// The arena of the calling thread's loops, kept: one that ended with its loop would stay until a worker had
// looked at it, which is late on a busy machine (57 MB of ended arenas in six seconds of boosting).
tbb::task_arena& own_arena(int threads) {
  thread_local std::unique_ptr<tbb::task_arena> arena;
  thread_local int size = 0;
  if (size != threads) {
    arena = std::make_unique<tbb::task_arena>(threads);
    size = threads;
  }
  return *arena;
}
#endif

}  // namespace

void set_num_threads(int n) {
  if (n < 1) throw ParamError("", "threads = " + std::to_string(n) + " is outside [1, inf)");
  thread_limit = n;
}

int num_threads() {
  const int n = thread_limit.load(std::memory_order_relaxed);
  return n > 0 ? n : default_threads();
}

namespace parallel_detail {

LoopsStayHere::LoopsStayHere() : before_(std::exchange(loops_stay_here, true)) {}
LoopsStayHere::~LoopsStayHere() { loops_stay_here = before_; }

namespace {
struct Within {
  Within() { ++depth; }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;
  ~Within() { --depth; }
};
}  // namespace

void run(std::int64_t n, std::int64_t grain, Body body, const StopToken& stop) {
  if (n <= 0) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t chunks = (n + grain - 1) / grain;
  const auto one = [&](std::int64_t chunk) {
    if (stop.requested()) return;
    const Within within;
    body.call(body.object, chunk * grain, std::min(n, (chunk + 1) * grain));
  };
  const int threads = num_threads();
  if (chunks == 1 || threads == 1 || loops_stay_here) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) one(chunk);
    stop.throw_if_requested("parallel work");
    return;
  }
  if (loops_are_short && depth == 0 && chunks <= Team::kMostChunks) {
    const Chunks all{chunks, &one, [](const void* f, std::int64_t chunk) {
                       (*static_cast<const decltype(one)*>(f))(chunk);
                     }};
    if (Team::of_process().run(threads, all)) return stop.throw_if_requested("parallel work");
  }
#if CAIRN_TBB
  keep_global_limit(threads);
  own_arena(threads).execute([&] {
    // A thread that waits for this loop's end takes no part in the loops around it: their bodies may hold
    // what this one needs.
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(
          tbb::blocked_range<std::int64_t>(0, chunks, 1),
          [&](const tbb::blocked_range<std::int64_t>& range) {
            for (std::int64_t chunk = range.begin(); chunk != range.end(); ++chunk) one(chunk);
          },
          tbb::simple_partitioner());
    });
  });
#else
  std::atomic<std::int64_t> next{0};
  std::exception_ptr first;
  std::mutex guard;
  const auto work = [&] {
    const LoopsStayHere here;  // a nested loop runs on its own thread
    for (std::int64_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      try {
        one(chunk);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (!first) first = std::current_exception();
        next = chunks;
      }
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < std::min<std::int64_t>(threads, chunks); ++t) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
  if (first) std::rethrow_exception(first);
#endif
  stop.throw_if_requested("parallel work");
}

}  // namespace parallel_detail

ManyShortLoops::ManyShortLoops() : before_(std::exchange(loops_are_short, true)) {}
ManyShortLoops::~ManyShortLoops() { loops_are_short = before_; }

}  // namespace cairn
