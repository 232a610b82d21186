#include "cairn/data/split_plan.h"

#include <fmt/format.h>

#include <cmath>

namespace cairn {
namespace {

std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out(text.substr(0, kMost));
  if (text.size() > kMost) {
    // A character of several bytes is cut before it, not in it.
    while (!out.empty() && (static_cast<unsigned char>(text[out.size()]) & 0xC0) == 0x80) out.pop_back();
    out += "...";
  }
  return out;
}

// What a person would look at: a text of each of the two rows, or where they differ.
std::string example_of(const Dataset& data, const NearCopies& copies) {
  const Table features = data.features();
  for (const Column& c : features.columns())
    if (c.kind() == ColumnKind::text && !c.is_missing(copies.first) && !c.is_missing(copies.second))
      return fmt::format("'{}' and '{}'", shortened(c.text_at(copies.first)),
                         shortened(c.text_at(copies.second)));
  for (const Column& c : features.columns())
    if (c.cell(copies.first) != c.cell(copies.second))
      return fmt::format("'{}' is '{}' and '{}'", c.name(), c.cell(copies.first), c.cell(copies.second));
  return "";
}

Warning near_duplicates(const Dataset& data, const NearCopies& copies) {
  const std::string example = example_of(data, copies);
  return {"near_duplicates", "",
          fmt::format(
              "{} of {} rows are nearly the same as another, such as {} and {}{}. Who has seen one knows the "
              "other: a split keeps them on one side; --split random deals out single rows.",
              copies.near_rows, data.num_rows(), copies.first + 1, copies.second + 1,
              example.empty() ? "" : fmt::format(" ({})", example))};
}

Warning time_order(const Dataset& data, const TimeOrder& time) {
  std::string text = time.is_date ? fmt::format("'{}' is a date{}", time.column,
                                                time.in_order ? " and the rows stand in its order" : "")
                                  : fmt::format("'{}' grows from row to row", time.column);
  if (!std::isnan(time.alike)) {
    constexpr double kCertain = 1e-4;
    text += time.p < kCertain
                ? fmt::format(", and neighbours in time have alike '{}' ({:.2f} of 1)", data.roles().target,
                              time.alike)
                : fmt::format(", though neighbours in time are no more alike in '{}' than others",
                              data.roles().target);
  }
  return {
      "time_order", time.column,
      fmt::format(
          "{}. A random split judges on rows between those it has learned from; if the model is for later "
          "rows, judge on the latest: --time {}.",
          text, time.column)};
}

}  // namespace

SplitPlan plan_split(const Dataset& data, bool near_copies, const StopToken& stop) {
  SplitPlan plan;
  if (!data.roles().group.empty() || !data.roles().time.empty()) return plan;
  if (near_copies) plan.copies = find_near_copies(data, stop);
  if (plan.copies.near_rows > 0) plan.warnings.push_back(near_duplicates(data, plan.copies));
  if (plan.copies.everywhere)
    plan.warnings.push_back(
        {"near_duplicates_everywhere", "",
         "So many rows are nearly the same as others that they are no copies of single cases; only "
         "identical rows are kept together. If they come in groups, name the column: --group COL."});
  plan.time = find_time_order(data);
  if (plan.time) plan.warnings.push_back(time_order(data, *plan.time));
  return plan;
}

}  // namespace cairn
