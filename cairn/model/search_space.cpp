#include "cairn/model/search_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "cairn/base/suggest.h"

namespace cairn {
namespace {

// A parameter on a throwaway owner, which judges the values that a person proposes.
struct Owner {
  std::unique_ptr<Learner> learner;
  std::unique_ptr<Transform> transform;
  std::string param;  // its name there
  ParamsView params() const { return learner ? learner->params() : transform->params(); }
  const Param* find() const {
    for (const Param& p : *params().list)
      if (p.name == param) return &p;
    return nullptr;
  }
};

Owner owner_of(const std::string& name, const LearnerEntry& entry, const Registry& registry) {
  const auto dot = name.find('.');
  const std::string scope = dot == std::string::npos ? entry.name : name.substr(0, dot);
  Owner o{.param = dot == std::string::npos ? name : name.substr(dot + 1)};
  if (scope == entry.name)
    o.learner = entry.make();
  else
    o.transform = registry.transform(scope).make();
  if (o.find()) return o;
  std::vector<std::string> known;
  for (const Param& p : *o.params().list) known.push_back(p.name);
  throw UsageError("--space " + name, fmt::format("{} has no parameter '{}'", scope, o.param),
                   suggestion(o.param, known));
}

double number_of(const std::string& name, std::string_view text) {
  double v = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, v);
  if (error != std::errc{} || at != end || !std::isfinite(v))
    throw UsageError("--space " + name, fmt::format("'{}' is not a number", text),
                     fmt::format("Such as --space {}=0.01..100:log.", name));
  return v;
}

std::vector<std::string> listed(std::string_view text) {
  const char separator = text.find(';') == std::string_view::npos ? ',' : ';';
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view one = text.substr(begin, end - begin);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty() && std::ranges::find(values, one) == values.end()) values.emplace_back(one);
    begin = end + 1;
  }
  return values;
}

// "0.01..100:log" or "a,b,c".
SearchRange range_said(const std::string& name, const std::string& text, const Param& p) {
  const auto dots = text.find("..");
  if (dots == std::string::npos || (p.type != ParamType::number && p.type != ParamType::integer))
    return {.values = listed(text)};
  std::string rest = text.substr(dots + 2);
  SearchRange range{.scale = p.search && p.search->values.empty() ? p.search->scale : SearchScale::linear};
  if (const auto colon = rest.find(':'); colon != std::string::npos) {
    const std::string scale = rest.substr(colon + 1);
    rest.resize(colon);
    const std::vector<std::string> known{"linear", "log", "near_one"};
    const auto at = std::ranges::find(known, scale);
    if (at == known.end())
      throw UsageError("--space " + name,
                       fmt::format("'{}' is no scale; they are linear, log and near_one", scale),
                       suggestion(scale, known));
    range.scale = static_cast<SearchScale>(at - known.begin());
  }
  range.low = number_of(name, std::string_view(text).substr(0, dots));
  range.high = number_of(name, rest);
  return range;
}

void check_range(const std::string& name, const SearchRange& r, const Owner& owner) {
  const Param& p = *owner.find();
  const std::string where = "--space " + name;
  if (r.values.empty()) {
    if (!(r.low < r.high))
      throw UsageError(
          where, fmt::format("{}..{} is no range: the low end must be below the high end", r.low, r.high));
    if (r.scale == SearchScale::log && r.low <= 0)
      throw UsageError(where, fmt::format("a logarithmic scale begins above 0, not at {}", r.low),
                       fmt::format("Such as --space {}=0.001..{}:log, or :linear.", name, r.high));
    if (r.scale == SearchScale::near_one && r.high >= 1)
      throw UsageError(where, fmt::format("the scale near_one ends below 1, not at {}", r.high),
                       fmt::format("Such as --space {}={}..0.999:near_one.", name, r.low));
    if (p.type == ParamType::integer && (r.low != std::floor(r.low) || r.high != std::floor(r.high)))
      throw UsageError(where, fmt::format("{} takes whole numbers, not {}..{}", name, r.low, r.high));
  }
  std::vector<std::string> ends = r.values;
  if (ends.empty()) ends = {fmt::format("{}", r.low), fmt::format("{}", r.high)};
  for (const std::string& value : ends) set_param(owner.params(), owner.param, value);  // ParamError
}

SearchAxis axis_said(const std::string& text, const LearnerEntry& entry, const Registry& registry) {
  const auto equals = text.find('=');
  std::string name = text.substr(0, equals);
  if (name.starts_with(std::string(entry.name) + ".")) name = name.substr(std::string(entry.name).size() + 1);
  if (name.empty())
    throw UsageError("--space", fmt::format("'{}' names no parameter", text),
                     "Such as --space C=0.01..100:log.");
  const Owner owner = owner_of(name, entry, registry);
  const Param& p = *owner.find();
  SearchAxis axis{.name = name, .range = {}, .whole = p.type == ParamType::integer};
  if (equals != std::string::npos) {
    axis.range = range_said(name, text.substr(equals + 1), p);
    if (axis.range.values.empty() && text.find("..") == std::string::npos)
      throw UsageError("--space " + name, "no values were named",
                       fmt::format("Such as --space {}=LOW..HIGH or {}=A,B.", name, name));
  } else if (p.search) {
    axis.range = *p.search;
  } else if (p.type == ParamType::choice) {
    axis.range.values = p.rule.choices;
  } else if (p.type == ParamType::boolean) {
    axis.range.values = {"true", "false"};
  } else {
    throw UsageError("--space " + name, fmt::format("{} declares no range for it", entry.name),
                     fmt::format("Say one: --space {}=LOW..HIGH or {}=A,B.", name, name));
  }
  check_range(name, axis.range, owner);
  return axis;
}

bool is_set(const std::string& name, const LearnerEntry& entry, const Settings& fixed) {
  return std::ranges::any_of(fixed, [&](const auto& s) {
    return s.first == name || s.first == fmt::format("{}.{}", entry.name, name);
  });
}

std::string four_digits(double v) {
  const std::string text = fmt::format("{:.4g}", v);
  double back = 0;
  std::from_chars(text.data(), text.data() + text.size(), back);
  return fmt::format("{}", back);  // the shortest text that reads back: 0.001, not 1e-03
}

std::string place_in_range(const SearchRange& r, bool whole, double u) {
  double v = 0;
  if (whole) {
    // Every whole number has its own stretch of the scale, the last one too.
    v = r.scale == SearchScale::log ? std::exp(std::log(r.low) + u * (std::log(r.high + 1) - std::log(r.low)))
                                    : r.low + u * (r.high + 1 - r.low);
    return fmt::format("{}", static_cast<std::int64_t>(std::clamp(std::floor(v), r.low, r.high)));
  }
  if (r.scale == SearchScale::near_one) {
    const double gap = std::exp(std::log(1 - r.low) + u * (std::log(1 - r.high) - std::log(1 - r.low)));
    // 1 - gap to as many decimals as the gap has with four digits.
    const int decimals = 3 - static_cast<int>(std::floor(std::log10(gap)));
    return fmt::format("{}", std::clamp(std::stod(fmt::format("{:.{}f}", 1 - gap, decimals)), r.low, r.high));
  }
  v = r.scale == SearchScale::log ? std::exp(std::log(r.low) + u * (std::log(r.high) - std::log(r.low)))
                                  : r.low + u * (r.high - r.low);
  const std::string text = four_digits(v);
  const double rounded = std::stod(text);
  return rounded < r.low || rounded > r.high ? fmt::format("{}", std::clamp(rounded, r.low, r.high)) : text;
}

}  // namespace

SearchSpace search_space(const LearnerEntry& entry, const Registry& registry, const Settings& fixed,
                         const std::vector<std::string>& said) {
  SearchSpace space;
  for (const std::string& text : said) {
    SearchAxis axis = axis_said(text, entry, registry);
    if (is_set(axis.name, entry, fixed))
      throw UsageError("--space " + axis.name, "--set fixes it too", "Leave one of them out.");
    if (std::ranges::any_of(space, [&](const SearchAxis& a) { return a.name == axis.name; }))
      throw UsageError("--space " + axis.name, "stands twice");
    space.push_back(std::move(axis));
  }
  if (said.empty())
    for (const Param& p : entry.params())
      if (p.search && !p.search->when_named && !is_set(p.name, entry, fixed))
        space.push_back({.name = p.name, .range = *p.search, .whole = p.type == ParamType::integer});
  if (space.empty())
    throw UsageError("--space",
                     fixed.empty()
                         ? fmt::format("{} declares no parameter to search", entry.name)
                         : fmt::format("every parameter that {} declares for a search is set", entry.name),
                     fmt::format("Name one with its range: --space NAME=LOW..HIGH; cairn help {} shows them.",
                                 entry.name));
  return space;
}

std::string value_at(const SearchAxis& axis, double u) {
  const auto& values = axis.range.values;
  if (values.empty()) return place_in_range(axis.range, axis.whole, u);
  const auto n = static_cast<double>(values.size());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(u * n))];
}

std::vector<std::string> grid_of(const SearchAxis& axis, std::int64_t points) {
  if (!axis.range.values.empty()) return axis.range.values;
  std::vector<std::string> values;
  for (std::int64_t i = 0; i < points; ++i) {
    const double u = points == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(points - 1);
    // The ends of a range are on the grid as they were said.
    std::string value = points > 1 && i == 0            ? fmt::format("{}", axis.range.low)
                        : points > 1 && i == points - 1 ? fmt::format("{}", axis.range.high)
                                                        : place_in_range(axis.range, axis.whole, u);
    if (std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
  }
  return values;
}

double num_values(const SearchAxis& axis) {
  if (!axis.range.values.empty()) return static_cast<double>(axis.range.values.size());
  return axis.whole ? axis.range.high - axis.range.low + 1 : std::numeric_limits<double>::infinity();
}

std::string to_text(const Settings& settings) {
  std::string text;
  for (const auto& [name, value] : settings)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  return text;
}

}  // namespace cairn
