// Probabilities that mean what they say: a map from a model's probabilities to shares of rows, fitted to
// out-of-fold predictions, never to rows that the model has seen.
//
// Platt's method moves log-odds by a slope and an offset, for each class against the rest (Platt 1999).
// Isotonic regression takes the rising steps nearest to the truth, for each class against the rest (Zadrozny,
// Elkan 2002). Temperature divides all log-probabilities by one number, which keeps every decision (Guo,
// Pleiss, Sun, Weinberger 2017).
//
// Of several classes the parts are divided by their sum.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cairn/model/evaluate.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

// p = 1 / (1 + exp(-(slope * margin + offset))), fitted by Newton's method on targets kept off 0 and 1
// (Platt: Probabilistic outputs for support vector machines; 1999, with the numerically safe form of Lin,
// Lin, Weng 2007). sides are -1 and 1; weights may be empty.
struct MarginCalibration {
  double slope = 1, offset = 0;
};
MarginCalibration calibrate_margins(std::span<const double> margins, std::span<const double> sides,
                                    std::span<const double> weights);

class Calibration {
 public:
  Calibration() = default;  // leaves probabilities as they are
  // "platt", "isotonic" or "temperature". The rows hold probabilities of a classification.
  Calibration(const std::string& method, const Judged& out_of_fold);

  bool empty() const { return method_.empty(); }
  const std::string& method() const { return method_; }
  void apply(std::span<double> probabilities, std::int64_t classes) const;  // [n * classes], in place
  Table apply(const Table& predicted, const std::vector<std::string>& classes) const;
  // With the decisions that follow; `threshold` < 0: for the most probable class.
  Judged apply(const Judged& judged, double threshold) const;
  void visit(Visitor& v, std::int64_t classes);

 private:
  std::string method_;
  std::vector<double> parameters_;       // temperature: T; platt: slope and offset a map
  std::vector<std::vector<double>> at_;  // isotonic, a map: probabilities ...
  std::vector<std::vector<double>> to_;  // ... and what they become; straight lines between
};

// How well each method does on rows that its map was not fitted to (five parts of the out-of-fold rows).
struct CalibrationTrial {
  std::string method;  // "none" as well
  double log_loss = 0;
};
struct CalibrationChoice {
  Calibration calibration;  // fitted to all rows by the method of least log loss; "none" wins ties
  std::vector<CalibrationTrial> trials;
};
// `asked`: a method, or "auto". NotSupported: the predictions hold no probabilities.
CalibrationChoice choose_calibration(const std::string& asked, const Judged& out_of_fold);

}  // namespace cairn
