#include "cairn/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "cairn/base/error.h"

#if CAIRN_TBB
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#else
#include <mutex>
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

void run(std::int64_t n, std::int64_t grain, Body body, const StopToken& stop) {
  if (n <= 0) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t chunks = (n + grain - 1) / grain;
  const auto one = [&](std::int64_t chunk) {
    if (stop.requested()) return;
    body.call(body.object, chunk * grain, std::min(n, (chunk + 1) * grain));
  };
  const int threads = num_threads();
  if (chunks == 1 || threads == 1) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) one(chunk);
    stop.throw_if_requested("parallel work");
    return;
  }
#if CAIRN_TBB
  // More threads than cores are allowed (the tests ask for 7 on 2 cores), so the global limit follows the
  // request.
  const tbb::global_control control(tbb::global_control::max_allowed_parallelism,
                                    static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::int64_t>(0, chunks, 1),
        [&](const tbb::blocked_range<std::int64_t>& range) {
          for (std::int64_t chunk = range.begin(); chunk != range.end(); ++chunk) one(chunk);
        },
        tbb::simple_partitioner());
  });
#else
  static thread_local bool inside = false;  // a nested loop runs on its own thread
  if (inside) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) one(chunk);
    stop.throw_if_requested("parallel work");
    return;
  }
  std::atomic<std::int64_t> next{0};
  std::exception_ptr first;
  std::mutex guard;
  const auto work = [&] {
    inside = true;
    for (std::int64_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      try {
        one(chunk);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (!first) first = std::current_exception();
        next = chunks;
      }
    }
    inside = false;
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
}  // namespace cairn
