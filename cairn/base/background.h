// One piece of work that goes on beside the caller: reading the next batch while this one is learned from.
// Its loops run on its own thread: the caller's have the others, and a thread that ends soon would leave the
// scheduler's place for its loops behind.
#pragma once

#include <functional>
#include <future>
#include <utility>

#include "cairn/base/parallel.h"

namespace cairn {

class Background {
 public:
  Background() = default;
  explicit Background(std::function<void()> work)
      : done_(std::async(std::launch::async, [work = std::move(work)] {
          const parallel_detail::LoopsStayHere here;
          work();
        })) {}
  bool running() const { return done_.valid(); }
  void wait() { done_.get(); }  // rethrows what the work threw

 private:
  std::future<void> done_;  // its destructor waits
};

}  // namespace cairn
