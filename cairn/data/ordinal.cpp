#include "cairn/data/ordinal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "cairn/base/suggest.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::level_codes;
using transform_detail::level_names;

struct Order {
  std::string name;
  std::vector<std::string> levels;  // the first is 0
  bool of_boolean = false;
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("levels", levels);
    v.value("boolean", of_boolean);
    if (v.loading() && std::set(levels.begin(), levels.end()).size() != levels.size())
      throw ModelFileError(Ordinal::kName, fmt::format("a level of '{}' stands twice", name));
  }
};

class FittedOrdinal : public FittedTransform {
 public:
  std::string_view kind() const override { return Ordinal::kName; }
  void visit(Visitor& v) override { v.children("columns", orders); }
  Table apply(const Table& features) const override;
  bool inverts() const override { return true; }
  Table invert(const Table& made) const override;
  std::string describe() const override {
    if (orders.empty()) return "ordinal: no category column";
    return fmt::format("ordinal encoding of {} ({})", transform_detail::columns_in_words(orders.size()),
                       transform_detail::shortened(orders.size(), [&](std::size_t i) {
                         const auto& levels = orders[i].levels;
                         if (levels.empty()) return orders[i].name + " without a level";
                         return fmt::format("{} 0 {} to {} {}", orders[i].name, levels.front(),
                                            levels.size() - 1, levels.back());
                       }));
  }

  std::vector<Order> orders;

 private:
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Order& o : orders) all.push_back(o.name);
    return all;
  }
};

Table FittedOrdinal::apply(const Table& features) const {
  const auto at = find_all(features, names(), {ColumnKind::category, ColumnKind::boolean}, kind());
  const DType dtype = transform_detail::feature_dtype(features);
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = features.columns()[at[i]];
    std::unordered_map<std::string_view, double> number;
    for (const std::string& level : orders[i].levels)
      number.emplace(level, static_cast<double>(number.size()));
    std::vector<double> of_code;
    const std::vector<std::string> levels = level_names(c);
    for (const std::string& level : levels) {
      const auto it = number.find(level);
      of_code.push_back(it == number.end() ? std::nan("") : it->second);
    }
    std::vector<double> values;
    for (const std::int32_t code : level_codes(c))
      values.push_back(code < 0 ? std::nan("") : of_code[static_cast<std::size_t>(code)]);
    in_place.push_back({Column::number(c.name(), Tensor::take(std::move(values)).to(dtype))});
  }
  return transform_detail::replace(features, at, std::move(in_place), {}, kind());
}

Table FittedOrdinal::invert(const Table& made) const {
  const auto at = find_all(made, names(), {ColumnKind::number, ColumnKind::integer}, kind());
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = made.columns()[at[i]];
    const auto& levels = orders[i].levels;
    std::vector<std::int32_t> codes;
    for (std::int64_t r = 0; r < c.size(); ++r) {
      const double v = c.number_at(r);
      const bool known = v >= 0 && v < static_cast<double>(levels.size()) && v == std::floor(v);
      codes.push_back(known ? static_cast<std::int32_t>(v) : -1);
    }
    if (!orders[i].of_boolean) {
      in_place.push_back({Column::category(c.name(), Tensor::take(std::move(codes)), levels)});
      continue;
    }
    std::vector<std::uint8_t> flags;
    Tensor valid = Tensor::zeros(Shape{(c.size() + 7) / 8}, DType::u8);
    const auto bits = valid.mutable_data<std::uint8_t>();
    for (std::size_t r = 0; r < codes.size(); ++r) {
      const bool known = codes[r] >= 0;
      flags.push_back(known && levels[static_cast<std::size_t>(codes[r])] == "true");
      if (known) bits[r / 8] = static_cast<std::uint8_t>(bits[r / 8] | 1U << (r % 8));
    }
    in_place.push_back({Column::boolean(c.name(), Tensor::take(std::move(flags)), valid)});
  }
  return transform_detail::replace(made, at, std::move(in_place), {}, kind());
}

}  // namespace

const ParamList& OrdinalParams::list() {
  static const ParamList l{
      param<&OrdinalParams::order>("order", "a level, the lowest first; may be repeated; default: by name",
                                   {}, {"categories"}),
      param<&OrdinalParams::columns>(
          "columns", "one column to act on; may be repeated; default: every category and boolean"),
  };
  return l;
}

std::unique_ptr<FittedTransform> Ordinal::fit(const Dataset& data, const TransformContext&) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedOrdinal>();
  if (std::set(params_.order.begin(), params_.order.end()).size() != params_.order.size())
    throw UsageError("ordinal.order", "names a level twice");
  for (const std::string& name : transform_detail::choose(
           features, params_.columns, {ColumnKind::category, ColumnKind::boolean}, kName)) {
    const Column& c = features.column(name);
    const std::vector<std::string> levels = level_names(c);
    std::vector<bool> seen(levels.size(), false);
    const auto codes = level_codes(c);
    for (std::size_t r = 0; r < codes.size(); ++r)
      if (codes[r] >= 0 && (weights.empty() || weights[r] > 0))
        seen[static_cast<std::size_t>(codes[r])] = true;
    Order order{.name = name, .levels = params_.order, .of_boolean = c.kind() == ColumnKind::boolean};
    for (std::size_t i = 0; i < levels.size(); ++i) {
      if (!seen[i]) continue;
      if (params_.order.empty())
        order.levels.push_back(levels[i]);
      else if (std::ranges::find(params_.order, levels[i]) == params_.order.end())
        throw UsageError("ordinal.order",
                         fmt::format("'{}' has a level '{}', which the order does not name", name, levels[i]),
                         suggestion(levels[i], params_.order));
    }
    fitted->orders.push_back(std::move(order));
  }
  return fitted;
}

TransformEntry ordinal_entry() {
  return transform_entry<Ordinal>(
      "categories and booleans to numbers in the order of their levels",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedOrdinal>(); },
      {.units = true, .gaps = true});
}

}  // namespace cairn
