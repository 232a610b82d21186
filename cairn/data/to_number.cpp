#include "cairn/data/to_number.h"

#include <fmt/format.h>

#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

class FittedToNumber : public FittedTransform {
 public:
  std::string_view kind() const override { return ToNumber::kName; }
  void visit(Visitor& v) override { v.value("columns", names); }
  std::string describe() const override {
    if (names.empty()) return "to_number: no integer or boolean column";
    return fmt::format("to_number of {} column{} ({})", names.size(), names.size() == 1 ? "" : "s",
                       transform_detail::shortened(names.size(), [&](std::size_t i) { return names[i]; }));
  }
  Table apply(const Table& features) const override {
    const auto at = transform_detail::find_all(
        features, names, {ColumnKind::integer, ColumnKind::boolean, ColumnKind::number}, kind());
    std::vector<std::vector<Column>> in_place;
    for (const std::size_t i : at) {
      const Column& c = features.columns()[i];
      in_place.push_back({c.kind() == ColumnKind::number ? c : Column::number(c.name(), c.numbers())});
    }
    return transform_detail::replace(features, at, std::move(in_place), {}, kind());
  }

  std::vector<std::string> names;
};

}  // namespace

const ParamList& ToNumberParams::list() {
  static const ParamList l{param<&ToNumberParams::columns>(
      "columns", "one column to act on; may be repeated; default: every integer and boolean column")};
  return l;
}

std::unique_ptr<FittedTransform> ToNumber::fit(const Dataset& data, const TransformContext&) const {
  auto fitted = std::make_unique<FittedToNumber>();
  fitted->names = transform_detail::choose(data.features(), params_.columns,
                                           {ColumnKind::integer, ColumnKind::boolean}, kName);
  return fitted;
}

TransformEntry to_number_entry() {
  return transform_entry<ToNumber>(
      "integers and booleans as numbers",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedToNumber>(); },
      {.units = true});
}

}  // namespace cairn
