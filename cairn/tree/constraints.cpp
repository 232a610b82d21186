#include "cairn/tree/constraints_internal.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"

namespace cairn::tree {
namespace {

std::int32_t number_of(std::string_view name, const TreeFeatures& features, std::string_view learner,
                       const char* parameter) {
  std::vector<std::string> names;
  for (std::size_t f = 0; f < features.list().size(); ++f) {
    if (features.list()[f].name == name) return static_cast<std::int32_t>(f);
    names.push_back(features.list()[f].name);
  }
  throw UsageError(fmt::format("{}.{}", learner, parameter), fmt::format("there is no feature '{}'", name),
                   suggestion(name, names));
}

}  // namespace

std::vector<std::int8_t> monotone_of(const std::vector<std::string>& demands, const TreeFeatures& features,
                                     std::string_view learner) {
  std::vector<std::int8_t> directions(demands.empty() ? 0 : features.list().size());
  for (const std::string& demand : demands) {
    const char sign = demand.empty() ? ' ' : demand.back();
    if (sign != '+' && sign != '-')
      throw UsageError(fmt::format("{}.monotone", learner),
                       fmt::format("'{}' does not end in + or -", demand),
                       "age+ lets the prediction only rise with age.");
    const std::int32_t f =
        number_of(std::string_view(demand).substr(0, demand.size() - 1), features, learner, "monotone");
    if (features.list()[static_cast<std::size_t>(f)].category)
      throw UsageError(fmt::format("{}.monotone", learner),
                       fmt::format("'{}' holds categories, which have no order",
                                   features.list()[static_cast<std::size_t>(f)].name));
    directions[static_cast<std::size_t>(f)] = sign == '+' ? 1 : -1;
  }
  return directions;
}

std::vector<std::vector<std::int32_t>> interactions_of(const std::vector<std::string>& groups,
                                                       const TreeFeatures& features,
                                                       std::string_view learner) {
  std::vector<std::vector<std::int32_t>> all;
  for (const std::string& group : groups) {
    std::vector<std::int32_t>& members = all.emplace_back();
    for (std::size_t begin = 0; begin <= group.size();) {
      const std::size_t end = std::min(group.find(',', begin), group.size());
      members.push_back(
          number_of(std::string_view(group).substr(begin, end - begin), features, learner, "interactions"));
      begin = end + 1;
    }
  }
  return all;
}

std::vector<std::uint8_t> may_meet(const std::vector<std::vector<std::int32_t>>& groups,
                                   const std::vector<std::int32_t>& asked, std::int64_t features) {
  std::vector<std::uint8_t> together(static_cast<std::size_t>(features));
  if (asked.size() == 1) together[static_cast<std::size_t>(asked[0])] = 1;
  for (const auto& group : groups) {
    const auto in_group = [&](std::int32_t f) { return std::ranges::find(group, f) != group.end(); };
    if (!std::ranges::all_of(asked, in_group)) continue;
    for (const std::int32_t f : group) together[static_cast<std::size_t>(f)] = 1;
  }
  return together;
}

}  // namespace cairn::tree
