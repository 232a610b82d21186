#include "cairn/base/stop.h"

#include <chrono>

#include "cairn/base/error.h"

namespace cairn {
namespace {

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

bool StopToken::requested() const { return asked() || (changed_ && now() >= hard_); }

bool StopToken::time_is_up() const {
  if (!changed_ || now() < soft_) return false;
  changed_->store(true, std::memory_order_relaxed);
  return true;
}

void StopToken::throw_if_requested(const char* where) const {
  if (asked()) throw Interrupted(where, "stopped on request");
  if (changed_ && now() >= hard_)
    throw ResourceError("--time-limit",
                        std::string("it ran out during ") + where + ", which cannot end early",
                        "Raise it, use fewer rows, or choose a learner that goes step by step.");
}

StopToken StopToken::within(double soft, double hard) const {
  constexpr double kNano = 1e9, kLongest = 1e9;  // seconds; beyond it nothing waits
  StopToken token = *this;
  token.changed_ = std::make_shared<std::atomic<bool>>(false);
  token.soft_ = now() + static_cast<std::int64_t>(kNano * (soft < kLongest ? soft : kLongest));
  token.hard_ = now() + static_cast<std::int64_t>(kNano * (hard < kLongest ? hard : kLongest));
  return token;
}

StopToken StopSource::token() const {
  StopToken token;
  token.flag_ = flag_;
  return token;
}

}  // namespace cairn
