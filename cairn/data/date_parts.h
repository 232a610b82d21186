// Dates to numbers: what a season, a weekday or a trend can be learned from.
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct DatePartsParams {
  std::vector<std::string> columns;
  static const ParamList& list();
};

// A date column 'when' becomes the numbers 'when year', 'when month' (1-12), 'when day' (1-31), 'when
// weekday' (Monday 0), 'when hour' (0-23; only if a training row has a time of day), 'when day of year'
// (1-366) and 'when elapsed days' (since the earliest training date, with fractions). All in UTC. A missing
// date gives missing numbers.
class DateParts : public TransformWith<DateParts, DatePartsParams> {
 public:
  static constexpr const char* kName = "date_parts";
  explicit DateParts(DatePartsParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry date_parts_entry();

}  // namespace cairn
