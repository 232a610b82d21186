// Pipelines whose learner is given its rows in parts.
#include <fmt/format.h>

#include <span>

#include "cairn/model/pipeline_internal.h"

namespace cairn {

std::string Pipeline::why_not_in_parts() const {
  for (const auto& t : transforms_)
    if (!t->treats_rows_alike())
      return fmt::format("{} treats training rows otherwise than later ones, for which it needs all of them",
                         t->name());
  return cairn::why_not_in_parts(*learner_);
}

namespace {

// The sample of rows as the learner sees it, for a learner that asks what they would take.
class TransformedSample final : public DatasetParts {
 public:
  TransformedSample(const DatasetParts& rows, Dataset sample) : rows_(rows), sample_(std::move(sample)) {}
  std::int64_t num_rows() const override { return rows_.num_rows(); }
  const Dataset& sample() const override { return sample_; }
  std::uint64_t most_bytes() const override { return rows_.most_bytes(); }
  void each(const std::function<void(const Dataset&)>&) override { CAIRN_ASSERT(false); }

 private:
  const DatasetParts& rows_;
  Dataset sample_;
};

// Rows in parts as the learner sees them.
class TransformedParts final : public DatasetParts {
 public:
  TransformedParts(DatasetParts& rows, const Dataset& sample, const Schema& schema,
                   std::span<const std::unique_ptr<FittedTransform>> steps, const FittedTransform* target)
      : rows_(rows), sample_(sample), schema_(schema), steps_(steps), target_(target) {}
  std::int64_t num_rows() const override { return rows_.num_rows(); }
  const Dataset& sample() const override { return sample_; }
  std::uint64_t most_bytes() const override { return rows_.most_bytes(); }
  void each(const std::function<void(const Dataset&)>& use) override {
    rows_.each([&](const Dataset& part) {
      Table table = schema_.conform(part.features());
      for (const auto& step : steps_) table = step->apply(table);
      Dataset data = part.with_features(table);
      if (target_) data = data.with_target(target_as_learned(*target_, data.target_values()));
      use(data);
    });
  }

 private:
  DatasetParts& rows_;
  const Dataset& sample_;
  const Schema& schema_;
  std::span<const std::unique_ptr<FittedTransform>> steps_;
  const FittedTransform* target_;
};

}  // namespace

bool Pipeline::keeps_rows() const {
  const auto* able = dynamic_cast<const PartsLearner*>(learner_.get());
  return able && able->keeps_rows();
}

std::string Pipeline::why_not_these(const DatasetParts& rows) const {
  if (!keeps_rows()) return {};
  const TransformedSample seen(rows, prepare_rows(rows.sample(), {}).data);
  return dynamic_cast<const PartsLearner&>(*learner_).why_not_these(seen);
}

std::unique_ptr<Model> Pipeline::fit_parts(DatasetParts& rows, const FitContext& context) const {
  if (const std::string why = why_not_in_parts(); !why.empty()) throw ResourceError(std::string(name()), why);
  Prepared prepared = prepare_rows(rows.sample(), context);
  TransformedParts parts(rows, prepared.data, prepared.schema, prepared.fitted, prepared.target.get());
  auto model = dynamic_cast<const PartsLearner&>(*learner_).fit_parts(parts, context);
  return std::move(prepared).with(std::move(model));
}

}  // namespace cairn
