// The answer that looks at no feature: what every other model must beat.
#pragma once

#include <string>
#include <vector>

#include "cairn/model/parts.h"
#include "cairn/model/registry.h"

namespace cairn {

struct ConstantParams {
  std::string strategy = "auto";
  double value = 0;
  static const ParamList& list();
};

// Regression: the weighted mean, the weighted median (between the two middle rows when the weight below
// equals the weight above) or a given value. Classification: the weighted shares of the classes, or 1 for the
// most frequent class (the first of several). Needs no transforms: any table will do. DataError: no rows;
// ParamError: a strategy of the other kind of task.
class Constant : public LearnerWith<Constant, ConstantParams>, public PartsLearner {
 public:
  static constexpr const char* kName = "constant";
  using LearnerWith::LearnerWith;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::string why_not_in_parts() const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;
};

class ConstantModel : public Model {
 public:
  ConstantModel() = default;  // blank, for visit()
  // outputs: the value, or a probability a class.
  ConstantModel(Task task, std::vector<std::string> classes, std::vector<double> outputs, std::string note);
  std::string_view kind() const override { return Constant::kName; }
  Table predict(const Table& table) const override;
  void visit(Visitor& v) override;
  Task task() const override { return task_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  std::vector<std::string> notes() const override { return {note_}; }

 private:
  Task task_ = Task::regression;
  std::vector<std::string> classes_;
  std::vector<double> outputs_;
  std::string note_;
};

}  // namespace cairn
