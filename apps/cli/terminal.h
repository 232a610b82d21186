// What the program says to the person: results on standard output, everything else on standard error.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/progress.h"

namespace cairn::cli {

bool stdout_is_terminal();
bool use_colour();  // standard output is a terminal and NO_COLOR is not set
int terminal_width();

// A bar with rate and time left on a terminal; silent on a pipe.
class TerminalProgress : public Progress {
 public:
  explicit TerminalProgress(bool quiet);
  ~TerminalProgress() override;
  void begin(std::string_view phase, std::int64_t total) override;
  void advance(std::int64_t units) override;
  void rename(std::string_view phase) override;
  void end() override;
  void remark(std::string_view text) override;

 private:
  void draw();
  void clear();
  bool shown_ = false, active_ = false;
  std::string phase_;
  std::int64_t total_ = 0, done_ = 0;
  std::chrono::steady_clock::time_point start_, drawn_;
};

void print_warnings(const std::vector<Warning>& warnings, bool quiet);
void print_error(const Error& error, bool json);

}  // namespace cairn::cli
