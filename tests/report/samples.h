// Results of three real runs (scripts/golden/report_samples.py), one a task.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cairn/base/atomic_file.h"
#include "cairn/base/json.h"

namespace cairn::test {

inline constexpr const char* kSamples[] = {"binary", "regression", "multiclass"};

inline Json sample(const std::string& task) {
  return Json::parse(read_file(std::string(CAIRN_SOURCE_DIR) + "/tests/report/" + task + ".json"));
}

}  // namespace cairn::test
