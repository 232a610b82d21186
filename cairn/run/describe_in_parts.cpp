#include "cairn/run/describe_in_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "cairn/data/checks.h"
#include "cairn/data/describe_parts.h"
#include "cairn/data/split_plan.h"
#include "cairn/data/stack.h"
#include "cairn/run/findings.h"
#include "cairn/run/memory_limit.h"
#include "cairn/run/quantities.h"

namespace cairn {
namespace {

// Of the memory beside the program: what the sample may take, which is looked at from all sides, and what the
// values and texts that are counted may.
constexpr double kSampleShare = 0.1, kCountShare = 0.2;
constexpr double kMostSampled = 100'000, kLeastSampled = 1000;
constexpr double kDistinct = 48;  // bytes of a value that is counted: its hash twice, and in a text's count
constexpr double kMostDistinct = 65'536, kLeastDistinct = 256;

DescribePartsOptions sizes_for(TableParts& table, std::uint64_t most) {
  double row = 1;  // bytes
  table.blocks([&](const Table& part, std::int64_t) {
    row = std::max(1.0, static_cast<double>(bytes_of(part)) / static_cast<double>(part.num_rows()));
    return false;
  });
  const double left = std::max(0.0, static_cast<double>(most) - kProgramBytes);
  const double sampled = std::min(kMostSampled, kSampleShare * left / row);
  if (sampled < std::min(kLeastSampled, static_cast<double>(table.num_rows())))
    throw ResourceError(
        "--max-memory",
        fmt::format("{:.0f} MB hold neither the {} rows of {} columns nor a sample of {:.0f} of them",
                    static_cast<double>(most) / 1e6, table.num_rows(), table.about().table.num_columns(),
                    kLeastSampled),
        "Raise it.");
  const auto columns = static_cast<double>(table.about().table.num_columns());
  const double distinct =
      std::clamp(kCountShare * left / (columns * kDistinct), kLeastDistinct, kMostDistinct);
  return {.sampled = static_cast<std::int64_t>(sampled), .most_distinct = static_cast<std::size_t>(distinct)};
}

// What the sample seems to show and all rows deny.
class Refuted {
 public:
  explicit Refuted(const Json& description) : description_(description) {
    for (const Json& column : description["columns"]) columns_[column["name"].get<std::string>()] = &column;
  }
  bool operator()(const Warning& w) const {
    // Few rows of a sample are many of all.
    if (w.code == "rare_class") return description_["sample"]["rows"] != description_["rows"];
    const auto at = columns_.find(w.column);
    if (at == columns_.end() || !at->second->contains("distinct")) return false;
    const Json& column = *at->second;
    const auto distinct = column["distinct"].get<double>();
    const double values = description_["rows"].get<double>() - column["missing"].get<double>();
    if (w.code == "empty_column") return values > 0;
    if (w.code == "constant_column") return distinct > 1;
    constexpr double kNearlyAll = 0.9;  // what is estimated may be off by some percent
    return w.code == "id_like_column" && distinct < kNearlyAll * values;
  }

 private:
  const Json& description_;
  std::unordered_map<std::string, const Json*> columns_;  // there may be very many
};

}  // namespace

bool describe_in_parts(const std::string& data, const std::string& target, const ReadFlags& flags,
                       const Registry& registry, const StopToken& stop, Progress* progress, Json& description,
                       std::optional<ReadResult>& whole) {
  const std::uint64_t most = parse_bytes("--max-memory", flags.max_memory);
  if (most == 0) return false;
  const auto table = read_in_parts(data, flags, registry, part_sizes(most), stop, progress);
  if (!table) return false;
  const ReadResult& about = table->about();
  if (std::optional<Table> rows = table->take_whole()) {
    whole = about;
    whole->table = std::move(*rows);
    return false;
  }
  DescribePartsOptions options = sizes_for(*table, most);
  options.roles = {.target = target.empty() ? about.target : target, .id = about.id};
  options.stop = stop;
  std::optional<Dataset> sample;
  description = describe_parts(*table, options, sample);
  const auto rows = description["rows"].get<std::int64_t>();
  std::vector<Warning> warnings = about.warnings;
  warnings.push_back(
      {"in_parts", "",
       fmt::format(
           "The {} rows are more than --max-memory {} holds and were read in parts: quantiles, what a "
           "column tells of the target, the levels of texts that differ very often, and the warnings "
           "below are of a sample of {} rows, and numbers of distinct values beyond {} are estimates.",
           rows, flags.max_memory, sample->num_rows(), options.most_distinct)});
  if (rows < table->num_rows())
    warnings.push_back({"missing_target", options.roles.target,
                        fmt::format("{} rows have no '{}' and are left out.", table->num_rows() - rows,
                                    options.roles.target)});
  const Refuted is_refuted(description);
  const auto add = [&](std::vector<Warning> found) {
    for (Warning& w : found)
      if (!is_refuted(w)) warnings.push_back(std::move(w));
  };
  add(check_table(sample->table().without(about.id)));
  if (!options.roles.target.empty()) add(check_dataset(*sample));
  add(plan_split(*sample, true, stop).warnings);
  description["guesses"] = guesses_to_json(about.guesses);
  description["warnings"] = warnings_to_json(warnings);
  return true;
}

}  // namespace cairn
