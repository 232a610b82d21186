// Private to the learners that find the strength of their penalty along a path: the parameters that they
// share, the strengths, the folds, and the choice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/linear/penalty_path.h"
#include "cairn/model/numeric.h"

namespace cairn::path_search {

// What the parameters of a path are called: `values` and `count` are alphas or Cs.
struct PathNames {
  const char *values, *values_doc;
  std::vector<std::string> values_also;
  const char *count, *count_doc;
  std::vector<std::string> count_also;
};
PathNames alpha_names();

// `folds` with its rule and words: 0 may stand for leaving out each row.
template <class P, auto Values, auto Count>
ParamList params_of_path(const PathNames& n, ParamRule folds, const char* folds_doc) {
  return {
      param<Values>(n.values, n.values_doc, {}, n.values_also),
      param<Count>(n.count, n.count_doc, between(1, 10'000), n.count_also),
      param<&P::smallest>("smallest", "the weakest penalty of the path, in parts of the strongest",
                          ParamRule{.low = 0, .high = 1, .low_open = true, .high_open = true},
                          {"eps", "lambda_min_ratio"}),
      param<&P::folds>("folds", folds_doc, std::move(folds), {"cv", "nfolds"}),
      param<&P::rule>("rule", "the penalty of least loss, or the strongest within one standard error of it",
                      one_of("minimum", "one_standard_error")),
  };
}

// `count` values that fall evenly in their logarithm from `largest` to `smallest` times it. Where no column
// says anything (largest = 0) every strength does the same, and they begin at 1.
std::vector<double> falling(double largest, double smallest, std::int64_t count);

// The values a person wrote, falling and each once; empty for none. UsageError names the learner, the
// parameter and what is no number above 0.
std::vector<double> written_values(std::string_view learner, const char* parameter,
                                   const std::vector<std::string>& texts);

// Rows that count, in parts; a fold learns from some parts and is judged by another. They are those of
// k_fold(): groups and copies stay together, classes are shared out, and where rows have a time a fold learns
// from what lies before.
struct Folds {
  std::vector<std::vector<std::int64_t>> parts;  // row numbers, ascending
  struct Fold {
    std::vector<std::size_t> learns;  // parts
    std::size_t judges = 0;
  };
  std::vector<Fold> folds;
  std::vector<std::int64_t> rows_to_learn(const Fold& fold) const;  // ascending
  std::vector<std::int64_t> rows() const;                           // all of them, ascending
  std::int64_t num_rows() const;
};
// DataError: too few rows, groups or times for so many folds.
Folds deal(const Dataset& data, int folds, std::uint64_t seed, std::string_view learner);
std::string folds_in_words(int folds);  // "5 folds"

// These rows of features, target and weights.
NumericData rows_of(const NumericData& data, const std::vector<std::int64_t>& rows);

// Fills in mean, error, least and chosen from losses[fold][value]; error is that of a mean over folds.
// FitError: no finite loss.
void choose_by_folds(const std::vector<std::vector<double>>& losses, std::string_view learner,
                     PenaltyPath& path);
// Fills in least and chosen from mean and error: the least mean, of several the strongest penalty's, or the
// strongest penalty within one standard error of it (Breiman et al. 1984, section 3.4.3).
void choose(std::string_view learner, PenaltyPath& path);

// The note of the choice first, and one more where the least loss stands at an end of the path.
std::vector<std::string> notes_of(const PenaltyPath& path);

}  // namespace cairn::path_search
