// Several models whose predictions are averaged with weights >= 0 that sum to one (Wolpert: Stacked
// generalization, 1992; Breiman: Stacked regressions, 1996, for why the weights are held to that): of values
// for a quantity, of probabilities for classes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/model/contributions.h"
#include "cairn/model/pipeline.h"

namespace cairn {

class BlendModel final : public Model, public BackgroundModel {
 public:
  static constexpr std::string_view kKind = "blend";

  // Blank, for visit(); the registry makes the members' parts.
  explicit BlendModel(const Registry* registry) : registry_(registry) {}
  // ModelFileError unless there are as many weights as members, which sum to one, and one task and list of
  // classes.
  BlendModel(std::vector<std::unique_ptr<PipelineModel>> members, std::vector<double> weights,
             std::vector<std::string> names);

  std::string_view kind() const override { return kKind; }
  Table predict(const Table& table) const override;
  void visit(Visitor& v) override;
  Task task() const override { return members_.front()->task(); }
  const std::vector<std::string>& classes() const override { return members_.front()->classes(); }
  std::vector<std::string> notes() const override;
  std::vector<std::string> looks_back_on() const override;
  bool looks_at_past_of(const std::string& column) const override;
  std::vector<Warning> remarks(const Table& table) const override { return members_.front()->remarks(table); }
  // Of a quantity whose members all explain themselves: the weighted sum of their contributions, which is
  // exact. A mean of probabilities is no sum of scores, nor is one of targets that were turned back.
  ExplainsFrom explains_from() const override;
  Contributions contributions(const Table& table, const ColumnShares& shares) const override;
  Contributions contributions_against(const Table& table, const Table& background,
                                      const ColumnShares& shares) const override;

  std::int64_t num_members() const { return std::ssize(members_); }
  const PipelineModel& member(std::int64_t i) const { return *members_[static_cast<std::size_t>(i)]; }
  const std::vector<double>& weights() const { return weights_; }

 private:
  void check() const;
  template <class Of>
  Contributions weighted_sum(const Table& table, const ColumnShares& shares, Of&& of_member) const;
  std::vector<std::unique_ptr<PipelineModel>> members_;
  std::vector<double> weights_;
  std::vector<std::string> names_;
  const Registry* registry_ = nullptr;
};

struct BlendParams {
  std::vector<std::string> members;  // in words: "0.62 random_forest"
  static const ParamList& list();
};

// Fits its members one after the other on all rows; the weights are given. Made by select_learner(), never by
// name: it stands in no table.
class Blend final : public Learner {
 public:
  static constexpr const char* kName = "blend";
  Blend(std::vector<std::shared_ptr<const Pipeline>> members, std::vector<double> weights,
        std::vector<std::string> names);
  std::string_view name() const override { return kName; }
  ParamsView params() const override {
    return {kName, const_cast<BlendParams*>(&params_), &BlendParams::list()};
  }
  std::unique_ptr<Learner> clone() const override { return std::make_unique<Blend>(*this); }
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::vector<std::string> looks_back_on(const Dataset& data) const override;

 private:
  BlendParams params_;
  std::vector<std::shared_ptr<const Pipeline>> members_;
  std::vector<double> weights_;
  std::vector<std::string> names_;
};

// What stands for it where a candidate names its entry. It cannot be made by name.
const LearnerEntry& blend_entry();

constexpr double kLeastProbability = 1e-15;  // smaller ones count as this

// The weights of least mean loss, >= 0 and summing to one: said[m] is what member m says of each row, its
// value (squared loss) or its probability of the row's true class (`truth` empty: logarithmic loss). Rows
// weigh `row_weights`, all alike when empty. Both losses are convex in the weights.
std::vector<double> blend_weights(std::span<const std::vector<double>> said, std::span<const double> truth,
                                  std::span<const double> row_weights);

}  // namespace cairn
