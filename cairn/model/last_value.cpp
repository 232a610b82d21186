#include "cairn/model/last_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/data/lags.h"
#include "cairn/model/numeric.h"

namespace cairn {
namespace {

class LastValueModel : public Model {
 public:
  LastValueModel(std::string column, double mean) : column_(std::move(column)), mean_(mean) {}
  std::string_view kind() const override { return LastValue::kName; }
  Table predict(const Table& table) const override {
    const Tensor numbers = table.column(column_).numbers();
    std::vector<double> outputs;
    for (const double v : numbers.data<double>()) outputs.push_back(std::isnan(v) ? mean_ : v);
    return prediction_table(Task::regression, {}, std::move(outputs));
  }
  void visit(Visitor& v) override {
    v.value("column", column_);
    v.value("mean", mean_);
  }
  Task task() const override { return Task::regression; }
  const std::vector<std::string>& classes() const override { return classes_; }
  std::vector<std::string> notes() const override { return {"answers the last known value"}; }

 private:
  std::string column_;
  double mean_;
  std::vector<std::string> classes_;
};

}  // namespace

const ParamList& LastValueParams::list() {
  static const ParamList l{
      param<&LastValueParams::lag>("lag", "how many rows earlier the last known value stands")};
  return l;
}

std::unique_ptr<Model> LastValue::fit(const Dataset& data, const FitContext&) const {
  if (data.num_rows() == 0) throw DataError(kName, "there are no rows to learn from");
  const std::string column = fmt::format("{} lag {}", data.roles().target, params_.lag);
  static_cast<void>(data.features().column(column));
  double mean = 0, total = 0;
  const auto y = data.target_values();
  const auto weights = data.weights();
  for (std::size_t r = 0; r < y.size(); ++r) {
    const double w = weights.empty() ? 1 : weights[r];
    total += w;
    if (w > 0) mean += (y[r] - mean) * w / total;
  }
  return std::make_unique<LastValueModel>(column, mean);
}

const LearnerEntry& last_value_entry() {
  static const LearnerEntry entry = [] {
    LearnerEntry e{};
    e.name = LastValue::kName;
    e.doc = "The last known value of the target.";
    e.regression = true;
    e.params = &LastValueParams::list;
    e.model_kind = LastValue::kName;
    e.example_regression = e.example_classification = "";
    e.auto_settings = nullptr;
    return e;
  }();
  return entry;
}

std::unique_ptr<Pipeline> last_value_pipeline(const Preparation& steps, const Dataset& data,
                                              const Registry& registry) {
  if (data.task() != Task::regression) return nullptr;
  for (const auto& step : steps.steps) {
    const auto back = step->name() == Lags::kName ? step->looks_back_on(data) : std::vector<std::string>{};
    if (std::ranges::find(back, data.roles().target) == back.end()) continue;
    std::vector<std::unique_ptr<Transform>> lag;
    lag.push_back(registry.transform("lags").make());
    const std::int64_t nearest = dynamic_cast<const Lags&>(*step).nearest();
    set_param(lag.back()->params(), "lags", std::to_string(nearest));
    set_param(lag.back()->params(), "group", to_text(get_param(step->params(), "group")));
    set_param(lag.back()->params(), "keep_incomplete", "true");
    return std::make_unique<Pipeline>(std::move(lag),
                                      std::make_unique<LastValue>(LastValueParams{.lag = nearest}));
  }
  return nullptr;
}

}  // namespace cairn
