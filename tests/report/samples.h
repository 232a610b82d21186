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

// A tree, what columns do and rounds of boosting, as models of trees bring them: written by hand.
inline Json with_trees(Json result) {
  result["trees"] = Json::parse(R"({"count": 1, "leaves": 5, "leaf": "shares", "output": null, "nodes": [
    {"cover": 275.0, "question": "length <= 206.5 or missing", "yes": 1, "no": 2},
    {"cover": 163.0, "question": "island is one of <b>Biscoe</b>, Dream", "yes": 3, "no": 4},
    {"cover": 112.5, "answer": [0.0, 1.0]},
    {"cover": 100.0, "answer": [0.75, 0.25]},
    {"cover": 63.0, "leaves_below": 3}]})");
  result["partial_dependence"] = Json::parse(R"([
    {"feature": "length", "rows": 69, "numbers": [170, 190.5, 230], "rug": [170, 180, 190, 230],
     "curves": [{"output": "yes", "mean": [0.1, 0.5, 0.9], "low": [0.0, 0.2, 0.8], "high": [0.3, 0.7, 1.0]}]},
    {"feature": "island", "rows": 69, "levels": ["Biscoe", "Dream"], "share": [0.75, 0.25],
     "curves": [{"output": "yes", "mean": [0.4, 0.6], "low": [0.1, 0.2], "high": [0.5, 0.9]}]}])");
  result["loss_history"] = Json::parse("[0.69, 0.5, 0.4, 0.3, 0.2]");
  result["watched_history"] = Json::parse("[null, 0.55, 0.48, 0.5, 0.53]");
  result["kept_step"] = 3;
  result["quantiles"] = Json::parse(R"([{"level": 0.1, "below": 0.125, "low": 0.1, "high": 0.15, "n": 69}])");
  return result;
}

}  // namespace cairn::test
