#include "cairn/data/target_values.h"

#include <utility>

namespace cairn {
namespace {

std::string key_of(const Column& target, std::int64_t row) {
  return target.kind() == ColumnKind::category ? std::to_string(target.codes()[static_cast<std::size_t>(row)])
                                               : target.cell(row);
}

}  // namespace

void TargetValues::add(const Column& target) {
  if (full()) return;
  std::vector<std::int64_t> fresh;
  for (std::int64_t r = 0; r < target.size() && !full(); ++r)
    if (!target.is_missing(r) && seen_.insert(key_of(target, r)).second) fresh.push_back(r);
  if (!fresh.empty()) rows_.add(Table({target.select(fresh)}));
}

std::string TargetValues::settle(DatasetOptions& options) && {
  const Table table = std::move(rows_).take();
  const std::int64_t twice[] = {0, 0};  // one value that every row holds is still many rows
  const Column values =
      table.num_rows() == 1 ? table.column(std::int64_t{0}).select(twice) : table.column(std::int64_t{0});
  std::string reason;
  if (!options.task) options.task = infer_task(values, &reason);
  DatasetOptions alone{
      .roles = {.target = options.roles.target}, .task = options.task, .positive = options.positive};
  options.classes = Dataset(Table({values}), std::move(alone)).classes();
  return reason;
}

}  // namespace cairn
