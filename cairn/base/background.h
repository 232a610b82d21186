// One piece of work that goes on beside the caller: reading the next batch while this one is learned from.
#pragma once

#include <functional>
#include <future>
#include <utility>

namespace cairn {

class Background {
 public:
  Background() = default;
  explicit Background(std::function<void()> work) : done_(std::async(std::launch::async, std::move(work))) {}
  bool running() const { return done_.valid(); }
  void wait() { done_.get(); }  // rethrows what the work threw

 private:
  std::future<void> done_;  // its destructor waits
};

}  // namespace cairn
