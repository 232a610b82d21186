#include "cairn/data/group_rare.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;

constexpr const char* kOther = "other";

struct Grouping {
  std::string name;
  std::vector<std::string> levels;  // as they come out, 'other' the last if there is one
  bool has_other = false;
  std::int64_t grouped = 0;  // levels that became 'other'
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("levels", levels);
    v.value("has_other", has_other);
    v.value("grouped", grouped);
    if (!v.loading()) return;
    if (std::set(levels.begin(), levels.end()).size() != levels.size() ||
        (has_other && std::ranges::find(levels, kOther) == levels.end()))
      throw ModelFileError(GroupRare::kName, fmt::format("the levels of '{}' are not those it makes", name));
  }
};

class FittedGroupRare : public FittedTransform {
 public:
  std::string_view kind() const override { return GroupRare::kName; }
  void visit(Visitor& v) override { v.children("columns", groupings); }
  Table apply(const Table& features) const override;
  std::string describe() const override {
    if (groupings.empty()) return "group_rare: no category column";
    return fmt::format("group_rare in {} ({})", transform_detail::columns_in_words(groupings.size()),
                       transform_detail::shortened(groupings.size(), [&](std::size_t i) {
                         const Grouping& g = groupings[i];
                         return fmt::format("{} keeps {}, {} as 'other'", g.name,
                                            g.levels.size() - (g.has_other ? 1 : 0), g.grouped);
                       }));
  }

  std::vector<Grouping> groupings;
};

Table FittedGroupRare::apply(const Table& features) const {
  std::vector<std::string> names;
  for (const Grouping& g : groupings) names.push_back(g.name);
  const auto at = find_all(features, names, {ColumnKind::category}, kind());
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Grouping& g = groupings[i];
    const Column& c = features.columns()[at[i]];
    std::unordered_map<std::string_view, std::int32_t> code;
    for (const std::string& level : g.levels) code.emplace(level, static_cast<std::int32_t>(code.size()));
    const std::int32_t rest = g.has_other ? code.at(kOther) : -1;
    std::vector<std::int32_t> became;
    for (const std::string& level : c.levels()) {
      const auto it = code.find(level);
      became.push_back(it == code.end() ? rest : it->second);
    }
    std::vector<std::int32_t> codes;
    for (const std::int32_t old : c.codes())
      codes.push_back(old < 0 ? -1 : became[static_cast<std::size_t>(old)]);
    in_place.push_back({Column::category(c.name(), Tensor::take(std::move(codes)), g.levels)});
  }
  return transform_detail::replace(features, at, std::move(in_place), {}, kind());
}

}  // namespace

const ParamList& GroupRareParams::list() {
  static const ParamList l{
      param<&GroupRareParams::min_count>("min_count", "levels of fewer training rows become 'other'",
                                         at_least(1), {"min_frequency"}),
      param<&GroupRareParams::min_share>("min_share", "levels of a smaller share of the rows become 'other'",
                                         between(0, 1)),
      param<&GroupRareParams::columns>("columns",
                                       "one column to act on; may be repeated; default: every category"),
  };
  return l;
}

std::unique_ptr<FittedTransform> GroupRare::fit(const Dataset& data, const TransformContext&) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedGroupRare>();
  for (const std::string& name :
       transform_detail::choose(features, params_.columns, {ColumnKind::category}, kName)) {
    const Column& c = features.column(name);
    std::vector<double> counts(c.levels().size());
    double known = 0;
    for (std::size_t r = 0; r < c.codes().size(); ++r) {
      if (c.codes()[r] < 0) continue;
      const double w = weights.empty() ? 1 : weights[r];
      counts[static_cast<std::size_t>(c.codes()[r])] += w;
      known += w;
    }
    Grouping g{.name = name};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      const bool rare =
          counts[i] < static_cast<double>(params_.min_count) || counts[i] < params_.min_share * known;
      g.has_other = g.has_other || rare || c.levels()[i] == kOther;
      g.grouped += rare;
      if (!rare && c.levels()[i] != kOther) g.levels.push_back(c.levels()[i]);
    }
    if (g.has_other) g.levels.emplace_back(kOther);
    fitted->groupings.push_back(std::move(g));
  }
  return fitted;
}

TransformEntry group_rare_entry() {
  return transform_entry<GroupRare>(
      "levels that few rows have put together as 'other'",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedGroupRare>(); });
}

}  // namespace cairn
