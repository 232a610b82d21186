#include "cairn/data/scale.h"

#include <fmt/format.h>

#include <array>

#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::choose;
using transform_detail::find_all;
using transform_detail::map_numbers;

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

Table FittedScale::apply(const Table& features) const {
  return map_numbers(features, names_, kind_, [&](std::size_t i, const Column&) {
    return [center = centers_[i], scale = scales_[i]](double x) { return (x - center) / scale; };
  });
}

Table FittedScale::invert(const Table& made) const {
  return map_numbers(made, names_, kind_, [&](std::size_t i, const Column&) {
    return [center = centers_[i], scale = scales_[i]](double z) { return z * scale + center; };
  });
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
  return fmt::format("{} of {} ({})", kind_, transform_detail::columns_in_words(names_.size()),
                     transform_detail::shortened(names_.size(), [&](std::size_t i) {
                       return fmt::format("{} (x - {:.6g}) / {:.6g}", names_[i], centers_[i], scales_[i]);
                     }));
}

struct CenterAndScale {
  double center, scale;
};

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
          transform_detail::check_range(c, m, name);
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
