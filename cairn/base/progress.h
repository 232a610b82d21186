// How long work tells of itself. The library reports; whoever started the work decides whether a person sees
// it.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn {

class Progress {
 public:
  virtual ~Progress() = default;
  // A named stretch of work begins: "reading", "fold 2 of 5". `total` units, or 0 when not known.
  virtual void begin(std::string_view phase, std::int64_t total) = 0;
  virtual void advance(std::int64_t units) = 0;
  virtual void rename(std::string_view /*phase*/) {}  // of the stretch that goes on: "epoch 3 of 20"
  virtual void end() = 0;
  virtual void remark(std::string_view text) = 0;  // one line for the person
};

}  // namespace cairn
