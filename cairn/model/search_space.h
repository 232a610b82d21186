// What `tune` looks through: parameters, each with a range or a list of values, read from the learner's
// declaration (base/params.h) or narrowed by a person.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/model/selection.h"

namespace cairn {

struct SearchAxis {
  std::string name;  // as --set takes it: "C", "tf_idf.min_df"
  SearchRange range;
  bool whole = false;  // whole numbers
};
using SearchSpace = std::vector<SearchAxis>;

// The axes that `said` names, or every one that the learner declares, but those that `fixed` sets. An axis is
// said as "C" (its declared range), "C=0.01..100:log" (or :linear, :near_one; without one the declared scale)
// or "weights=uniform,distance" (with ';' where values hold commas). UsageError: nothing is left to search, a
// parameter that is not there or stands twice or is set too, a range that is none; ParamError: values that
// the parameter refuses.
SearchSpace search_space(const LearnerEntry& entry, const Registry& registry, const Settings& fixed,
                         const std::vector<std::string>& said);

// The value at the share u in [0, 1) of an axis, as it is typed: at most four significant digits (of 1 -
// value on the scale near_one), so that what was tried can be set by hand.
std::string value_at(const SearchAxis& axis, double u);

// At most `points` values of a range, both ends among them, or all of a list.
std::vector<std::string> grid_of(const SearchAxis& axis, std::int64_t points);

// How many different values an axis has; infinity for a range of numbers.
double num_values(const SearchAxis& axis);

std::string to_text(const Settings& settings);  // "C=10, penalty=l1"

}  // namespace cairn
