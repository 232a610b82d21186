#include "cairn/model/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cairn/model/pipeline_internal.h"

namespace cairn {
namespace {

// What the model keeps of the training table: integers become numbers, so that a later 3.5 is no error.
Schema model_schema(const Table& features) {
  Schema schema = Schema::of(features);
  for (ColumnSpec& spec : schema.columns)
    if (spec.kind == ColumnKind::integer) spec.kind = ColumnKind::number;
  return schema;
}

// The training rows on their way through the steps.
struct StepsRun {
  Dataset data;
  Table table;  // its features and the columns looked back on
  std::vector<std::string> past;
  std::vector<std::unique_ptr<FittedTransform>> fitted;
};

template <class Transforms>
void run_steps(const Transforms& transforms, std::size_t by_hand, const Learner* learner,
               TransformContext context, StepsRun& run) {
  for (std::size_t i = 0; i < transforms.size(); ++i) {
    context.stop.throw_if_requested("training");
    context.kept = learner ? learner->looks_back_on(run.data) : std::vector<std::string>{};
    for (std::size_t later = i + 1; later < transforms.size(); ++later)
      for (const std::string& name : transforms[later]->looks_back_on(run.data)) context.kept.push_back(name);
    try {
      FittedRows step = transforms[i]->fit_rows(run.data, run.table, context);
      if (step.kept) run.data = run.data.select(*step.kept);
      run.table = std::move(step.table);
      run.data = run.data.with_features(run.table.without(run.past));
      run.fitted.push_back(std::move(step.fitted));
    } catch (Error& e) {
      if (i < by_hand) e.add_place(place_of_step(i + 1, transforms[i]->name()));
      throw;
    }
  }
}

// Decides for the positive class from `threshold` on.
Table decide(const Table& predicted, const std::vector<std::string>& classes, const std::string& positive,
             double threshold) {
  const Tensor p = predicted.column("p_" + positive).numbers();
  const auto probability = p.data<double>();
  const auto yes = static_cast<std::int32_t>(std::ranges::find(classes, positive) - classes.begin());
  std::vector<std::int32_t> codes;
  for (const double v : probability) codes.push_back(v >= threshold ? yes : 1 - yes);
  return predicted.with(Column::category("prediction", Tensor::take(std::move(codes)), classes));
}

// The target of a regression as a table of its own, for a transform that acts on features.
constexpr const char* kTarget = "target";

Table table_of_target(std::vector<double> values) {
  return Table({Column::number(kTarget, Tensor::take(std::move(values)))});
}

// The target alone, with the weights of its rows.
Dataset target_data(const Dataset& data) {
  Dataset alone(table_of_target(data.target_values()), {});
  const std::vector<double> weights = data.weights();
  return weights.empty() ? alone : alone.with_weights(weights);
}

std::vector<double> values_of(const Column& c) {
  const Tensor numbers = c.numbers();
  return {numbers.data<double>().begin(), numbers.data<double>().end()};
}

}  // namespace

std::vector<double> target_as_learned(const FittedTransform& target, std::vector<double> values) {
  return values_of(target.apply(table_of_target(std::move(values))).column(kTarget));
}

void add_names(std::vector<std::string>& names, const std::vector<std::string>& more) {
  for (const std::string& name : more)
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

Pipeline::Pipeline(std::vector<std::unique_ptr<Transform>> transforms, std::unique_ptr<Learner> learner,
                   std::size_t by_hand, std::unique_ptr<Transform> target)
    : transforms_(std::move(transforms)),
      learner_(std::move(learner)),
      by_hand_(by_hand),
      target_(std::move(target)) {}

Pipeline::Pipeline(const Pipeline& other)
    : Learner(other),
      learner_(other.learner_->clone()),
      by_hand_(other.by_hand_),
      target_(other.target_ ? other.target_->clone() : nullptr) {
  for (const auto& t : other.transforms_) transforms_.push_back(t->clone());
}

std::vector<std::string> Pipeline::looks_back_on(const Dataset& data) const {
  std::vector<std::string> names;
  for (const auto& t : transforms_) add_names(names, t->looks_back_on(data));
  add_names(names, learner_->looks_back_on(data));
  return names;
}

// Rows are told as the model's own later rows are, not as its training rows were.
std::unique_ptr<Model> Pipeline::fit_further(const PipelineModel& start, const Dataset& data,
                                             const FitContext& context) const {
  Dataset seen = data.with_features(start.transformed(data.features()));
  if (start.target_transform()) seen = seen.with_target(start.transformed_target(seen.target_values()));
  FitContext inner = context;
  inner.start_model = &start.model();
  return start.with_model(learner_->fit(seen, inner));
}

Pipeline::Prepared Pipeline::prepare_rows(const Dataset& data, const FitContext& context) const {
  const std::vector<std::string> past = looks_back_on(data);
  Table features = data.features();
  for (const std::string& name : past)
    if (!features.find(name)) features = features.with(data.table().column(name));
  Schema schema = model_schema(features);
  Table table = schema.conform(features);
  Dataset current = data.with_features(table.without(past));
  StepsRun run{.data = current, .table = table, .past = past};
  run_steps(transforms_, by_hand_, learner_.get(), {.seed = context.seed, .stop = context.stop}, run);
  std::unique_ptr<FittedTransform> target;
  if (target_) {
    if (data.task() != Task::regression || learner_->predicts() != Predicts::value)
      throw UsageError("target",
                       fmt::format("{} transforms a number; {} does not predict the target itself here",
                                   target_->name(), learner_->name()),
                       "Leave \"target\" out of the preparation.");
    const Dataset alone = target_data(run.data);
    target = target_->fit(alone, {.seed = context.seed, .stop = context.stop});
    run.data = run.data.with_target(target_as_learned(*target, run.data.target_values()));
  }
  return {std::move(run.data), std::move(schema), past, std::move(run.fitted), std::move(target)};
}

std::unique_ptr<Model> Pipeline::fit(const Dataset& data, const FitContext& context) const {
  if (const auto* start = dynamic_cast<const PipelineModel*>(context.start_model))
    return fit_further(*start, data, context);
  Prepared prepared = prepare_rows(data, context);
  auto model = learner_->fit(prepared.data, context);
  return std::move(prepared).with(std::move(model));
}

PipelineModel::PipelineModel(Schema schema, std::vector<std::unique_ptr<FittedTransform>> transforms,
                             std::unique_ptr<Model> model)
    : schema_(std::move(schema)),
      transforms_(std::make_move_iterator(transforms.begin()), std::make_move_iterator(transforms.end())),
      model_(std::move(model)) {}

std::unique_ptr<PipelineModel> PipelineModel::with_model(std::unique_ptr<Model> model) const {
  auto other = std::make_unique<PipelineModel>(schema_, std::vector<std::unique_ptr<FittedTransform>>{},
                                               std::move(model));
  other->transforms_ = transforms_;
  other->target_ = target_;
  other->looks_back_on_ = looks_back_on_;
  return other;
}

Json PipelineModel::drawn_trees() const {
  Json trees = model_->drawn_trees();
  if (!trees.is_null() && target_) trees["answer_of"] = "the transformed target";
  return trees;
}

Json PipelineModel::penalty_path() const { return model_->penalty_path(); }

std::vector<std::string> PipelineModel::looks_back_on() const { return looks_back_on_; }

bool PipelineModel::looks_at_past_of(const std::string& column) const {
  if (std::ranges::find(looks_back_on_, column) == looks_back_on_.end()) return false;
  for (const auto& t : transforms_)
    for (const MadeColumn& made : t->made_columns())
      for (const Origin& from : made.from)
        if (from.column == column) return true;
  return model_->looks_at_past_of(column);
}

// A number whose past is looked at, the target mostly, may be absent: of rows to come it is not known.
Table PipelineModel::conformed(const Table& raw, std::vector<Warning>* warnings) const {
  Table table = raw;
  for (const std::string& name : looks_back_on_) {
    const ColumnSpec* spec = schema_.find(name);
    if (spec && spec->kind == ColumnKind::number && !table.find(name) && looks_at_past_of(name))
      table = table.with(Column::number(
          name, Tensor::take(std::vector<double>(static_cast<std::size_t>(raw.num_rows()), std::nan("")))));
  }
  return schema_.conform(table, warnings);
}

Table PipelineModel::transformed(const Table& raw) const {
  Table table = conformed(raw);
  for (const auto& transform : transforms_) table = transform->apply(table);
  return table;
}

std::vector<Warning> PipelineModel::remarks(const Table& raw) const {
  if (looks_back_on_.empty()) return {};
  Table table = conformed(raw);
  std::vector<Warning> all;
  for (const auto& transform : transforms_) {
    for (Warning& w : transform->remarks(table)) all.push_back(std::move(w));
    table = transform->apply(table);
  }
  for (Warning& w : model_->remarks(table)) all.push_back(std::move(w));
  return all;
}

std::vector<double> PipelineModel::transformed_target(const std::vector<double>& values) const {
  return target_ ? target_as_learned(*target_, values) : values;
}

std::string PipelineModel::described_steps() const {
  std::string text;
  for (const auto& transform : transforms_) text += (text.empty() ? "" : "\n") + transform->describe();
  if (target_) text += (text.empty() ? "" : "\n") + target_->describe();
  return text;
}

// Every column of numbers that a regression predicts.
Table PipelineModel::turned_back(Table predicted) const {
  if (!target_) return predicted;
  for (const Column& c : Table(predicted).columns()) {
    std::vector<double> values = values_of(target_->invert(table_of_target(values_of(c))).column(kTarget));
    for (std::size_t r = 0; r < values.size(); ++r)
      if (!std::isfinite(values[r]))
        throw DataError(
            fmt::format("row {}", r + 1),
            fmt::format("the prediction {:.6g} of the transformed target has no number that it stands for",
                        c.number_at(static_cast<std::int64_t>(r))),
            "Its values are far outside those the model was trained on.");
    predicted = predicted.with(Column::number(c.name(), Tensor::take(std::move(values))));
  }
  return predicted;
}

Table PipelineModel::predict(const Table& table) const {
  Table predicted = calibration_.apply(turned_back(model_->predict(transformed(table))), classes());
  if (threshold_ < 0 || task() != Task::binary) return predicted;
  return decide(predicted, classes(), positive_, threshold_);
}

Table PipelineModel::with_coverage(const Table& rows, const Table& predicted, double coverage) const {
  if (!cv_plus_.empty()) return cv_plus_.with_interval(rows, predicted, coverage);
  const double quantile = conformal_.quantile(coverage);
  return is_classification(task()) ? with_prediction_set(predicted, classes(), quantile)
                                   : with_interval(predicted, quantile);
}

void PipelineModel::set_threshold(double threshold, std::string positive) {
  CAIRN_ASSERT(std::ranges::find(classes(), positive) != classes().end());
  threshold_ = threshold;
  positive_ = std::move(positive);
}

void PipelineModel::check_mean_contributions() const {
  const Tensor& m = mean_contributions_;
  if (!m.defined()) return;
  bool fine = m.dtype() == DType::f64 && m.ndim() == 2 && m.size(1) == num_columns() && m.size(0) >= 1;
  if (fine)
    for (const double v : m.data<double>()) fine = fine && std::isfinite(v);
  if (!fine)
    throw ModelFileError("model",
                         fmt::format("has mean contributions {} for {} columns", m.text(), num_columns()));
}

void PipelineModel::visit_target(Visitor& v) {
  v.enter("target");
  std::string kind(target_ ? target_->kind() : "");
  v.optional("kind", kind);
  const auto check_inverts = [&] {
    if (v.loading() && target_ && !target_->inverts())
      throw ModelFileError("model", fmt::format("turns its predictions back by '{}', which cannot", kind));
  };
  if (v.loading()) {
    target_ = kind.empty() ? nullptr : registry_->blank_transform(kind);
    check_inverts();
  }
  if (target_) target_->visit(v);
  check_inverts();  // pca cannot where a column was encoded, which is known only now
  v.leave();
}

void PipelineModel::visit(Visitor& v) {
  v.child("schema", schema_);
  v.value("threshold", threshold_);
  v.value("positive", positive_);
  auto count = static_cast<std::int64_t>(transforms_.size());
  v.value("num_transforms", count);
  constexpr std::int64_t kMostTransforms = 1000;
  if (v.loading()) {
    if (!registry_ || count < 0 || count > kMostTransforms)
      throw ModelFileError("model", fmt::format("claims {} transforms", count));
    transforms_.resize(static_cast<std::size_t>(count));
  }
  for (std::size_t i = 0; i < transforms_.size(); ++i) {
    v.enter(fmt::format("transform.{}", i));
    std::string kind(v.loading() ? "" : transforms_[i]->kind());
    v.value("kind", kind);
    if (v.loading()) transforms_[i] = registry_->blank_transform(kind);
    transforms_[i]->visit(v);
    v.leave();
  }
  visit_target(v);
  v.optional("looks_back_on", looks_back_on_);
  v.enter("model");
  std::string kind(v.loading() ? "" : model_->kind());
  v.value("kind", kind);
  if (v.loading()) model_ = registry_->blank_model(kind);
  model_->visit(v);
  v.leave();
  if (v.loading() && target_ && (is_classification(task()) || predicts() != Predicts::value))
    throw ModelFileError("model",
                         fmt::format("turns back by '{}' what is no number of its target", target_->kind()));
  v.enter("calibration");
  calibration_.visit(v, std::ssize(classes()));
  v.leave();
  v.child("conformal", conformal_);
  if (!is_fold_) {
    v.enter("cv_plus");
    cv_plus_.visit(v, registry_);
    v.leave();
    if (v.loading() && !cv_plus_.empty() && (is_classification(task()) || predicts() != Predicts::value))
      throw ModelFileError("model", "holds models of folds for intervals of what it does not predict");
  }
  v.tensor("mean_contributions", mean_contributions_);
  if (v.loading()) check_mean_contributions();
  if (v.loading() && threshold_ >= 0 &&
      (task() != Task::binary || std::ranges::find(classes(), positive_) == classes().end()))
    throw ModelFileError("model", fmt::format("decides for a class '{}' that it does not have", positive_));
}

namespace {

struct KindsPresent {
  bool number = false, boolean = false, category = false, text = false, date = false, image = false;
};

KindsPresent kinds_of(const std::vector<ColumnKind>& list) {
  KindsPresent kinds;
  for (const ColumnKind kind : list) {
    kinds.number |= kind == ColumnKind::number || kind == ColumnKind::integer;
    kinds.boolean |= kind == ColumnKind::boolean;
    kinds.category |= kind == ColumnKind::category;
    kinds.text |= kind == ColumnKind::text;
    kinds.date |= kind == ColumnKind::date;
    kinds.image |= kind == ColumnKind::image;
  }
  return kinds;
}

std::vector<ColumnKind> list_of_kinds(const Table& features) {
  std::vector<ColumnKind> kinds;
  for (const Column& c : features.columns())
    if (std::ranges::find(kinds, c.kind()) == kinds.end()) kinds.push_back(c.kind());
  return kinds;
}

// The last step of some kinds that acts on every column that it can; null: there is none. What it did holds
// unless a later step undoes it.
struct DoneByHand {
  const Transform* step = nullptr;
  bool holds = false;
};

DoneByHand done_by_hand(const Preparation* by_hand, std::initializer_list<std::string_view> names,
                        const Registry& registry, bool TransformEntry::* undoes) {
  DoneByHand done;
  if (!by_hand) return done;
  for (const auto& step : by_hand->steps) {
    const bool whole = std::ranges::find(names, step->name()) != names.end() &&
                       to_text(get_param(step->params(), "columns")).empty();
    if (whole)
      done = {.step = step.get(), .holds = true};
    else if (registry.transform(step->name()).*undoes)
      done.holds = false;
  }
  return done;
}

}  // namespace

std::vector<ColumnKind> Preparation::kinds_after(const Dataset& data, std::uint64_t seed) const {
  StepsRun run{.data = data, .table = data.features(), .past = {}, .fitted = {}};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    try {
      add_names(run.past, steps[i]->looks_back_on(data));
    } catch (Error& e) {
      e.add_place(place_of_step(i + 1, steps[i]->name()));
      throw;
    }
  }
  for (const std::string& name : run.past) run.table = run.table.with(data.table().column(name));
  run_steps(steps, steps.size(), nullptr, {.seed = seed, .stop = {}, .kept = {}}, run);
  return list_of_kinds(run.table);
}

std::unique_ptr<Pipeline> prepare(std::unique_ptr<Learner> learner, const LearnerEntry& entry,
                                  const Dataset& data, const Registry& registry,
                                  const PipelineOptions& options) {
  const Accepts& accepts = entry.accepts;
  const Preparation* by_hand = options.by_hand.get();
  KindsPresent kinds = kinds_of(!by_hand                   ? list_of_kinds(data.features())
                                : options.kinds_after_hand ? *options.kinds_after_hand
                                                           : by_hand->kinds_after(data, 0));
  std::vector<std::unique_ptr<Transform>> steps;
  if (by_hand)
    for (const auto& step : by_hand->steps) steps.push_back(step->clone());
  const std::size_t written = steps.size();
  auto target = by_hand && by_hand->target ? by_hand->target->clone() : nullptr;
  const auto finished = [&] {
    return std::make_unique<Pipeline>(std::move(steps), std::move(learner), written, std::move(target));
  };
  if (by_hand && !by_hand->rest) return finished();
  const auto add = [&](const std::string& name,
                       const std::vector<std::pair<const char*, std::string>>& settings = {}) {
    steps.push_back(registry.transform(name).make());
    for (const auto& [key, value] : settings) set_param(steps.back()->params(), key, value);
  };
  const auto add_unless = [&](const DoneByHand& done, bool holds, const std::string& name,
                              const std::vector<std::pair<const char*, std::string>>& settings = {}) {
    if (!done.step)
      add(name, settings);
    else if (!done.holds || !holds)
      steps.push_back(done.step->clone());
  };
  if (kinds.date) {
    add("date_parts");
    kinds.number = true;
  }
  if (kinds.text && !accepts.text) add("tf_idf");
  const std::string scale = options.scale != "auto" ? options.scale : accepts.unscaled ? "none" : "standard";
  if (kinds.image && !accepts.images)
    add("pixels", {{"centre", accepts.unscaled || scale == "none" ? "false" : "true"}});
  if (!accepts.missing && (kinds.number || kinds.boolean || kinds.category))
    add_unless(done_by_hand(by_hand, {"impute"}, registry, &TransformEntry::leaves_gaps), !kinds.date,
               "impute", {{"numbers", options.missing == "auto" ? "median" : options.missing}});
  if (!accepts.categories && (kinds.category || kinds.boolean))
    add("one_hot", {{"sparse", accepts.sparse ? "auto" : "no"}});
  if (options.polynomial > 1) {
    add("polynomial", {{"degree", std::to_string(options.polynomial)},
                       {"interactions_only", options.interactions_only ? "true" : "false"}});
  }
  if (scale != "none" && kinds.number)
    add_unless(done_by_hand(by_hand, {"standard_scale", "min_max_scale", "robust_scale"}, registry,
                            &TransformEntry::leaves_units),
               !kinds.date && options.polynomial <= 1, scale + "_scale");
  return finished();
}

}  // namespace cairn
