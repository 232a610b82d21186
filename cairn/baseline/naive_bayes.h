// Naive Bayes: Bayes' rule with features taken as independent within a class (Manning, Raghavan, Schuetze:
// Introduction to Information Retrieval, chapter 13; 2008).
#pragma once

#include <string>

#include "cairn/model/numeric.h"
#include "cairn/model/registry.h"

namespace cairn {

struct NaiveBayesParams {
  std::string distribution = "auto";
  double var_smoothing = 1e-9;
  double alpha = 1;
  double binarize = 0;
  static const ParamList& list();
};

enum class FeatureDistribution : std::uint8_t { gaussian, multinomial, bernoulli, mixed };
const char* name_of(FeatureDistribution distribution);
FeatureDistribution feature_distribution_from_name(std::string_view name);

// gaussian: a mean and a variance a class and feature; multinomial: features are counts or weights of words;
// bernoulli: a feature is whether its value exceeds `binarize`; mixed: bernoulli for features that are 0 or
// 1, or 0 in most rows of sparse data, gaussian for the others. A class without rows gets probability 0.
// DataError: a negative value under multinomial.
class NaiveBayes : public LearnerWith<NaiveBayes, NaiveBayesParams> {
 public:
  static constexpr const char* kName = "naive_bayes";
  using LearnerWith::LearnerWith;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

class NaiveBayesModel : public NumericModel {
 public:
  NaiveBayesModel() = default;  // blank, for visit()
  // `gaussian`: the features taken as gaussian under mixed, ascending.
  NaiveBayesModel(const NumericData& data, const NaiveBayesParams& params, FeatureDistribution distribution,
                  std::vector<std::int64_t> gaussian, const StopToken& stop);
  std::string_view kind() const override { return NaiveBayes::kName; }
  // A row so far from every class that all likelihoods vanish gets the shares of the classes.
  void compute(const Matrix& x, std::span<double> outputs) const override;

 protected:
  void visit_members(Visitor& v) override;

 private:
  void fit_gaussian(const NumericData& data, double var_smoothing, const StopToken& stop);
  void fit_counts(const NumericData& data, double alpha, const StopToken& stop);
  void prepare_terms();
  bool counts_features() const { return distribution_ != FeatureDistribution::gaussian; }
  void add_gaussian(const double* values, std::span<double> joint) const;
  void add_count(std::size_t column, double value, std::span<double> joint) const;
  void check_features();
  void check_loaded() const;

  FeatureDistribution distribution_ = FeatureDistribution::gaussian;
  double binarize_ = 0;
  std::vector<std::int64_t> gaussian_;  // the gaussian features, ascending: all, none, or some (mixed)
  Tensor log_prior_;                    // f64 [k]; -inf: the class had no rows
  Tensor mean_, variance_;              // f64 [k, gaussian features]
  Tensor log_probability_;              // f64 [k, d], unless all are gaussian
  // Made from the above: what a row's joint log likelihood starts from, and the bernoulli factors of a
  // present feature; slot_: where a feature stands among the gaussian ones, or -1.
  std::vector<double> start_, log_odds_;
  std::vector<std::int32_t> slot_;
};

}  // namespace cairn
