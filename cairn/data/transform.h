// Transforms: fitted on training rows only, stored inside the model, applied alike to every later row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/params.h"
#include "cairn/base/stop.h"
#include "cairn/data/dataset.h"
#include "cairn/data/table.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

// A share of a column in something made of it.
struct Origin {
  std::string column;
  double share = 1;
};
// A column that a transform makes and the columns it is made of; the shares sum to 1.
struct MadeColumn {
  std::string name;
  std::vector<Origin> from;
};

class FittedTransform {
 public:
  virtual ~FittedTransform() = default;
  virtual std::string_view kind() const = 0;  // the name under which the registry can make a blank one
  virtual Table apply(const Table& features) const = 0;  // const and thread-safe
  virtual void visit(Visitor& v) = 0;
  // Where columns under a new name come from; one that keeps its name is made of itself.
  virtual std::vector<MadeColumn> made_columns() const { return {}; }
  virtual std::string describe()
      const = 0;  // "impute 2 columns with their median (bill_length_mm 44.5, ...)"
  // Whether what apply() makes of its columns can be turned back, and the columns as they were. NotSupported.
  virtual bool inverts() const { return false; }
  virtual Table invert(const Table& made) const;
  // Whether apply() tells a row that was learned from its own target: fit_rows() told it otherwise.
  virtual bool tells_own_target() const { return false; }
  // What a person should know of how apply() meets these rows: whose past is not known.
  virtual std::vector<Warning> remarks(const Table& /*features*/) const { return {}; }
};

struct TransformContext {
  std::uint64_t seed = 0;
  StopToken stop;
  // Columns that a transform looked back on and that a later step needs again: apply() leaves them in.
  std::vector<std::string> kept;
};

// What fitting makes of the training rows, for the steps that follow. It may differ from apply(): a row's own
// target must not be in what it is encoded by.
struct FittedRows {
  std::unique_ptr<FittedTransform> fitted;
  Table table;
  std::optional<std::vector<std::int64_t>> kept;  // of the rows given those that `table` has; all when absent
};

// Parameters only, as a Learner. `fit` sees the training rows; target-aware transforms read data.target().
class Transform {
 public:
  virtual ~Transform() = default;
  virtual std::string_view name() const = 0;
  virtual ParamsView params() const = 0;
  virtual std::unique_ptr<Transform> clone() const = 0;
  // Acts on the feature columns of the kinds it is for (or those named by a `columns` parameter) and leaves
  // the others be.
  virtual std::unique_ptr<FittedTransform> fit(const Dataset& data,
                                               const TransformContext& context) const = 0;
  // The same, with what the training rows become. `table` is the features and the columns looked back on.
  virtual FittedRows fit_rows(const Dataset& data, const Table& table, const TransformContext& context) const;
  // Whether fit_rows() is no more than fit() and apply(), and a row is treated by itself.
  virtual bool treats_rows_alike() const { return true; }
  // Columns that are no features, whose values in earlier rows apply() needs: the time, the target.
  virtual std::vector<std::string> looks_back_on(const Dataset& /*data*/) const { return {}; }
};

// A transform's parameters, held and validated: class OneHot : public TransformWith<OneHot, OneHotParams> {
// ... }.
template <class Derived, class P>
class TransformWith : public Transform {
 public:
  using Params = P;
  explicit TransformWith(P params) : params_(std::move(params)) { validate(TransformWith::params()); }
  std::string_view name() const override { return Derived::kName; }
  ParamsView params() const override { return {Derived::kName, const_cast<P*>(&params_), &P::list()}; }
  std::unique_ptr<Transform> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }

 protected:
  P params_;
};

struct TransformEntry {
  const char* name;
  const char* doc;
  const ParamList& (*params)();
  std::unique_ptr<Transform> (*make)();         // with default parameters; set them through params()
  std::unique_ptr<FittedTransform> (*blank)();  // to be filled by visit() when a model is loaded
  // What it may leave where there was none: numbers in units of their own, though all were on one scale;
  // gaps, though all were filled.
  bool leaves_units = false, leaves_gaps = false;
};

}  // namespace cairn
