// Which intervals `predict --interval` gives with a model, and how they kept their promise.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/model/archive.h"
#include "cairn/run/train_internal.h"

namespace cairn {
namespace {

// Where rows are this few, a few of them decide how far a model is off, and what the models of the folds
// disagree about is worth telling.
constexpr std::int64_t kCvPlusRows = 500;
constexpr std::size_t kSmallFile = std::size_t{1} << 20;

// Why CV+ cannot be, or "".
std::string why_not_cv_plus(const Dataset& train, const PipelineModel& model) {
  if (is_classification(train.task())) return "sets of classes are made of one model's probabilities";
  if (model.predicts() != Predicts::value) return "the model does not predict the target itself";
  if (!train.roles().time.empty() || !model.looks_back_on().empty())
    return "rows in order of time cannot change places, which CV+ rests on";
  return "";
}

// Why `auto` keeps one model, or "".
std::string why_one_is_enough(const Dataset& train, const FittedRun& run) {
  if (train.num_rows() > kCvPlusRows)
    return fmt::format("{} training rows are more than {}, from which on both say about the same",
                       train.num_rows(), kCvPlusRows);
  if (run.selection.candidates[0].entry->takes_minutes())
    return "a fit takes minutes, and CV+ takes one a fold";
  if (run.cut_short || (run.selection_options.time_limit > 0 && run.selection_options.learners.size() == 1))
    return "a time limit leaves no room for a fit a fold";
  const std::size_t bytes = to_bytes(*run.model).size();
  if (bytes > kSmallFile)
    return fmt::format("a model of {:.1f} MB would be stored {} times", static_cast<double>(bytes) * 1e-6,
                       run.selection.folds + 1);
  return "";
}

}  // namespace

void choose_intervals(const TrainOptions& o, const PreparedData& data, const Judged& out_of_fold,
                      const FitContext& context, FittedRun& run) {
  const Dataset& train = *data.train;
  run.model->set_conformal(ConformalScores(out_of_fold));
  if (o.intervals == "conformal") {
    run.intervals_why = "as asked for";
    return;
  }
  std::string why = why_not_cv_plus(train, *run.model);
  if (!o.continue_from.empty() || !o.refit_leaves.empty())
    why = "the model goes on from another, whose rows no fold can leave out";
  if (data.parts) why = "the rows are read in parts, of which the folds see a sample alone";
  if (o.intervals == "cv_plus" && !why.empty())
    throw UsageError("--intervals", "cv_plus cannot be: " + why, "conformal, or auto, can.");
  if (o.intervals == "auto" && why.empty()) why = why_one_is_enough(train, run);
  run.intervals_why = why;
  if (!why.empty()) return;
  run.intervals_why = o.intervals == "cv_plus"
                          ? "as asked for"
                          : fmt::format("{} training rows are at most {}", train.num_rows(), kCvPlusRows);
  // The fits of the folds again, with the seeds that they had, and kept.
  run.model->set_cv_plus(fit_cv_plus(*run.selection.candidates[0].pipeline, train, run.selection.folds,
                                     run.selection_options.seed, context));
  run.model->set_conformal({});
}

Json intervals_to_json(const FittedRun& run, const std::optional<Dataset>& test) {
  constexpr std::array kLevels{0.8, 0.9, 0.95};
  const ConformalScores& scores = run.model->conformal();
  const CvPlus& folds = run.model->cv_plus();
  if (scores.empty() && folds.empty()) return nullptr;
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  std::vector<Coverage> measured;
  if (test)
    measured = folds.empty() ? measure_coverage(scores, run.on_test, kLevels)
                             : measure_coverage(folds, run.model->inputs(*test), run.on_test, kLevels);
  Json levels = Json::array();
  for (const Coverage& c : measured)
    levels.push_back({{"asked", c.asked},
                      {"held", number(c.held.value)},
                      {"low", number(c.held.low)},
                      {"high", number(c.held.high)},
                      {"n", c.held.n},
                      {"quantile", number(c.quantile)},
                      {"mean_size", number(c.mean_size)}});
  Json json{
      {"method", folds.empty() ? "conformal: the quantile of out-of-fold scores, K-fold jackknife (Barber, "
                                 "Candes, Ramdas, Tibshirani 2021)"
                               : "CV+: out-of-fold residuals beside the predictions of the folds' own models "
                                 "(Barber, Candes, Ramdas, Tibshirani 2021)"},
      {"why", run.intervals_why},
      {"kind", run.on_test.task == Task::regression ? "interval" : "prediction_set"},
      {"scores", folds.empty() ? scores.size() : folds.size()}};
  if (!folds.empty()) json["models"] = folds.num_folds();
  json["coverage"] = std::move(levels);
  return json;
}

}  // namespace cairn
