#include <chrono>
#include <exception>
#include <thread>

#include "cairn/base/parallel_team_internal.h"

namespace cairn::parallel_detail {
namespace {

constexpr int kUnit = 32;  // bits of the number of chunks

std::uint64_t remaining(std::uint64_t left) { return left & Team::kMostChunks; }

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Looks again and again, for a while: f() is true when there is something. False: nothing came.
template <class F>
bool look_for(F&& f) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kPatience = std::chrono::microseconds(100);
  constexpr int kLooks = 64;  // between two looks at the clock
  const Clock::time_point end = Clock::now() + kPatience;
  do
    for (int i = 0; i < kLooks; ++i) {
      if (f()) return true;
      pause();
    }
  while (Clock::now() < end);
  return false;
}

}  // namespace

Team& Team::of_process() {
  static Team& team = *new Team;  // its workers never end
  return team;
}

bool Team::take_one() {
  std::uint64_t left = left_.load(std::memory_order_acquire);
  do
    if (remaining(left) == 0) return false;
  while (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel));
  try {
    chunks_.call(chunks_.object, chunks_.count - static_cast<std::int64_t>(remaining(left)));
  } catch (...) {
    const std::lock_guard lock(guard_);
    if (!first_) first_ = std::current_exception();
  }
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void Team::sleep(std::uint64_t seen) {
  std::unique_lock lock(guard_);
  asleep_.fetch_add(1);
  wake_.wait(lock, [&] { return left_.load() != seen; });
  asleep_.fetch_sub(1);
}

void Team::work(int worker) {
  for (;;) {
    const std::uint64_t seen = left_.load(std::memory_order_acquire);
    if (worker < wanted_.load(std::memory_order_relaxed) && take_one()) continue;
    if (!look_for([&] { return left_.load(std::memory_order_relaxed) != seen; })) sleep(seen);
  }
}

void Team::hire(int workers) {
  while (hired_ < workers) {
    try {
      std::thread([this, worker = hired_] { work(worker); }).detach();
    } catch (const std::exception&) {
      return;  // no more threads can be had: those there are do it
    }
    ++hired_;
  }
}

bool Team::run(int threads, const Chunks& chunks) {
  if (taken_.exchange(true, std::memory_order_acquire)) return false;
  hire(threads - 1);
  chunks_ = chunks;
  done_.store(0, std::memory_order_relaxed);
  wanted_.store(threads - 1, std::memory_order_relaxed);
  const std::uint64_t loop = (left_.load(std::memory_order_relaxed) >> kUnit) + 1;
  left_.store(loop << kUnit | static_cast<std::uint64_t>(chunks.count));
  if (asleep_.load() > 0) {
    const std::lock_guard lock(guard_);  // nobody is between his last look and his sleep
    wake_.notify_all();
  }
  while (take_one()) {
  }
  const auto all_done = [&] { return done_.load(std::memory_order_acquire) == chunks.count; };
  while (!look_for(all_done)) std::this_thread::yield();  // more threads than cores
  std::exception_ptr failure;
  std::swap(failure, first_);
  taken_.store(false, std::memory_order_release);
  if (failure) std::rethrow_exception(failure);
  return true;
}

}  // namespace cairn::parallel_detail
