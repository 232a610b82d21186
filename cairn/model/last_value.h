// The trivial forecast: tomorrow is like today. What a model that looks back must beat.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/model/pipeline.h"

namespace cairn {

struct LastValueParams {
  std::int64_t lag = 1;
  static const ParamList& list();
};

// Predicts the column '<target> lag k', which a lags step makes; the mean target where it is missing. Made by
// select_learner(), never by name: it stands in no table. DataError: there is no such column.
class LastValue final : public Learner {
 public:
  static constexpr const char* kName = "last_value";
  explicit LastValue(LastValueParams params) : params_(params) {}
  std::string_view name() const override { return kName; }
  ParamsView params() const override {
    return {kName, const_cast<LastValueParams*>(&params_), &LastValueParams::list()};
  }
  std::unique_ptr<Learner> clone() const override { return std::make_unique<LastValue>(*this); }
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;

 private:
  LastValueParams params_;
};

const LearnerEntry& last_value_entry();

// It and its lags step, when `steps` look back on the target of a regression; else null. Its lag is the
// smallest that they look at: what is later is not known when they predict.
std::unique_ptr<Pipeline> last_value_pipeline(const Preparation& steps, const Dataset& data,
                                              const Registry& registry);

}  // namespace cairn
