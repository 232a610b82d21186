// Threads. Only parallel.cpp knows the scheduler. No sum, and no cut of a loop that could change a number,
// depends on how many threads there are: same data, same bytes.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "cairn/base/stop.h"

namespace cairn {

// How many threads parallel work may use in this process; the default is the number of cores. n >= 1.
void set_num_threads(int n);
int num_threads();

namespace parallel_detail {
struct Body {  // a callable by reference, one indirect call a chunk
  void* object;
  void (*call)(void* object, std::int64_t begin, std::int64_t end);
};
void run(std::int64_t n, std::int64_t grain, Body body, const StopToken& stop);

// While it lives, parallel_for of this thread runs all chunks on this thread, in order.
class LoopsStayHere {
 public:
  LoopsStayHere();
  ~LoopsStayHere();
  LoopsStayHere(const LoopsStayHere&) = delete;
  LoopsStayHere& operator=(const LoopsStayHere&) = delete;

 private:
  bool before_;
};
}  // namespace parallel_detail

// While it lives, loops of this thread that are in no other loop go to threads that stay awake between them:
// many short loops are about to come, none of which has loops within.
class ManyShortLoops {
 public:
  ManyShortLoops();
  ~ManyShortLoops();
  ManyShortLoops(const ManyShortLoops&) = delete;
  ManyShortLoops& operator=(const ManyShortLoops&) = delete;

 private:
  bool before_;
};

// Calls body(begin, end) on consecutive chunks of [0, n), each `grain` long but the last. Chunks run in any
// order, on any thread; the first exception is rethrown here. A requested stop skips the chunks not yet begun
// and throws Interrupted. Below about 5 us of work a parallel loop costs more than it brings: choose `grain`
// so that small work is one chunk.
template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, F&& body, const StopToken& stop = {}) {
  using Fn = std::remove_reference_t<F>;
  parallel_detail::run(n, grain,
                       {const_cast<void*>(static_cast<const void*>(&body)),
                        [](void* o, std::int64_t b, std::int64_t e) { (*static_cast<Fn*>(o))(b, e); }},
                       stop);
}

// A reduction of fixed shape: map(begin, end) -> T on consecutive blocks of `block` items, the results
// combined in a balanced tree in block order: combine(T& into, const T& other). T must be
// default-constructible.
template <class T, class Map, class Combine>
T parallel_reduce(std::int64_t n, std::int64_t block, Map&& map, Combine&& combine,
                  const StopToken& stop = {}) {
  if (n <= 0) return T{};
  std::vector<T> parts(static_cast<std::size_t>((n + block - 1) / block));
  parallel_for(
      n, block,
      [&](std::int64_t b, std::int64_t e) { parts[static_cast<std::size_t>(b / block)] = map(b, e); }, stop);
  for (std::size_t width = 1; width < parts.size(); width *= 2)
    for (std::size_t i = 0; i + width < parts.size(); i += 2 * width) combine(parts[i], parts[i + width]);
  return std::move(parts[0]);
}

}  // namespace cairn
