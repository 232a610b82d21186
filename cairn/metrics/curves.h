// Curves and tables for looking at a model: points only, no drawing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/metrics/metric.h"

namespace cairn {

struct CurvePoint {
  double x = 0, y = 0;
  double threshold = 0;
};
// Binary. At most `points` points, chosen so that the drawn curve does not change; ends included.
std::vector<CurvePoint> roc_curve(const Scored& rows, int points = 200);  // x false, y true positive rate
std::vector<CurvePoint> precision_recall_curve(const Scored& rows,
                                               int points = 200);  // x recall, y precision

struct CalibrationBin {
  double mean_predicted = 0, observed = 0, low = 0,
         high = 0;  // share of positives with its 95 % Wilson interval
  std::int64_t n = 0;
};
std::vector<CalibrationBin> calibration_curve(const Scored& rows, int bins = 10);  // binary; equal-count bins

struct Confusion {
  std::int64_t num_classes = 0;
  std::vector<double> counts;  // [truth * num_classes + decided]; sums of weights
};
Confusion confusion(const Scored& rows);

struct ResidualCurve {  // regression
  std::vector<double> predicted,
      residual;                          // a spread sample of at most `points` rows (by index, deterministic)
  double low = 0, median = 0, high = 0;  // 5 %, 50 %, 95 % of truth - predicted
};
ResidualCurve residual_curve(const Scored& rows, int points = 500);

// The threshold on the positive class's probability that is best for a metric of decisions, or cheapest for
// stated costs. Chosen on validation rows; ties go to the threshold nearest 0.5.
struct ThresholdChoice {
  double threshold = 0.5, value = 0;
};
ThresholdChoice best_threshold(const Scored& rows, const Metric& metric);
ThresholdChoice cheapest_threshold(const Scored& rows, double cost_false_positive,
                                   double cost_false_negative);

}  // namespace cairn
