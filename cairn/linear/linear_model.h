// The fitted model of every linear learner: one row of weights and an intercept for each output.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cairn/linear/penalty_path.h"
#include "cairn/model/numeric.h"

namespace cairn {

// How weighted sums become outputs.
enum class Link : std::uint8_t {
  identity,     // regression: the sum itself
  log,          // regression: the sum is the logarithm of what is predicted
  sigmoid,      // binary: one sum, the log-odds of the positive class
  one_vs_rest,  // multiclass: a sigmoid a class, divided by their sum
};

class LinearModel final : public NumericModel {
 public:
  static constexpr std::string_view kKind = "linear_model";

  LinearModel() = default;  // blank, for visit()
  // weights [k, d] row after row and intercepts [k], with k = 1 but for one_vs_rest, where it is the number
  // of classes, and for quantiles, where it is the number of levels (ascending; empty: no quantiles).
  LinearModel(const NumericData& data, Link link, std::vector<double> weights, std::vector<double> intercepts,
              std::vector<double> levels = {});

  std::string_view kind() const override { return kKind; }
  // DataError names the first row whose sum is beyond the range of f64.
  void compute(const Matrix& x, std::span<double> outputs) const override;
  std::vector<Coefficient> coefficients() const override;
  std::vector<double> loss_history() const override { return loss_history_; }
  Json penalty_path() const override;
  // What columns add to a logarithm does not add up to the prediction.
  ExplainsFrom explains_from() const override {
    return link_ == Link::log ? ExplainsFrom::nothing : ExplainsFrom::intercept;
  }
  Predicts predicts() const override { return levels_.empty() ? Predicts::value : Predicts::quantiles; }

  std::span<const double> weights() const { return weights_.data<double>(); }
  std::span<const double> intercepts() const { return intercepts_; }
  Link link() const { return link_; }

  void add_note(std::string note) { notes_.push_back(std::move(note)); }
  void set_loss_history(std::vector<double> history) { loss_history_ = std::move(history); }
  const PenaltyPath& path() const { return path_; }  // empty where no strength was searched for
  void set_path(PenaltyPath path) { path_ = std::move(path); }
  // Sums become log-odds by slope * sum + offset, one pair an output: for losses whose sums are no log-odds.
  void set_calibration(std::vector<double> slopes, std::vector<double> offsets);

 private:
  void visit_members(Visitor& v) override;
  LinearScore linear_score() const override;
  void sums_to_probabilities(std::span<const double> sums, std::span<double> outputs) const;
  std::size_t num_sums() const { return intercepts_.size(); }
  std::string output_name(std::size_t sum) const;  // a class, q_<level>, or "" where there is one sum
  std::span<const double> quantile_levels() const override { return levels_; }
  Link link_ = Link::identity;
  Tensor weights_;
  std::vector<double> intercepts_, slopes_, offsets_, levels_, loss_history_;
  PenaltyPath path_;
};

}  // namespace cairn
