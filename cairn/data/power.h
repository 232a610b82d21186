// Number columns bent so that they lie more evenly: logarithms and the two power transforms of statistics.
// Each can be turned back, and may stand before the target (`"target"` of a preparation).
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct PowerParams {
  std::vector<std::string> columns;
  static const ParamList& list();
};

// ln x. DataError names the first number that is not above 0, in training and later.
class Log : public TransformWith<Log, PowerParams> {
 public:
  static constexpr const char* kName = "log";
  explicit Log(PowerParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

// ln(1 + x), which keeps a zero. DataError: a number that is not above -1.
class Log1p : public TransformWith<Log1p, PowerParams> {
 public:
  static constexpr const char* kName = "log1p";
  explicit Log1p(PowerParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

// (x^lambda - 1) / lambda, ln x where lambda is 0, with the lambda of greatest normal likelihood (Box and Cox
// 1964), held where the powers still tell all numbers apart. A constant column keeps lambda 1. DataError: a
// number that is not above 0.
class BoxCox : public TransformWith<BoxCox, PowerParams> {
 public:
  static constexpr const char* kName = "box_cox";
  explicit BoxCox(PowerParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

// The same for any number: ((1 + x)^lambda - 1) / lambda for x >= 0 and -((1 - x)^(2 - lambda) - 1) /
// (2 - lambda) below (Yeo and Johnson 2000).
class YeoJohnson : public TransformWith<YeoJohnson, PowerParams> {
 public:
  static constexpr const char* kName = "yeo_johnson";
  explicit YeoJohnson(PowerParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry log_entry();
TransformEntry log1p_entry();
TransformEntry box_cox_entry();
TransformEntry yeo_johnson_entry();

}  // namespace cairn
