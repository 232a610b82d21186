// Data sets that stand beside the repository, not in it.
#pragma once

#include <optional>
#include <string>

namespace cairn::testing {

// The path of `name` ("adult/adult.data.gz") under $CAIRN_DATA or, without it, under
// <repository>/../shared/data. When it is not there the running test says that it is skipped, and why, in a
// line that scripts/test counts:
//
//   const auto path = shared_data("titanic/train.csv");
//   if (!path) return;
std::optional<std::string> shared_data(const std::string& name);

// A data set that ships with the repository: data/<name>.
std::string shipped_data(const std::string& name);

}  // namespace cairn::testing
