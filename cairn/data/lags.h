// What was, for rows that follow one another in time: earlier values of a column and means of the last few.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct LagsParams {
  std::string lags = "1";
  std::string means;
  std::string group;
  bool keep_incomplete = false;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Adds for each of `columns` (number, integer or boolean; without them the target of a regression, which is
// looked back on and never a feature itself) the columns 'x lag k', the value k rows earlier, for each k of
// `lags` ("1-12", "1,2,24"), and 'x mean w', the mean of the w rows before, for each w of `means`. Rows are
// in the order of the dataset's time (--time), in each group (`group`, else the dataset's group, else all
// rows) for itself; the row itself and what comes after it are never looked at.
//
// The last rows of training are kept with the model as the past of later ones; rows of a table are each
// other's past too. Training rows whose past does not reach back far enough are not learned from, unless
// `keep_incomplete`. Later, a value is missing where its row is not known: before the beginning, where the
// table lacks it, or beyond a gap (more than 1.5 times the longest step between training rows); remarks()
// tells which. UsageError: no time, no column to look at, a list that is none. DataError: a row without a
// time, two rows of a group with the same one, no training row with a whole past.
class Lags : public TransformWith<Lags, LagsParams> {
 public:
  static constexpr const char* kName = "lags";
  explicit Lags(LagsParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
  bool treats_rows_alike() const override { return false; }
  FittedRows fit_rows(const Dataset& data, const Table& table,
                      const TransformContext& context) const override;
  std::vector<std::string> looks_back_on(const Dataset& data) const override;
  std::int64_t nearest() const;  // how many rows earlier the latest value stands that it looks at

 private:
  std::unique_ptr<FittedTransform> fit_on(const Dataset& data, const Table& table,
                                          const TransformContext& context) const;
};

TransformEntry lags_entry();

}  // namespace cairn
