#include "cairn/data/scale.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::choose;
using transform_detail::find_all;

constexpr std::int64_t kRows = 1 << 15;  // rows a chunk of the parallel loops

class FittedScale : public FittedTransform {
 public:
  explicit FittedScale(std::string kind) : kind_(std::move(kind)) {}
  FittedScale(std::string kind, std::vector<std::string> names)
      : kind_(std::move(kind)),
        names_(std::move(names)),
        centers_(names_.size()),
        scales_(names_.size(), 1) {}

  std::string_view kind() const override { return kind_; }
  Table apply(const Table& features) const override;
  void visit(Visitor& v) override;
  std::string describe() const override;
  bool inverts() const override { return true; }
  Table invert(const Table& made) const override;
  void set(std::size_t column, double center, double scale) {
    centers_[column] = center;
    scales_[column] = scale > 0 ? scale : 1;
  }

 private:
  std::string kind_;
  std::vector<std::string> names_;
  std::vector<double> centers_, scales_;
};

template <class T, class F>
Tensor each(const Tensor& values, F&& f) {
  Tensor result = Tensor::empty(values.shape(), values.dtype());
  const auto from = values.data<T>();
  const auto to = result.mutable_data<T>();
  parallel_for(values.size(), kRows, [&](std::int64_t b, std::int64_t e) {
    for (auto r = static_cast<std::size_t>(b); r < static_cast<std::size_t>(e); ++r)
      to[r] = static_cast<T>(f(static_cast<double>(from[r])));
  });
  return result;
}

// Every named column with f(x, its center, its scale) for x.
template <class F>
Table with_each(const Table& table, const std::vector<std::string>& names, const std::vector<double>& centers,
                const std::vector<double>& scales, const std::string& kind, F&& f) {
  const auto at = find_all(table, names, {ColumnKind::number, ColumnKind::integer}, kind);
  std::vector<std::vector<Column>> columns(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = table.columns()[at[i]];
    const Tensor values = c.kind() == ColumnKind::number ? c.values() : c.numbers();
    const auto of_x = [&f, center = centers[i], scale = scales[i]](double x) { return f(x, center, scale); };
    columns[i] = {Column::number(
        names[i], values.dtype() == DType::f32 ? each<float>(values, of_x) : each<double>(values, of_x))};
  }
  return transform_detail::replace(table, at, std::move(columns), {}, kind);
}

Table FittedScale::apply(const Table& features) const {
  return with_each(features, names_, centers_, scales_, kind_,
                   [](double x, double center, double scale) { return (x - center) / scale; });
}

Table FittedScale::invert(const Table& made) const {
  return with_each(made, names_, centers_, scales_, kind_,
                   [](double z, double center, double scale) { return z * scale + center; });
}

void FittedScale::visit(Visitor& v) {
  v.value("columns", names_);
  v.value("centers", centers_);
  v.value("scales", scales_);
  if (v.loading() && (centers_.size() != names_.size() || scales_.size() != names_.size()))
    throw ModelFileError(kind_, fmt::format("{} columns have {} centers and {} scales", names_.size(),
                                            centers_.size(), scales_.size()));
}

std::string FittedScale::describe() const {
  if (names_.empty()) return fmt::format("{}: no number column", kind_);
  return fmt::format("{} of {} column{} ({})", kind_, names_.size(), names_.size() == 1 ? "" : "s",
                     transform_detail::shortened(names_.size(), [&](std::size_t i) {
                       return fmt::format("{} (x - {:.6g}) / {:.6g}", names_[i], centers_[i], scales_[i]);
                     }));
}

struct CenterAndScale {
  double center, scale;
};

// Names the first infinite value, or a range wider than a number can hold.
void check_range(const Column& c, const Moments& m, const char* transform) {
  if (m.count == 0 || std::isfinite(m.high - m.low)) return;
  for (std::int64_t r = 0; r < c.size(); ++r)
    if (std::isinf(c.number_at(r)))
      throw DataError(fmt::format("column '{}', row {}", c.name(), r + 1),
                      fmt::format("is {}; {} takes finite numbers", c.number_at(r), transform),
                      "Correct or drop the row.");
  throw DataError(
      fmt::format("column '{}'", c.name()),
      fmt::format("reaches from {} to {}; {} cannot hold the difference", m.low, m.high, transform),
      "Change the column's unit or leave it out with --ignore.");
}

// Fits every chosen column by measure(values, weights, moments).
template <class Measure>
std::unique_ptr<FittedTransform> fit_scale(const char* name, const std::vector<std::string>& wanted,
                                           const Dataset& data, const TransformContext& context,
                                           Measure&& measure) {
  const Table features = data.features();
  const std::vector<std::string> names =
      choose(features, wanted, {ColumnKind::number, ColumnKind::integer}, name);
  const auto at = find_all(features, names, {ColumnKind::number, ColumnKind::integer}, name);
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedScale>(name, names);
  parallel_for(
      static_cast<std::int64_t>(at.size()), 1,
      [&](std::int64_t b, std::int64_t e) {
        for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
          const Column& c = features.columns()[at[i]];
          const Tensor numbers = c.numbers();
          const Moments m = moments(numbers.data<double>(), weights);
          check_range(c, m, name);
          if (m.count == 0) continue;  // nothing seen: the column passes as it is
          const CenterAndScale fit = measure(numbers.data<double>(), std::span<const double>(weights), m);
          fitted->set(i, fit.center, fit.scale);
        }
      },
      context.stop);
  return fitted;
}

}  // namespace

const ParamList& ScaleParams::list() {
  static const ParamList l{param<&ScaleParams::columns>(
      "columns", "one column to act on; may be repeated; default: every number column")};
  return l;
}

std::unique_ptr<FittedTransform> StandardScale::fit(const Dataset& data,
                                                    const TransformContext& context) const {
  return fit_scale(kName, params_.columns, data, context, [](auto, auto, const Moments& m) {
    return CenterAndScale{m.mean, m.is_constant() ? 0 : m.deviation};
  });
}

std::unique_ptr<FittedTransform> MinMaxScale::fit(const Dataset& data,
                                                  const TransformContext& context) const {
  return fit_scale(kName, params_.columns, data, context,
                   [](auto, auto, const Moments& m) { return CenterAndScale{m.low, m.high - m.low}; });
}

std::unique_ptr<FittedTransform> RobustScale::fit(const Dataset& data,
                                                  const TransformContext& context) const {
  return fit_scale(kName, params_.columns, data, context, [](auto values, auto weights, const Moments&) {
    const auto q = quantiles(values, std::array{0.25, 0.5, 0.75}, weights);
    return CenterAndScale{q[1], q[2] - q[0]};
  });
}

TransformEntry standard_scale_entry() {
  return transform_entry<StandardScale>("numbers to mean 0 and standard deviation 1",
                                        []() -> std::unique_ptr<FittedTransform> {
                                          return std::make_unique<FittedScale>(StandardScale::kName);
                                        });
}
TransformEntry min_max_scale_entry() {
  return transform_entry<MinMaxScale>(
      "numbers to the range 0 to 1",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedScale>(MinMaxScale::kName); });
}
TransformEntry robust_scale_entry() {
  return transform_entry<RobustScale>(
      "numbers to median 0 and distance of quartiles 1",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedScale>(RobustScale::kName); });
}

}  // namespace cairn
