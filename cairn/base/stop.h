// Asking long work to stop: Ctrl-C, a time limit, a button. Work polls its token at whole steps and ends
// cleanly.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace cairn {

class StopToken {
 public:
  StopToken() = default;   // can never be asked to stop
  bool requested() const;  // by a person, or the hard end of a time limit has passed
  // The soft end of a time limit has passed: work that goes step by step ends here with what it has. Asking
  // marks the limit as one that changed the result.
  bool time_is_up() const;
  void throw_if_requested(const char* where) const;  // Interrupted; ResourceError at the end of a time limit

  // This token with a time limit, seconds from now: time_is_up() from `soft` on, requested() from `hard` on.
  StopToken within(double soft, double hard) const;
  bool limit_changed_something() const { return changed_ && changed_->load(std::memory_order_relaxed); }

 private:
  friend class StopSource;
  bool asked() const { return flag_ && flag_->load(std::memory_order_relaxed); }
  std::shared_ptr<const std::atomic<bool>> flag_;
  std::shared_ptr<std::atomic<bool>> changed_;  // there with a time limit only
  std::int64_t soft_ = 0, hard_ = 0;            // nanoseconds of the steady clock
};

class StopSource {
 public:
  StopSource() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  void request() const { flag_->store(true, std::memory_order_relaxed); }  // safe in a signal handler
  StopToken token() const;

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

}  // namespace cairn
