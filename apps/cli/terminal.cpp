#include "apps/cli/terminal.h"

#include <fmt/color.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cairn/base/json.h"

namespace cairn::cli {
namespace {

bool no_colour() {
  const char* set = std::getenv("NO_COLOR");
  return set != nullptr && set[0] != '\0';
}

}  // namespace

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) != 0; }
bool use_colour() { return stdout_is_terminal() && !no_colour(); }

int terminal_width() {
  winsize size{};
  constexpr int kPipeWidth = 100;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return kPipeWidth;
  return std::min<int>(size.ws_col, 140);
}

TerminalProgress::TerminalProgress(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO) != 0) {}
TerminalProgress::~TerminalProgress() { clear(); }

void TerminalProgress::begin(std::string_view phase, std::int64_t total) {
  phase_ = phase;
  total_ = total;
  done_ = 0;
  active_ = true;
  start_ = std::chrono::steady_clock::now();
  drawn_ = {};
  draw();
}

void TerminalProgress::advance(std::int64_t units) {
  done_ += units;
  draw();
}

void TerminalProgress::rename(std::string_view phase) { phase_ = phase; }

void TerminalProgress::end() {
  clear();
  active_ = false;
}

void TerminalProgress::remark(std::string_view text) {
  if (!shown_) return;
  clear();
  fmt::print(stderr, "{}\n", text);
  draw();
}

void TerminalProgress::clear() {
  if (shown_ && active_) fmt::print(stderr, "\r\033[K");
}

void TerminalProgress::draw() {
  if (!shown_ || !active_) return;
  const auto now = std::chrono::steady_clock::now();
  constexpr auto kEvery = std::chrono::milliseconds(80);
  if (now - drawn_ < kEvery) return;
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (total_ <= 0) {
    fmt::print(stderr, "\r\033[K{} {}", phase_, done_ > 0 ? std::to_string(done_) : "");
  } else {
    constexpr int kBar = 30;
    const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    const int filled = static_cast<int>(share * kBar);
    const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
    fmt::print(stderr, "\r\033[K{} {}{} {:3.0f} %  {:.3g}/s  {:.0f} s left", phase_,
               std::string(static_cast<std::size_t>(filled), '#'),
               std::string(static_cast<std::size_t>(kBar - filled), '.'), share * 100, rate, left);
  }
  std::fflush(stderr);
}

void print_warnings(const std::vector<Warning>& warnings, bool quiet) {
  if (quiet) return;
  for (const Warning& w : warnings) fmt::print(stderr, "warning: {}\n", w.message);
}

void print_error(const Error& e, bool json) {
  if (json) {
    const Json error{
        {"error", {{"code", e.code()}, {"where", e.where()}, {"message", e.message()}, {"hint", e.hint()}}}};
    fmt::print("{}\n", error.dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  const bool colour = ::isatty(STDERR_FILENO) != 0 && !no_colour();
  if (colour)
    fmt::print(stderr, fmt::emphasis::bold | fmt::fg(fmt::terminal_color::red), "error: ");
  else
    fmt::print(stderr, "error: ");
  fmt::print(stderr, "{}\n", e.what());
}

}  // namespace cairn::cli
