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

// A search by halving over a range, a range near one and a list, and the checks of a split: written by hand.
inline Json with_search(Json result) {
  result["tuning"] =
      Json::parse(R"({"method": "halving", "learner": "cnn", "budget": "epochs", "asked": 3, "rows": 275,
    "judged_by": "5-fold cross-validation", "stopped": "all 3 trials were made", "settings": "C=0.1, momentum=0.99, kind=a",
    "best": 0.9, "defaults": 0.85, "gain": {"value": 0.05, "low": -0.01, "high": 0.11}, "corrected": 0.88, "optimism": 0.02,
    "outlook": {"after": 12, "gain": 0.001, "noise": 0.004, "seeds": 5},
    "space": [{"name": "C", "range": "0.01..100:log", "low": 0.01, "high": 100, "scale": "log"},
              {"name": "momentum", "range": "0.9..0.999:near_one", "low": 0.9, "high": 0.999, "scale": "near_one"},
              {"name": "kind", "range": "a,b", "values": ["a", "b"]}],
    "trials": [
      {"number": 0, "settings": {}, "metric": 0.85, "low": 0.8, "high": 0.9, "share": 1, "chosen": false, "seconds": 1},
      {"number": 1, "settings": {"C": "0.1", "momentum": "0.99", "kind": "a"}, "metric": 0.7, "low": null, "high": null, "share": 0.3333, "chosen": false, "seconds": 1},
      {"number": 2, "settings": {"C": "1", "momentum": "0.95", "kind": "b"}, "metric": 0.6, "low": null, "high": null, "share": 0.3333, "chosen": false, "seconds": 1},
      {"number": 1, "settings": {"C": "0.1", "momentum": "0.99", "kind": "a"}, "metric": 0.9, "low": 0.85, "high": 0.95, "share": 1, "chosen": true, "seconds": 3},
      {"number": 2, "settings": {"C": "1", "momentum": "0.95", "kind": "b"}, "metric": 0.8, "low": 0.75, "high": 0.85, "share": 1, "chosen": false, "seconds": 3},
      {"number": 1, "repeat": 1, "settings": {"C": "0.1", "momentum": "0.99", "kind": "a"}, "metric": 0.89, "low": 0.8, "high": 0.9, "share": 1, "chosen": false, "seconds": 3},
      {"number": 3, "settings": {"C": "50", "momentum": "0.9", "kind": "a"}, "metric": null, "low": null, "high": null, "share": 1, "chosen": false, "seconds": 0, "note": "it <b>diverged</b>"}]})");
  result["split"]["estimates"] = Json::parse(R"([
    {"split": "copies apart", "kind": "inflated", "metric": 0.97, "low": 0.95, "high": 0.99, "shown": false},
    {"split": "copies together", "kind": "corrected", "metric": 0.91, "low": 0.88, "high": 0.94, "shown": true}])");
  result["split"]["shift"] = Json::parse(
      R"({"roc_auc": 0.83, "p": 0.00001, "rows": 400, "columns": [{"column": "month", "share": 0.6}]})");
  return result;
}

// A path of penalties of three lines, one of them of a class, whose last loss is far beyond the first:
// written by hand.
inline Json with_path(Json result) {
  result["penalty_path"] =
      Json::parse(R"({"parameter": "alpha", "loss": "mean squared error", "judged_by": "5 folds",
    "rule": "one_standard_error", "values": [100.0, 10.0, 1.0, 0.1], "mean": [9.0, 4.0, 3.5, 90.0],
    "standard_error": [1.0, 0.5, 0.75, 5.0], "least": 1.0, "chosen": 10.0, "num_coefficients": 31, "coefficients": [
      {"feature": "length", "output": "", "values": [0.0, 1.5, 2.0, 2.25]},
      {"feature": "island = <b>Biscoe</b>", "output": "yes", "values": [0.0, -0.5, -0.75, -1.0]},
      {"feature": "depth", "output": "", "values": [0.0, 0.0, null, 0.25]}]})");
  return result;
}

}  // namespace cairn::test
