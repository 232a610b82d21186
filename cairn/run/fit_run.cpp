#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "cairn/base/atomic_file.h"
#include "cairn/base/isa.h"
#include "cairn/base/version.h"
#include "cairn/metrics/curves.h"
#include "cairn/model/contributions.h"
#include "cairn/nn/network.h"
#include "cairn/run/measure.h"
#include "cairn/run/memory_limit.h"
#include "cairn/run/quantities.h"
#include "cairn/run/train_internal.h"

namespace cairn {
namespace {

constexpr const char* kPrepare = "--prepare";

Settings parse_settings(const std::vector<std::string>& texts) {
  Settings settings;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError("--set", fmt::format("'{}' is not of the form name=value", text),
                       "Such as --set alpha=10.");
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

// A network that stands in a file is read here, once: the learner, its card and the key of kept folds hold
// what the file said, not where it stood. Text that begins with '{' is the declaration itself.
void read_declarations(Settings& settings, const std::vector<const LearnerEntry*>& entries) {
  constexpr std::string_view kName = "network";
  for (auto& [key, value] : settings) {
    const bool declares = std::ranges::any_of(entries, [&](const LearnerEntry* e) {
      return (key == kName || key == fmt::format("{}.{}", e->name, kName)) &&
             std::ranges::any_of(e->params(), [&](const Param& p) { return p.name == kName; });
    });
    if (declares && !value.empty() && !value.starts_with('{')) value = Network::load_json(value).json();
  }
}

SelectionOptions selection_options(const TrainOptions& o) {
  SelectionOptions s{.folds = static_cast<int>(o.folds),
                     .seed = static_cast<std::uint64_t>(o.seed),
                     .settings = parse_settings(o.set)};
  if (!o.precision.empty()) s.settings.emplace_back("precision", o.precision);
  for (const std::string& name : o.learner)
    if (name != "auto") s.learners.push_back(name);
  s.pipeline = {.missing = o.missing == "drop" ? "auto" : o.missing,
                .scale = o.scale,
                .polynomial = static_cast<int>(o.polynomial)};
  s.blend = !o.no_blend;
  constexpr double kAutoSeconds = 300;
  s.time_limit = !o.time_limit.empty() ? parse_seconds("--time-limit", o.time_limit)
                 : s.learners.empty()  ? kAutoSeconds
                                       : 0;
  return s;
}

const char* words_for(Predicts p) {
  switch (p) {
    case Predicts::quantiles:
      return "quantiles of the target";
    case Predicts::rank_score:
      return "a score that orders rows";
    case Predicts::risk:
      return "a risk";
    case Predicts::duration:
      return "a time that need not be lived to see";
    case Predicts::value:
      break;
  }
  return "the target itself";
}

// The setting without which the learner would predict values, as it was typed; "" where no single one
// decides.
std::string deciding_setting(const LearnerEntry& entry, const SelectionOptions& s, const Dataset& train,
                             const Registry& registry) {
  for (std::size_t i = 0; i < s.settings.size(); ++i) {
    Settings others = s.settings;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    if (configured(entry, others, train, registry, s.pipeline)->predicts() == Predicts::value)
      return fmt::format("--set {}={}", s.settings[i].first, s.settings[i].second);
  }
  return "";
}

// What the learners that take part will predict, all of them the same: no metric judges values beside scores
// without a unit, and a learner that does not know of censored times would take them for times at which it
// happened.
Predicts what_is_predicted(const TrainOptions& o, const SelectionOptions& s, const Dataset& train,
                           const Registry& registry) {
  if (!o.event.empty() && s.learners.empty())
    throw UsageError("--event", "auto compares learners that know nothing of censored times",
                     "Name one that does: --learner gradient_boosting --set objective=cox (or aft).");
  if (s.learners.empty() && s.settings.empty()) return Predicts::value;  // what auto's defaults predict
  struct Said {
    const LearnerEntry* entry;
    Predicts predicts;
  };
  std::optional<Said> value, other;
  for (const LearnerEntry* entry : chosen_entries(registry, s, train)) {
    const Predicts p = configured(*entry, s.settings, train, registry, s.pipeline)->predicts();
    if (!o.event.empty() && !is_survival(p))
      throw UsageError(
          "--event",
          fmt::format("{} as it is set takes every time for one at which it happened", entry->name),
          "--learner gradient_boosting --set objective=cox (or aft) knows of censored times.");
    (p == Predicts::value ? value : other) = Said{entry, p};
  }
  if (value && other) {
    const std::string setting = deciding_setting(*other->entry, s, train, registry);
    throw UsageError(setting.empty() ? "--set" : setting,
                     fmt::format("{} then predicts {} and {} the target itself, which no metric compares",
                                 other->entry->name, words_for(other->predicts), value->entry->name),
                     fmt::format("Name it alone: --learner {}{}{}.", other->entry->name,
                                 setting.empty() ? "" : " ", setting));
  }
  return other ? other->predicts : Predicts::value;
}

void refuse_idle_tensorboard(const std::vector<const LearnerEntry*>& entries) {
  if (std::ranges::none_of(entries, [](const LearnerEntry* e) { return e->network; }))
    throw UsageError("--tensorboard", "no learner of this run is trained in epochs, which it would show",
                     "mlp and cnn are: --learner mlp.");
}

// A threshold from cross-validated predictions: every one made by a model that had not seen the row.
void choose_threshold(const TrainOptions& o, const Dataset& train, const Judged& out_of_fold,
                      FittedRun& run) {
  if (o.threshold.empty()) return;
  if (train.task() != Task::binary)
    throw UsageError("--threshold", fmt::format("is for two classes; this is {}", name_of(train.task())));
  double value = 0;
  const char* end = o.threshold.data() + o.threshold.size();
  const auto [at, error] = std::from_chars(o.threshold.data(), end, value);
  if (error == std::errc{} && at == end) {
    if (!(value >= 0 && value <= 1))
      throw UsageError("--threshold", fmt::format("{} is outside [0, 1]", o.threshold));
    run.threshold = value;
    run.threshold_reason = "as asked for";
  } else {
    const Metric& m = metric(o.threshold);
    if (!m.applies(Task::binary) || m.needs_probabilities)
      throw UsageError("--threshold", fmt::format("{} does not depend on a threshold", o.threshold),
                       "f1, accuracy, balanced_accuracy and mcc do.");
    const Judged pooled = run.model->calibration().apply(out_of_fold, -1);
    const ThresholdChoice choice = best_threshold(pooled.view(), m);
    run.threshold = choice.threshold;
    run.threshold_reason = fmt::format("best {} ({:.4g}) on cross-validated predictions of the training rows",
                                       m.name, choice.value);
  }
  run.model->set_threshold(run.threshold, train.classes()[static_cast<std::size_t>(train.positive())]);
}

// The baseline is judged by the same metrics; its one number stands for every level of a distribution.
void judge_alike(const Judged& model, Judged& baseline) {
  if (baseline.predicted.empty()) return;
  baseline.predicts = model.predicts;
  baseline.levels = model.levels;
  baseline.quantiles.clear();
  for (const double v : baseline.predicted)
    baseline.quantiles.insert(baseline.quantiles.end(), model.levels.size(), v);
}

// What the kept folds are of, beside learner, its settings and preparation, which stand beside it in the key.
std::string memory_key(const TrainOptions& o, const PreparedData& data) {
  TrainOptions decides = o;  // where the run stands and how long it may take do not change a fold
  decides.out.clear();
  decides.time_limit.clear();
  decides.overwrite = decides.tensorboard = false;
  decides.set.clear();
  decides.learner.clear();
  return fmt::format("{} {} {}\n{} {} {} {} {}", version(), build(), instruction_set(),
                     to_json(decides).dump(), data.sha256, data.test_sha256, data.dev_sha256,
                     data.start ? data.start->sha256 : "");
}

std::string steps_setting(const TrainOptions& o, const StartModel& start) {
  return fmt::format("{}.{}", o.learner.at(0), start.counts_steps);
}

void set_steps(const Learner& learner, const StartModel& start, std::int64_t steps) {
  set_param(learner.params(), start.counts_steps, fmt::format("{}", steps));
}

// A flag that the preparation would leave without effect.
void refuse_idle_flags(const TrainOptions& o, const Preparation& written) {
  const auto refuse = [&](const char* flag, const std::string& why) {
    throw UsageError(flag, why, fmt::format("Leave out the flag, or change {}.", kPrepare));
  };
  const auto check = [&](bool said, const char* flag, std::initializer_list<std::string_view> steps) {
    if (!said) return;
    if (!written.rest)
      refuse(flag, "would do nothing: \"rest\": \"none\" adds nothing to the steps that were written");
    for (std::size_t i = 0; i < written.steps.size(); ++i) {
      const Transform& step = *written.steps[i];
      if (std::ranges::find(steps, step.name()) != steps.end() &&
          to_text(get_param(step.params(), "columns")).empty())
        refuse(flag, fmt::format("would do nothing: {} does it for every column",
                                 place_of_step(i + 1, step.name())));
    }
  };
  check(o.scale != "auto" && o.scale != "none", "--scale",
        {"standard_scale", "min_max_scale", "robust_scale"});
  check(o.missing != "auto" && o.missing != "drop", "--missing", {"impute"});
  check(o.polynomial > 1, "--polynomial", {});
}

void add_preparation(const TrainOptions& o, const Dataset& train, const Registry& registry,
                     PipelineOptions& pipeline) {
  constexpr std::int64_t kEnoughRows = 20'000;  // to learn of what kinds the columns are
  const auto seed = static_cast<std::uint64_t>(o.seed);
  auto written = std::make_shared<const Preparation>(read_preparation(o.prepare, kPrepare, registry));
  if (written->target && train.task() != Task::regression)
    throw UsageError(kPrepare,
                     fmt::format("\"target\" transforms a number; this is {}", name_of(train.task())));
  refuse_idle_flags(o, *written);
  pipeline.kinds_after_hand = written->kinds_after(sample_rows(train, kEnoughRows, seed), seed);
  pipeline.by_hand = std::move(written);
}

// Learners of the task that keep sums of the rows in parts, and not something of each.
std::vector<std::string> learners_of_sums(Task task, const Registry& registry) {
  std::vector<std::string> names;
  for (const LearnerEntry& e : registry.learners) {
    const auto learner = e.make();
    const auto* able = dynamic_cast<const PartsLearner*>(learner.get());
    if (able && e.serves(task) && able->why_not_in_parts().empty() && !able->keeps_rows())
      names.emplace_back(e.name);
  }
  return names;
}

// What cannot do with rows in parts, before the work: settings, preparations, and learners for which these
// rows are too many. `auto` leaves the last out.
void leave_out_what_needs_all(SelectionOptions& s, const DatasetParts& parts, const Registry& registry) {
  const Task task = parts.sample().task();
  for (const LearnerEntry* entry : chosen_entries(registry, s, parts.sample())) {
    Settings settings = s.settings;
    const Settings more = variants_of(*entry, s)[0];  // the others hold as much
    settings.insert(settings.end(), more.begin(), more.end());
    const auto pipeline = configured(*entry, settings, parts.sample(), registry, s.pipeline);
    if (const std::string why = pipeline->why_not_in_parts(); !why.empty())
      throw ResourceError("--max-memory",
                          fmt::format("the data are beyond it and are read in parts, but {}", why),
                          "Raise it, or use fewer rows.");
    const std::string why = pipeline->why_not_these(parts);
    if (why.empty()) continue;
    if (!s.learners.empty())
      throw ResourceError(
          "--max-memory", fmt::format("the data are beyond it and are read in parts, and {}", why),
          fmt::format(
              "Raise it, leave columns out with --ignore, or name a learner that keeps sums only: {}.",
              fmt::join(learners_of_sums(task, registry), ", ")));
    s.left_out.push_back({entry->name, why});
  }
  if (chosen_entries(registry, s, parts.sample()).empty())
    throw ResourceError("--max-memory", "the data are beyond it, and no learner of this task reads parts",
                        "Raise it, or use fewer rows.");
}

}  // namespace

std::string prepare_text(const std::string& said, const Registry& registry) {
  if (said.empty()) return said;
  const bool written = said[0] == '{' || said[0] == '[';
  return read_preparation(written ? said : read_file(said), written ? kPrepare : said, registry).json;
}

SelectionOptions prepare_selection(const TrainOptions& o, const PreparedData& data,
                                   const Registry& registry) {
  SelectionOptions s = selection_options(o);
  if (data.start)
    s.settings.emplace_back(steps_setting(o, *data.start), fmt::format("{}", data.start->steps_in_folds()));
  s.in_parts = data.parts != nullptr;
  s.blend = s.blend && !s.in_parts;
  if (!o.prepare.empty()) add_preparation(o, *data.train, registry, s.pipeline);
  const auto entries = chosen_entries(registry, s, *data.train);
  if (o.tensorboard) refuse_idle_tensorboard(entries);
  read_declarations(s.settings, entries);
  s.metric = &asked_metric(o.metric, *data.train, what_is_predicted(o, s, *data.train, registry));
  for (const std::string& bar : o.require)
    parse_requirement(bar, data.train->task());  // a typing error is told before the work
  if (s.in_parts) leave_out_what_needs_all(s, *data.parts, registry);
  s.data_key = memory_key(o, data);
  check_memory(o, *data.train, s.pipeline, registry);
  return s;
}

std::unique_ptr<Learner> final_pipeline(const FittedRun& run, const PreparedData& data) {
  auto pipeline = run.selection.candidates[0].pipeline->clone();
  if (data.start) set_steps(*pipeline, *data.start, data.start->further);
  return pipeline;
}

FittedRun fit_run(const TrainOptions& o, const PreparedData& data, const Registry& registry,
                  const RunContext& context, RunFolder& folder, FoldMemory* memory, Json& seconds,
                  Stopwatch& watch) {
  const Dataset& train = *data.train;
  FittedRun run;
  run.selection_options = prepare_selection(o, data, registry);
  run.metric = run.selection_options.metric;
  if (data.start)
    check_same_steps(*data.start,
                     *configured(registry.learner(o.learner.at(0)), run.selection_options.settings, train,
                                 registry, run.selection_options.pipeline));
  FitContext fit_context{.seed = static_cast<std::uint64_t>(o.seed),
                         .stop = context.stop,
                         .progress = context.progress,
                         .folder = folder.path(),
                         .event_files = o.tensorboard};
  // What `auto` tries and leaves would fill the log.
  if (!run.selection_options.learners.empty()) fit_context.log = [&](const Json& e) { folder.event(e); };
  run.selection_options.memory = memory;
  FitContext fold_context = fit_context;
  if (data.start && !data.start->saw_rows) data.start->add_to(fold_context);
  run.selection = select_learner(train, registry, run.selection_options, fold_context);
  run.selection_options.memory = nullptr;  // the doctor's probes see other rows
  if (data.parts)
    run.selection.note = fmt::format("chosen on a sample of {} of {} training rows, which are read in parts",
                                     run.selection.rows, data.num_train_rows());
  Storage::release_unused();
  seconds["search"] = watch.lap();

  Candidate& best = run.selection.candidates[0];
  run.cut_short = run.selection.cut_short;
  fit_context.log = [&](const Json& e) { folder.event(e); };
  FitContext final_context = fit_context.named(fmt::format("{} final", best.pipeline->name()));
  final_context.stop = TimeShare(run.selection.seconds_left).of_next(context.stop, 1);
  if (data.start) {
    data.start->add_to(final_context);
    // What the whole model comes to stands in its card: whoever fits it again begins at nothing.
    set_steps(*best.pipeline, *data.start, data.start->steps + data.start->further);
  }
  auto fitted = data.parts ? best.pipeline->fit_parts(*data.parts, final_context)
                           : final_pipeline(run, data)->fit(train, final_context);
  run.cut_short = run.cut_short || final_context.stop.limit_changed_something();
  run.model.reset(dynamic_cast<PipelineModel*>(fitted.release()));
  CAIRN_ASSERT(run.model != nullptr);
  if (run.selection.baseline.pipeline)
    run.baseline = run.selection.baseline.pipeline->fit(train, fit_context);
  const Judged out_of_fold = best.cross_validation.pooled();
  if (o.calibrate != "none") {
    CalibrationChoice choice = choose_calibration(o.calibrate, out_of_fold);
    run.calibration_trials = std::move(choice.trials);
    run.uncalibrated = data.test ? judge(*run.model, *data.test) : out_of_fold;
    run.model->set_calibration(std::move(choice.calibration));
  }
  choose_threshold(o, train, out_of_fold, run);
  Judged calibrated = run.model->calibration().apply(out_of_fold, run.threshold);
  choose_intervals(o, data, calibrated, {.seed = fit_context.seed, .stop = context.stop}, run);
  if (run.model->explains_from() == ExplainsFrom::intercept)
    run.model->set_mean_contributions(mean_contributions_of_sample(*run.model, train));
  Storage::release_unused();
  seconds["fit"] = watch.lap();

  run.on_train = judge(*run.model, train);
  if (data.dev) run.on_dev = judge(*run.model, *data.dev);
  if (data.test) {
    run.on_test = judge(*run.model, *data.test);
    if (run.baseline) run.baseline_on_test = judge(*run.baseline, *data.test);
  } else {
    run.on_test = std::move(calibrated);
    if (run.baseline) run.baseline_on_test = run.selection.baseline.cross_validation.pooled();
  }
  judge_alike(run.on_test, run.baseline_on_test);
  return run;
}

}  // namespace cairn
