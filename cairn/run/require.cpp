#include "cairn/run/require.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace cairn {

Requirement parse_bar(const std::string& expression, const std::string& hint) {
  std::string text;
  for (const char c : expression)
    if (c != ' ') text += c;
  const auto at = text.find_first_of("<>");
  const auto after =
      at == std::string::npos ? at : at + (at + 1 < text.size() && text[at + 1] == '=' ? 2 : 1);
  Requirement r{.expression = expression};
  bool fine = at != std::string::npos && at > 0;
  if (fine) {
    r.metric = text.substr(0, at);
    r.op = text.substr(at, after - at);
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + after, end, r.bound);
    fine = error == std::errc{} && stop == end;
  }
  if (!fine) throw UsageError("--require", fmt::format("'{}' is not a bar", expression), hint);
  return r;
}

Requirement parse_requirement(const std::string& expression, Task task) {
  Requirement r = parse_bar(expression, "Write metric>=number, such as accuracy>=0.9.");
  if (const Metric& m = metric(r.metric); !m.applies(task))
    throw UsageError("--require", fmt::format("{} does not apply to a {} task", r.metric, name_of(task)));
  return r;
}

bool is_met(const Requirement& r, double value) {
  if (std::isnan(value)) return false;
  if (r.op == ">=") return value >= r.bound;
  if (r.op == ">") return value > r.bound;
  if (r.op == "<=") return value <= r.bound;
  return value < r.bound;
}

}  // namespace cairn
