#include "cairn/model/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace cairn {
namespace {

// What the model keeps of the training table: integers become numbers, so that a later 3.5 is no error.
Schema model_schema(const Table& features) {
  Schema schema = Schema::of(features);
  for (ColumnSpec& spec : schema.columns)
    if (spec.kind == ColumnKind::integer) spec.kind = ColumnKind::number;
  return schema;
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

}  // namespace

Pipeline::Pipeline(std::vector<std::unique_ptr<Transform>> transforms, std::unique_ptr<Learner> learner)
    : transforms_(std::move(transforms)), learner_(std::move(learner)) {}

Pipeline::Pipeline(const Pipeline& other) : Learner(other), learner_(other.learner_->clone()) {
  for (const auto& t : other.transforms_) transforms_.push_back(t->clone());
}

std::unique_ptr<Model> Pipeline::fit(const Dataset& data, const FitContext& context) const {
  const Table features = data.features();
  Schema schema = model_schema(features);
  Dataset current = data.with_features(schema.conform(features));
  std::vector<std::unique_ptr<FittedTransform>> fitted;
  for (const auto& transform : transforms_) {
    context.stop.throw_if_requested("training");
    fitted.push_back(transform->fit(current, {.seed = context.seed, .stop = context.stop}));
    current = current.with_features(fitted.back()->apply(current.features()));
  }
  auto model = learner_->fit(current, context);
  return std::make_unique<PipelineModel>(std::move(schema), std::move(fitted), std::move(model));
}

PipelineModel::PipelineModel(Schema schema, std::vector<std::unique_ptr<FittedTransform>> transforms,
                             std::unique_ptr<Model> model)
    : schema_(std::move(schema)), transforms_(std::move(transforms)), model_(std::move(model)) {}

Json PipelineModel::drawn_trees() const { return model_->drawn_trees(); }

Table PipelineModel::transformed(const Table& raw) const {
  Table table = schema_.conform(raw);
  for (const auto& transform : transforms_) table = transform->apply(table);
  return table;
}

Table PipelineModel::predict(const Table& table) const {
  Table predicted = calibration_.apply(model_->predict(transformed(table)), classes());
  if (threshold_ < 0 || task() != Task::binary) return predicted;
  return decide(predicted, classes(), positive_, threshold_);
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
  v.enter("model");
  std::string kind(v.loading() ? "" : model_->kind());
  v.value("kind", kind);
  if (v.loading()) model_ = registry_->blank_model(kind);
  model_->visit(v);
  v.leave();
  v.enter("calibration");
  calibration_.visit(v, std::ssize(classes()));
  v.leave();
  v.child("conformal", conformal_);
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

KindsPresent kinds_of(const Table& features) {
  KindsPresent kinds;
  for (const Column& c : features.columns()) {
    kinds.number |= c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer;
    kinds.boolean |= c.kind() == ColumnKind::boolean;
    kinds.category |= c.kind() == ColumnKind::category;
    kinds.text |= c.kind() == ColumnKind::text;
    kinds.date |= c.kind() == ColumnKind::date;
    kinds.image |= c.kind() == ColumnKind::image;
  }
  return kinds;
}

}  // namespace

std::unique_ptr<Pipeline> prepare(std::unique_ptr<Learner> learner, const LearnerEntry& entry,
                                  const Dataset& data, const Registry& registry,
                                  const PipelineOptions& options) {
  const Accepts& accepts = entry.accepts;
  KindsPresent kinds = kinds_of(data.features());
  std::vector<std::unique_ptr<Transform>> steps;
  const auto add = [&](const char* name,
                       const std::vector<std::pair<const char*, std::string>>& settings = {}) {
    steps.push_back(registry.transform(name).make());
    for (const auto& [key, value] : settings) set_param(steps.back()->params(), key, value);
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
    add("impute", {{"numbers", options.missing == "auto" ? "median" : options.missing}});
  if (!accepts.categories && (kinds.category || kinds.boolean))
    add("one_hot", {{"sparse", accepts.sparse ? "auto" : "no"}});
  if (options.polynomial > 1) {
    add("polynomial", {{"degree", std::to_string(options.polynomial)},
                       {"interactions_only", options.interactions_only ? "true" : "false"}});
  }
  if (scale != "none" && kinds.number) add((scale + "_scale").c_str());
  return std::make_unique<Pipeline>(std::move(steps), std::move(learner));
}

}  // namespace cairn
