// Loops on threads that stay awake: the same chunks as elsewhere, each once; errors come back; a second
// thread is not kept waiting; threads that have fallen asleep are woken.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/parallel_team_internal.h"

using namespace cairn;

namespace {

struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { set_num_threads(2); }
};

std::vector<std::pair<std::int64_t, std::int64_t>> chunks_of(std::int64_t n, std::int64_t grain) {
  std::vector<std::pair<std::int64_t, std::int64_t>> seen(static_cast<std::size_t>((n + grain - 1) / grain),
                                                          {-1, -1});
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    auto& one = seen[static_cast<std::size_t>(begin / grain)];
    CHECK(one.first == -1);
    one = {begin, end};
  });
  return seen;
}

void for_a_while(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace

TEST_CASE("short loops: every chunk once, as in any other loop") {
  for (const int threads : {1, 2, 7}) {
    const Threads with(threads);
    for (int round = 0; round < 2000; ++round) {
      const std::int64_t n = 1 + round * 37 % 211, grain = 1 + round % 9;
      const auto expected = chunks_of(n, grain);
      const ManyShortLoops loops;
      CHECK(chunks_of(n, grain) == expected);
    }
  }
}

TEST_CASE("short loops: others help, also after they have fallen asleep") {
  const Threads with(2);
  const ManyShortLoops loops;
  for (const int pause_ms : {0, 5}) {  // longer than they stay awake
    bool helped = false;
    for (int round = 0; round < 200 && !helped; ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
      std::set<std::thread::id> ids;
      std::mutex guard;
      parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
        for_a_while(std::chrono::microseconds(500));
        const std::lock_guard lock(guard);
        ids.insert(std::this_thread::get_id());
      });
      helped = ids.size() == 2;
    }
    CHECK(helped);
  }
}

TEST_CASE("short loops: the first error comes back and the next loop is whole") {
  const Threads with(2);
  const ManyShortLoops loops;
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    CHECK_THROWS_AS(parallel_for(20, 1,
                                 [&](std::int64_t begin, std::int64_t) {
                                   ++ran;
                                   if (begin % 7 == 3) throw std::runtime_error("chunk");
                                 }),
                    std::runtime_error);
    CHECK(ran == 20);
    CHECK(chunks_of(20, 3).size() == 7);
  }
}

TEST_CASE("short loops: a stop is obeyed, loops within loops and loops of several threads run") {
  const Threads with(2);
  StopSource stop;
  stop.request();
  std::vector<std::thread> callers;
  std::atomic<std::int64_t> sum{0};
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      const ManyShortLoops loops;
      for (int round = 0; round < 300; ++round)
        parallel_for(6, 1, [&](std::int64_t begin, std::int64_t) {
          parallel_for(5, 1, [&](std::int64_t inner, std::int64_t) { sum += begin * 5 + inner; });
        });
    });
  for (std::thread& t : callers) t.join();
  CHECK(sum == 4 * 300 * (29 * 30 / 2));
  const ManyShortLoops loops;
  CHECK_THROWS_AS(parallel_for(6, 1, [](std::int64_t, std::int64_t) {}, stop.token()), Interrupted);
}
