// Private to base/: threads that stay awake between short loops. A loop of ten microseconds is over before a
// scheduler has woken anybody; a predicted picture is fifty such loops in a row.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>

namespace cairn::parallel_detail {

// Calls to a body by its number, one indirect call each.
struct Chunks {
  std::int64_t count = 0;
  const void* object = nullptr;
  void (*call)(const void* object, std::int64_t chunk) = nullptr;
};

// One for the process. Its workers look for chunks for some 100 us after the last ones and sleep then;
// whoever has a loop takes chunks himself and waits for nobody who has not begun one.
class Team {
 public:
  static Team& of_process();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  // Runs all chunks on this thread and up to threads - 1 others, and throws what the first that failed threw;
  // the others are run all the same. False, and nothing is done: the team works for another thread.
  bool run(int threads, const Chunks& chunks);
  static constexpr std::int64_t kMostChunks = 0xffffffff;

 private:
  Team() = default;
  void work(int worker);
  bool take_one();  // false: none is left
  void sleep(std::uint64_t seen);
  void hire(int workers);

  // The number of the loop, and below it how many of its chunks nobody has taken yet. Whoever lowers it has a
  // chunk of that loop, which cannot end without him.
  alignas(64) std::atomic<std::uint64_t> left_{0};
  alignas(64) std::atomic<std::int64_t> done_{0};
  std::atomic<int> wanted_{0}, asleep_{0};  // workers: for this loop, and those that must be woken
  Chunks chunks_;
  std::exception_ptr first_;
  std::mutex guard_;  // of first_ and of falling asleep
  std::condition_variable wake_;
  std::atomic<bool> taken_{false};
  int hired_ = 0;
};

}  // namespace cairn::parallel_detail
