#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/isa.h"
#include "cairn/base/parallel.h"
#include "cairn/base/version.h"
#include "cairn/model/last_value.h"
#include "cairn/model/out_of_bag_model.h"
#include "cairn/run/findings.h"
#include "cairn/run/measure.h"
#include "cairn/run/pictures.h"
#include "cairn/run/train_internal.h"

namespace cairn {
namespace {

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json data_to_json(const std::string& name, std::int64_t rows, std::int64_t columns,
                  const std::string& sha256) {
  return {{"name", name}, {"rows", rows}, {"columns", columns}, {"sha256", sha256}};
}

// The trivial model in words: "always no", "the mean, 206855.8".
std::string baseline_in_words(const std::string& learner, const Judged& judged,
                              const std::vector<std::string>& classes) {
  if (learner == LastValue::kName) return "the last known value";
  if (judged.task == Task::regression)
    return judged.predicted.empty() ? "a constant" : fmt::format("always {:.6g}", judged.predicted.front());
  return judged.decisions.empty()
             ? "a constant"
             : fmt::format("always {}", classes[static_cast<std::size_t>(judged.decisions.front())]);
}

Json candidate_to_json(const Candidate& c, bool chosen, bool baseline) {
  Json json{{"learner", c.learner}, {"metric", number(c.mean)}};
  const double half = 1.96 * c.standard_error;
  json["low"] = number(c.mean - half);
  json["high"] = number(c.mean + half);
  if (c.pipeline) json["params"] = params_to_json(c.pipeline->params());
  json["chosen"] = chosen;
  json["baseline"] = baseline;
  if (!c.failure.empty()) json["note"] = c.failure;
  return json;
}

Json candidates_to_json(const Selection& selection) {
  Json list = Json::array();
  bool first = true;
  for (const Candidate& c : selection.candidates) {
    list.push_back(candidate_to_json(c, first, false));
    first = false;
  }
  if (selection.baseline.pipeline) list.push_back(candidate_to_json(selection.baseline, false, true));
  return list;
}

Json blend_to_json(const BlendTrial& trial) {
  Json members = Json::array();
  for (const BlendTrial::Member& m : trial.members)
    members.push_back({{"learner", m.learner}, {"settings", m.settings}, {"weight", number(m.weight)}});
  return {{"shipped", trial.shipped},
          {"why", trial.why},
          {"loss", trial.loss},
          {"single", number(trial.single)},
          {"blended", number(trial.blended)},
          {"gain",
           {{"value", number(trial.gain.value)},
            {"low", number(trial.gain.low)},
            {"high", number(trial.gain.high)}}},
          {"members", std::move(members)}};
}

void add_split(Json& result, const PreparedData& data, const TrainOptions& o) {
  result["data"] = data_to_json(data.name, data.rows, data.columns, data.sha256);
  result["data_sha256"] = data.sha256;
  if (!data.test_sha256.empty())
    result["test_data"] = data_to_json(o.test.substr(o.test.rfind('/') + 1), data.test_rows_given,
                                       data.test_columns, data.test_sha256);
  Json split{{"how", data.how}};
  if (data.test_rows_given == 0) split["test_share"] = o.holdout;
  if (data.shared_rows) split["shared_rows"] = *data.shared_rows;
  result["split"] = std::move(split);
  result["rows"] = {{"train", data.num_train_rows()}, {"test", data.test ? data.test->num_rows() : 0}};
  if (data.parts) result["rows"]["sample"] = data.train->num_rows();
  if (data.dev) result["rows"]["dev"] = data.dev->num_rows();
}

// Those that speak of what the model predicts, and those that were asked for all the same.
std::vector<std::string> metric_names(const TrainOptions& o, const FittedRun& run) {
  std::vector<std::string> names;
  const Judged& j = run.on_test;
  for (const Metric* m : metrics_for(j.task, !j.probabilities.empty(), j.predicts))
    names.emplace_back(m->name);
  std::vector<std::string> asked{run.metric->name};
  for (const std::string& text : o.require) asked.push_back(parse_requirement(text, j.task).metric);
  for (const std::string& name : asked)
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

void add_requirements(Json& result, const TrainOptions& o, Task task, const Evaluation& held_out) {
  Json list = Json::array();
  for (const std::string& text : o.require) {
    const Requirement r = parse_requirement(text, task);
    const double value = held_out.value(r.metric);
    list.push_back({{"expression", text}, {"met", is_met(r, value)}, {"value", number(value)}});
  }
  if (!list.empty()) result["requirements"] = std::move(list);
}

std::string time_limit_in_words(const FittedRun& run) {
  const double limit = run.selection_options.time_limit;
  if (run.selection_options.learners.size() == 1)
    return fmt::format(
        "The time limit of {:g} s ended fits early: what came out is what was there by then, and another run "
        "may give another result.",
        limit);
  return fmt::format(
      "The time limit of {:g} s ended the comparison of learners early; another run may compare others.",
      limit);
}

// What the map of probabilities did on rows that neither it nor the model was fitted to; without such rows,
// on those that it was fitted to.
Json calibration_to_json(const FittedRun& run, bool held_out, std::uint64_t seed) {
  const std::vector<std::string> names{"log_loss", "brier", "ece"};
  Json trials = Json::array();
  for (const CalibrationTrial& t : run.calibration_trials)
    trials.push_back({{"method", t.method}, {"log_loss", number(t.log_loss)}});
  const auto figures = [&](const Judged& judged) {
    std::vector<std::string> apply;
    for (const std::string& name : names)
      if (metric(name).applies(judged.task)) apply.push_back(name);
    return metrics_to_json(evaluate(judged, seed, apply));
  };
  const std::string& method = run.model->calibration().method();
  Json json{{"method", method.empty() ? "none" : method},
            {"trials", std::move(trials)},
            {"on", held_out ? "held-out rows" : "the out-of-fold rows that the map was fitted to"},
            {"before", figures(run.uncalibrated)},
            {"after", figures(run.on_test)}};
  const Json curves = curves_to_json(run.uncalibrated);
  json["reliability_before"] = curves.contains("calibration") ? curves["calibration"] : Json(nullptr);
  return json;
}

// What the model found of itself while it was fitted, where that speaks of what is predicted: the learner
// knows of no target that is turned back, of no map of probabilities, and of no threshold.
Json own_estimates_to_json(const PipelineModel& model) {
  Json json = Json::object();
  const auto* forest = dynamic_cast<const OutOfBagModel*>(&model.model());
  if (!forest || model.target_transform() || !model.calibration().empty()) return json;
  for (const auto& [name, e] : forest->out_of_bag())
    if (name != "accuracy" || model.threshold() < 0)
      json[name] = {{"value", number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}, {"n", e.n}};
  return json;
}

}  // namespace

Json describe_run(const TrainOptions& o, const PreparedData& data, const FittedRun& run,
                  const Diagnosis& diagnosis, const RunContext& context) {
  const Dataset& train = *data.train;
  const auto seed = static_cast<std::uint64_t>(o.seed);
  const auto& classes = train.classes();
  const bool binary = train.task() == Task::binary;
  Json result{{"schema", 1}, {"task", name_of(train.task())}, {"target", data.target}};
  result["positive"] = binary ? Json(classes[static_cast<std::size_t>(train.positive())]) : Json(nullptr);
  result["classes"] = classes;
  result["metric"] = run.metric->name;
  result["metric_info"] = metric_info();
  result["threshold"] = run.threshold >= 0 ? Json(run.threshold) : Json(nullptr);
  if (!run.threshold_reason.empty()) result["threshold_reason"] = run.threshold_reason;
  result["seed"] = o.seed;
  result["deterministic"] = !run.cut_short;
  add_split(result, data, o);

  const Candidate& best = run.selection.candidates[0];
  result["learner"] = best.learner;
  result["params"] = params_to_json(best.pipeline->params());
  Json pipeline = Json::array();
  for (const auto& t : run.model->transforms()) pipeline.push_back(t->describe());
  if (const FittedTransform* target = run.model->target_transform())
    pipeline.push_back(
        fmt::format("the target is learned as {}; predictions are turned back", target->describe()));
  result["pipeline"] = std::move(pipeline);
  if (run.selection_options.pipeline.by_hand)
    result["prepare"] = Json::parse(run.selection_options.pipeline.by_hand->json);
  result["notes"] = run.model->notes();
  if (run.model->target_transform() && !result["notes"].empty())
    result["notes"].push_back("figures here are of the transformed target");
  result["refit_all"] = o.refit_all;

  const std::vector<std::string> names = metric_names(o, run);
  const Evaluation held_out = evaluate(run.on_test, seed, names);
  result["metrics"] = metrics_to_json(held_out);
  result["train_metrics"] = metrics_to_json(evaluate(run.on_train, seed, names));
  if (!run.calibration_trials.empty())
    result["calibration"] = calibration_to_json(run, data.test.has_value(), seed);
  result["intervals"] = intervals_to_json(run, data.test);
  if (data.test)
    if (Json quantiles = quantiles_to_json(*run.model, *data.test); !quantiles.is_null())
      result["quantiles"] = std::move(quantiles);
  result["cv_metrics"] = metrics_to_json(evaluate(best.cross_validation.pooled(), seed, names));
  if (Json own = own_estimates_to_json(*run.model); !own.empty()) result["oob_metrics"] = std::move(own);
  result["baseline"] =
      run.baseline ? metrics_to_json(evaluate(run.baseline_on_test, seed, names)) : Json::object();
  if (run.baseline)
    result["baseline_learner"] =
        baseline_in_words(run.selection.baseline.learner, run.baseline_on_test, classes);
  result["candidates"] = candidates_to_json(run.selection);
  if (run.selection.blend.tried) result["blend"] = blend_to_json(run.selection.blend);
  result["folds"] = run.selection.folds;
  result["per_class"] = per_class_to_json(run.on_test, classes);
  result["confusion"] = confusion_to_json(run.on_test, classes);
  result["curves"] = curves_to_json(run.on_test);
  result["coefficients"] = coefficients_to_json(*run.model);
  result["coefficients_note"] =
      "In units of the scaled features: how much the output moves when a feature grows by one standard "
      "deviation, or when a category applies.";
  if (!data.parts)  // which speaks of the rows the model was fitted on
    if (Json inference = inference_to_json(*run.model, *best.pipeline, train); !inference.is_null())
      result["inference"] = std::move(inference);
  result["splits"] = splits_to_json(*run.model);
  if (Json trees = run.model->drawn_trees(); !trees.is_null()) result["trees"] = std::move(trees);
  if (const auto& judged_rows = data.test ? *data.test : train; !o.no_doctor && !data.pictures) {
    result["importance"] =
        permutation_importance(*run.model, judged_rows, *run.metric, {.seed = seed}, context.stop);
    result["importance_note"] =
        fmt::format("By how much {} as an error grows when the column is shuffled, on {}.", run.metric->name,
                    data.test ? "held-out rows" : "training rows");
    result["partial_dependence"] = partial_dependence_to_json(
        *run.model, run.model->inputs(judged_rows),
        leading_columns(judged_rows.features(), result["importance"]), outputs_told(judged_rows));
  }
  if (Json path = run.model->penalty_path(); !path.is_null()) result["penalty_path"] = std::move(path);
  result.update(to_json(diagnosis, *run.metric));
  result["loss_history"] = run.model->loss_history();
  if (const auto watched = run.model->watched_history(); !watched.empty())
    result["watched_history"] = numbers_to_json(watched);  // a step without watched rows has NaN
  if (run.model->kept_step() > 0) result["kept_step"] = run.model->kept_step();
  if (data.pictures && data.test) result["pictures"] = pictures_to_json(*run.model, *data.test, run.on_test);
  std::vector<Warning> warnings = data.warnings;
  if (!run.selection.note.empty())
    warnings.push_back({"selection_sample", "", fmt::format("The learner was {}.", run.selection.note)});
  for (const auto& [learner, why] : run.selection_options.left_out)
    warnings.push_back(
        {"learner_left_out", "", fmt::format("{} was not tried on these data: {}.", learner, why)});
  if (run.cut_short) warnings.push_back({"time_limit", "", time_limit_in_words(run)});
  result["warnings"] = warnings_to_json(warnings);
  result["guesses"] = data.guesses;
  add_requirements(result, o, train.task(), held_out);
  result["versions"] = {{"cairn", version()}, {"build", build()}, {"isa", instruction_set()}};
  return result;
}

}  // namespace cairn
