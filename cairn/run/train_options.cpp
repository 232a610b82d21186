#include "cairn/run/train_options.h"

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"

namespace cairn {

const ParamList& ReadFlags::list() {
  using F = ReadFlags;
  static const ParamList l{
      param<&F::header>("header",
                        "whether the first line names the columns: yes or no; guessed when not said"),
      param<&F::skip>("skip", "lines before the table begins", at_least(0)),
      param<&F::separator>("sep", "what stands between cells: one character, or tab; guessed when not said"),
      param<&F::quote>("quote", "the character around cells that hold separators, or none"),
      param<&F::comment>("comment", "lines that begin with this are no rows"),
      param<&F::na>("na", "spellings of a missing value, separated by commas"),
      param<&F::types>("types", "a column's kind: col=number|integer|boolean|category|text|date"),
      param<&F::decimal>("decimal", "the decimal mark, . or ,; guessed when not said", one_of("", ".", ",")),
      param<&F::thousands>("thousands", "what stands between groups of three digits, such as ,",
                           one_of("", ",", ".", " ", "'")),
      param<&F::max_memory>(
          "max_memory",
          "refuse to use more memory than this, such as 8G; train and describe read in parts what they can"),
  };
  return l;
}

const ParamList& TrainOptions::list() {
  using T = TrainOptions;
  static const ParamList l{
      param<&T::target>("target", "the column to predict"),
      param<&T::learner>("learner", "a learner to try; auto compares all that serve the task"),
      param<&T::task>("task", "regression, binary or multiclass; told from the target when not said"),
      param<&T::set>("set", "a parameter: name=value, learner.name=value or transform.name=value"),
      param<&T::test>("test", "a file with the rows to judge on, instead of a held-out part"),
      param<&T::dev>("dev",
                     "a file with rows like those the model will meet, for the ledger's data mismatch"),
      param<&T::holdout>("holdout", "the share of rows kept back to judge on", between(0, 0.9)),
      param<&T::folds>("folds", "parts of the cross-validation", between(2, 100)),
      param<&T::metric>(
          "metric",
          "what decides; default roc_auc, log_loss or rmse by task; of quantiles pinball, of rankings "
          "ndcg, of survival concordance"),
      param<&T::positive>("positive", "the class that counts as positive"),
      param<&T::class_weight>("class_weight", "balanced counts every class alike",
                              one_of("none", "balanced")),
      param<&T::precision>("precision",
                           "in which numbers a network multiplies: f32, or bf16 on the processor's units for "
                           "it; as --set precision=...",
                           one_of("", "f32", "bf16", "f64")),
      param<&T::calibrate>("calibrate",
                           "map a classifier's probabilities to shares of rows, fitted to predictions out of "
                           "fold; auto takes the method that does best there, or none",
                           one_of("none", "auto", "platt", "isotonic", "temperature")),
      param<&T::intervals>("intervals",
                           "what `predict --interval` is made of: conformal keeps the residuals out of fold; "
                           "cv_plus, for quantities, the models of the folds too; auto does so for few rows",
                           one_of("auto", "conformal", "cv_plus")),
      param<&T::threshold>(
          "threshold", "decide for the positive class from this probability on; or a metric to choose it by"),
      param<&T::human_error>("human_error", "the error a person makes, or a target, for the ledger"),
      param<&T::group>(
          "group",
          "a column whose equal values must not be torn apart by a split; of a ranking, the query; none: not "
          "even where the file names one, unless a column is called none"),
      param<&T::split>("split",
                       "which rows a random split keeps on one side: auto, those that are the same or nearly "
                       "the same; identical, those that are the same; random, none",
                       one_of("auto", "identical", "random")),
      param<&T::time>("time", "a column that orders the rows; the latest are judged on"),
      param<&T::event>(
          "event",
          "a column of survival data: 1 where it happened at the target's time, 0 where it had not "
          "happened by then"),
      param<&T::weight>("weight", "a column that says how much each row counts"),
      param<&T::id>("id", "columns that name a row: kept beside predictions, never learned from"),
      param<&T::ignore>("ignore", "columns to leave out"),
      param<&T::prepare>(
          "prepare",
          "a JSON file with the steps before the learner, written by hand; what it lacks after "
          "them is added; or the JSON itself"),
      param<&T::missing>("missing", "what becomes of missing numbers; drop leaves their rows out",
                         one_of("auto", "mean", "median", "most_frequent", "drop")),
      param<&T::scale>("scale", "how numbers are scaled",
                       one_of("auto", "standard", "min_max", "robust", "none")),
      param<&T::polynomial>("polynomial", "degree of polynomial features of the numbers", between(1, 10)),
      param<&T::continue_from>(
          "continue_from",
          "a model to go on from, on the same or other rows: its learner, parameters and "
          "steps, and so many more rounds as --set says, trees=50"),
      param<&T::refit_leaves>(
          "refit_leaves",
          "a model of boosted trees whose leaves learn their values anew from these rows; "
          "its questions stay"),
      param<&T::time_limit>("time_limit",
                            "what choosing and fitting may take, such as 90s or 5m; none for no limit; "
                            "default 5m for auto, none for one named learner"),
      param<&T::no_doctor>("no_doctor", "skip the probes behind 'what to do next'"),
      param<&T::no_blend>(
          "no_blend", "auto: ship one learner, even where a weighted mean of several is measurably better"),
      param<&T::refit_all>("refit_all",
                           "after measuring, fit the shipped model on all rows; said in the report"),
      param<&T::tensorboard>("tensorboard",
                             "event files for TensorBoard in the run folder, a folder a fit: losses, rates, "
                             "layers, weights; of mlp and cnn"),
      param<&T::require>("require", "a bar such as accuracy>=0.9; exit code 6 when it is not met"),
      param<&T::out>("out", "the run folder; default runs/<date>-<data>-<n>"),
      param<&T::overwrite>("overwrite", "replace a run that is already in the folder"),
      param<&T::isa>("isa", "the widest instruction set to use, such as avx2; default: what there is"),
      param<&T::seed>("seed", "the seed of everything random", at_least(0)),
  };
  return l;
}

namespace {

ParamsView view(const TrainOptions& o) {
  return {"train", const_cast<TrainOptions*>(&o), &TrainOptions::list()};
}
ParamsView view(const ReadFlags& f) { return {"read", const_cast<ReadFlags*>(&f), &ReadFlags::list()}; }

}  // namespace

Json to_json(const TrainOptions& options) {
  Json config{{"data", options.data}};
  config["train"] = params_to_json(view(options));
  config["read"] = params_to_json(view(options.read));
  return config;
}

TrainOptions train_options_from_json(const Json& config) {
  if (!config.is_object() || !config.contains("data") || !config["data"].is_string() ||
      !config.contains("train"))
    throw UsageError("--config", "is not a config.json that cairn wrote: data or train is missing");
  TrainOptions options;
  options.data = config["data"].get<std::string>();
  params_from_json(view(options), config["train"]);
  if (config.contains("read")) params_from_json(view(options.read), config["read"]);
  return options;
}

namespace {

void overlay(const ParamsView& base, const ParamsView& said, const ParamsView& defaults) {
  for (const Param& p : *base.list)
    if (const ParamValue value = p.get(said.object); value != p.get(defaults.object))
      p.set(base.object, value);
}

}  // namespace

TrainOptions overlaid(TrainOptions base, const TrainOptions& said) {
  const TrainOptions defaults;
  std::vector<std::string> settings = base.set;
  settings.insert(settings.end(), said.set.begin(), said.set.end());
  overlay(view(base), view(said), view(defaults));
  overlay(view(base.read), view(said.read), view(defaults.read));
  base.set = std::move(settings);
  if (!said.data.empty()) base.data = said.data;
  return base;
}

}  // namespace cairn
