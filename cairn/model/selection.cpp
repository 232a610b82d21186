#include "cairn/model/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cairn/base/suggest.h"
#include "cairn/model/blend_choice_internal.h"
#include "cairn/model/last_value.h"

namespace cairn {
namespace {

// Beyond these sizes a choice is no better for more rows or folds, only slower.
constexpr std::int64_t kSelectionRows = 50'000;
constexpr std::int64_t kManyRows = 10'000;
constexpr int kFoldsForManyRows = 3;

std::pair<std::string, std::string> scope_and_name(const std::string& key) {
  const auto dot = key.find('.');
  return dot == std::string::npos ? std::pair{std::string{}, key}
                                  : std::pair{key.substr(0, dot), key.substr(dot + 1)};
}

bool has_param(const ParamsView& view, std::string_view name) {
  return std::ranges::any_of(*view.list, [&](const Param& p) { return p.name == name; });
}

Settings parse_settings(std::string_view text) {
  Settings settings;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    const auto equals = one.find('=');
    CAIRN_ASSERT(equals != std::string_view::npos);
    settings.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return settings;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// All that decides what a fold gives: two candidates of one key are one.
std::string memory_key(const Pipeline& pipeline, const SelectionOptions& options, const MeasureOptions& how) {
  std::string key = fmt::format("{}\nfolds {} rows {} seed {} metric {}\n{} {}", options.data_key, how.folds,
                                how.train_rows, options.seed, options.metric->name, pipeline.name(),
                                params_to_json(pipeline.params()).dump());
  for (const auto& t : pipeline.transforms())
    key += fmt::format("\n{} {}", t->name(), params_to_json(t->params()).dump());
  if (const Transform* t = pipeline.target_transform())
    key += fmt::format("\ntarget {} {}", t->name(), params_to_json(t->params()).dump());
  return key;
}

// A parameter of the learner's that the options set; "": any.
bool set_by_hand(const LearnerEntry& entry, const SelectionOptions& options, std::string_view param) {
  return std::ranges::any_of(options.settings, [&](const auto& s) {
    const auto [scope, name] = scope_and_name(s.first);
    return (param.empty() || name == param) &&
           (scope == entry.name || (scope.empty() && has_param(entry.make()->params(), name)));
  });
}

}  // namespace

std::vector<Settings> variants_of(const LearnerEntry& entry, const SelectionOptions& options) {
  Settings always;
  if (options.in_parts && options.learners.empty())
    for (const auto& [name, value] : parse_settings(entry.parts_settings))
      if (!set_by_hand(entry, options, name)) always.emplace_back(name, value);
  std::vector<Settings> variants{always};
  // A parameter set by hand stays as it was set: the learner is then measured once.
  if (set_by_hand(entry, options, "") || !options.learners.empty() || !entry.auto_settings) return variants;
  std::string_view text = entry.auto_settings;
  while (!text.empty()) {
    const auto semicolon = text.find(';');
    Settings more = parse_settings(text.substr(0, semicolon));
    more.insert(more.end(), always.begin(), always.end());
    variants.push_back(std::move(more));
    text = semicolon == std::string_view::npos ? std::string_view{} : text.substr(semicolon + 1);
  }
  return variants;
}

void check_settings(const Settings& settings, const std::vector<const LearnerEntry*>& entries,
                    const Registry& registry) {
  for (const auto& [key, value] : settings) {
    const auto [scope, name] = scope_and_name(key);
    if (!scope.empty()) {
      const bool learner =
          std::ranges::any_of(entries, [&](const LearnerEntry* e) { return scope == e->name; });
      const bool transform =
          std::ranges::any_of(registry.transforms, [&](const TransformEntry& t) { return scope == t.name; });
      if (learner || transform) continue;
      std::vector<std::string> known;
      for (const LearnerEntry* e : entries) known.emplace_back(e->name);
      for (const TransformEntry& t : registry.transforms) known.emplace_back(t.name);
      throw UsageError("--set " + key, fmt::format("no '{}' takes part in this run", scope),
                       suggestion(scope, known));
    }
    bool reached = false;
    for (const LearnerEntry* e : entries) {
      const auto learner = e->make();
      reached |= has_param(learner->params(), name);
      if (!reached && entries.size() == 1)
        set_param(learner->params(), name, value);  // throws with the nearest name
    }
    if (!reached) {
      std::vector<std::string> known;
      for (const LearnerEntry* e : entries)
        for (const Param& p : e->params()) known.push_back(p.name);
      throw UsageError("--set " + key, fmt::format("no learner of this run has a parameter '{}'", name),
                       suggestion(name, known));
    }
  }
}

namespace {

// Fills in how well the candidate's pipeline does.
void measure(Candidate& c, const Dataset& data, const SelectionOptions& options, const MeasureOptions& how,
             const FitContext& context) {
  const auto start = std::chrono::steady_clock::now();
  try {
    c.cross_validation =
        cross_validate(*c.pipeline, data, *options.metric,
                       {.folds = how.folds,
                        .most_fits = c.entry->takes_minutes() ? 1 : 0,
                        .train_rows = how.train_rows,
                        .seed = options.seed,
                        .memory = options.memory,
                        .memory_key = options.memory ? memory_key(*c.pipeline, options, how) : "",
                        .seconds = how.seconds,
                        .fits_to_come = how.seconds > 0 ? 1 : 0},
                       context);
    c.mean = c.cross_validation.mean();
    c.standard_error = c.cross_validation.standard_error();
  } catch (const Error& e) {
    if (how.must_work || ends_the_run(e)) throw;
    c.failure = e.what();
    c.mean = std::nan("");
  }
  c.seconds = seconds_since(start);
  if (context.progress)
    context.progress->remark(fmt::format("{}{}{}: {} {:.5g}", c.learner, c.settings.empty() ? "" : " ",
                                         c.settings, options.metric->name, c.mean));
}

}  // namespace

Candidate measure_candidate(const LearnerEntry& entry, const Settings& more, const Dataset& data,
                            const Registry& registry, const SelectionOptions& options,
                            const MeasureOptions& how, const FitContext& context) {
  Candidate c;
  c.learner = entry.name;
  for (const auto& [name, value] : more)
    c.settings += fmt::format("{}{}={}", c.settings.empty() ? "" : ",", name, value);
  c.entry = &entry;
  Settings settings = options.settings;
  settings.insert(settings.end(), more.begin(), more.end());
  c.pipeline = configured(entry, settings, data, registry, options.pipeline);
  measure(c, data, options, how, context);
  return c;
}

bool is_better(const Candidate& a, const Candidate& b, const Metric& metric) {
  if (std::isnan(a.mean) || std::isnan(b.mean)) return !std::isnan(a.mean) && std::isnan(b.mean);
  return metric.higher_is_better ? a.mean > b.mean : a.mean < b.mean;
}

std::vector<const LearnerEntry*> chosen_entries(const Registry& registry, const SelectionOptions& options,
                                                const Dataset& data) {
  const Task task = data.task();
  std::vector<const LearnerEntry*> entries;
  const Table features = data.features();
  // Where the data are pictures, `auto` is the learners of pictures.
  const bool pictures =
      features.num_columns() == 1 && features.column(std::int64_t{0}).kind() == ColumnKind::image;
  for (const std::string& name : options.learners) {
    const LearnerEntry& e = registry.learner(name);
    if (!e.serves(task)) {
      std::vector<std::string> able;
      for (const LearnerEntry& other : registry.learners)
        if (other.serves(task)) able.emplace_back(other.name);
      throw UsageError("--learner", fmt::format("{} does not serve a {} task", name, name_of(task)),
                       suggestion(name, able));
    }
    entries.push_back(&e);
  }
  if (options.learners.empty())
    for (const LearnerEntry& e : registry.learners)
      if (e.serves(task) && e.auto_settings && e.cost > 0 &&
          (pictures ? e.accepts.images : e.accepts.tables) &&
          (!options.in_parts || why_not_in_parts(*e.make()).empty()) &&
          std::ranges::find(options.left_out, e.name, &SelectionOptions::LeftOut::learner) ==
              options.left_out.end())
        entries.push_back(&e);
  std::ranges::stable_sort(entries, {}, &LearnerEntry::cost);
  return entries;
}

std::unique_ptr<Pipeline> configured(const LearnerEntry& entry, const Settings& settings, const Dataset& data,
                                     const Registry& registry, const PipelineOptions& options) {
  auto learner = entry.make();
  for (const auto& [key, value] : settings) {
    const auto [scope, name] = scope_and_name(key);
    if (scope == entry.name || (scope.empty() && has_param(learner->params(), name)))
      set_param(learner->params(), name, value);
  }
  auto pipeline = prepare(std::move(learner), entry, data, registry, options);
  for (const auto& [key, value] : settings) {
    const auto [scope, name] = scope_and_name(key);
    for (const auto& transform : pipeline->transforms())
      if (scope == transform->name()) set_param(transform->params(), name, value);
  }
  return pipeline;
}

Dataset sample_rows(const Dataset& data, std::int64_t most, std::uint64_t seed) {
  if (data.num_rows() <= most) return data;
  const double share = static_cast<double>(most) / static_cast<double>(data.num_rows());
  return data.select(split(data, {.test = share, .seed = seed}).test);
}

SelectionRows selection_rows(const Dataset& train, const SelectionOptions& options) {
  SelectionRows rows{.data = sample_rows(train, kSelectionRows, options.seed), .note = {}};
  const std::int64_t n = rows.data.num_rows();
  rows.folds = n > kManyRows ? std::min(options.folds, kFoldsForManyRows) : options.folds;
  if (n < train.num_rows())
    rows.note = fmt::format("chosen on a sample of {} of {} training rows", n, train.num_rows());
  return rows;
}

Selection select_learner(const Dataset& train, const Registry& registry, const SelectionOptions& options,
                         const FitContext& context) {
  const auto entries = chosen_entries(registry, options, train);
  check_settings(options.settings, entries, registry);
  Selection selection;
  const SelectionRows rows = selection_rows(train, options);
  const Dataset& data = rows.data;
  selection.rows = data.num_rows();
  selection.folds = rows.folds;
  selection.note = rows.note;
  const auto start = std::chrono::steady_clock::now();
  FitContext from_nothing = context;  // what the baseline is compared with may be a model that goes on
  from_nothing.start_model = nullptr;

  bool first = true;
  for (const LearnerEntry& e : registry.learners) {
    if (e.cost != 0 || !e.serves(train.task())) continue;
    SelectionOptions plain = options;
    plain.settings.clear();
    plain.pipeline.by_hand = nullptr;
    Candidate c = measure_candidate(e, {}, data, registry, plain,
                                    {.folds = selection.folds, .must_work = false}, from_nothing);
    if (first || is_better(c, selection.baseline, *options.metric)) selection.baseline = std::move(c);
    first = false;
  }
  if (options.pipeline.by_hand)
    if (auto forecast = last_value_pipeline(*options.pipeline.by_hand, data, registry)) {
      Candidate c{.learner = LastValue::kName,
                  .settings = "",
                  .entry = &last_value_entry(),
                  .pipeline = std::move(forecast)};
      measure(c, data, options, {.folds = selection.folds, .must_work = false}, from_nothing);
      if (first || is_better(c, selection.baseline, *options.metric)) selection.baseline = std::move(c);
    }
  const bool limited = options.time_limit > 0, must_work = !options.learners.empty();
  const bool alone = entries.size() == 1 && variants_of(*entries[0], options).size() == 1;
  for (const LearnerEntry* entry : entries) {
    for (const Settings& variant : variants_of(*entry, options)) {
      context.stop.throw_if_requested("choosing a learner");
      if (limited && !alone && !selection.candidates.empty()) {
        // The first candidate is always measured: without one there is no result.
        const double left = options.time_limit - seconds_since(start);
        FitContext inner = context;
        inner.stop = context.stop.within(left, left);
        std::optional<Candidate> c;
        try {
          if (left > 0)
            c = measure_candidate(*entry, variant, data, registry, options,
                                  {.folds = selection.folds, .must_work = must_work}, inner);
        } catch (const ResourceError& e) {
          if (ends_the_run(e) || !inner.stop.requested()) throw;
        }
        if (!c || inner.stop.requested() || inner.stop.limit_changed_something())
          selection.cut_short = true;  // half a measurement is none
        else
          selection.candidates.push_back(std::move(*c));
        continue;
      }
      const double left = limited && alone ? std::max(1e-3, options.time_limit - seconds_since(start)) : 0;
      selection.candidates.push_back(
          measure_candidate(*entry, variant, data, registry, options,
                            {.folds = selection.folds, .must_work = must_work, .seconds = left}, context));
      selection.cut_short = selection.cut_short || selection.candidates.back().cross_validation.cut_short;
    }
  }
  if (limited && alone) selection.seconds_left = std::max(1e-3, options.time_limit - seconds_since(start));
  std::ranges::stable_sort(selection.candidates, [&](const Candidate& a, const Candidate& b) {
    return is_better(a, b, *options.metric);
  });
  if (!selection.candidates.empty() && selection.candidates[0].entry->takes_minutes())
    selection.note += fmt::format("{}measured on one of {} folds of the training rows, as a fit is dear",
                                  selection.note.empty() ? "" : "; ", selection.folds);
  if (selection.candidates.empty() || !selection.candidates[0].failure.empty())
    throw FitError(
        "auto", selection.candidates.empty()
                    ? "no learner serves this task"
                    : fmt::format("no learner could be fitted; {} said: {}", selection.candidates[0].learner,
                                  selection.candidates[0].failure));
  if (options.blend && options.learners.empty())
    try_blend(selection, options, data, limited ? options.time_limit - seconds_since(start) : INFINITY);
  return selection;
}

}  // namespace cairn
