#include "cairn/run/row_draw.h"

#include <algorithm>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/data/times.h"

namespace cairn {
namespace {

// A number in [0, 1) that follows from seed, purpose and key.
double drawn(std::uint64_t seed, std::string_view stream, std::uint64_t key) {
  return static_cast<double>(derive_seed(seed, stream, key) >> 11) * 0x1p-53;
}

std::vector<std::string> learned_names(const Table& part, const Roles& roles) {
  std::vector<std::string> names;
  for (const std::string& name : part.names()) {
    const bool has_role = name == roles.weight || name == roles.group || name == roles.time ||
                          name == roles.event || std::ranges::find(roles.id, name) != roles.id.end() ||
                          std::ranges::find(roles.ignored, name) != roles.ignored.end();
    if (!has_role) names.push_back(name);
  }
  return names;
}

// What rows that stay together have in common.
std::vector<std::uint64_t> keys_of(const Table& part, std::int64_t first_row, const RowDraw& draw) {
  if (draw.cut) return {};
  if (!draw.roles.group.empty()) {  // rows without a group are one, as split() takes them
    const std::string group[] = {draw.roles.group};
    return part.only(group).row_hashes();
  }
  if (!draw.rows_apart) return part.only(learned_names(part, draw.roles)).row_hashes();
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(part.num_rows()));
  std::iota(keys.begin(), keys.end(), static_cast<std::uint64_t>(first_row));
  return keys;
}

}  // namespace

std::vector<RowUse> RowDraw::uses(const Table& part, std::int64_t first_row) const {
  const std::vector<std::uint64_t> keys = keys_of(part, first_row, *this);
  const Column* target = part.find(roles.target);
  const Column* weight = roles.weight.empty() ? nullptr : part.find(roles.weight);
  const std::optional<Column> time = cut ? std::optional(times_of(part.column(roles.time))) : std::nullopt;
  std::vector<RowUse> uses(static_cast<std::size_t>(part.num_rows()), RowUse::learned);
  for (std::int64_t r = 0; r < part.num_rows(); ++r) {
    RowUse& use = uses[static_cast<std::size_t>(r)];
    const bool gap =
        drop_missing && std::ranges::any_of(part.columns(), [&](const Column& c) { return c.is_missing(r); });
    if (gap || (target && target->is_missing(r)) || (weight && weight->number_at(r) == 0))
      use = RowUse::left_out;
    else if (time ? time->number_at(r) > *cut
                  : drawn(seed, "held out rows", keys[static_cast<std::size_t>(r)]) < held_out)
      use = RowUse::held_out;
    else if (drawn(seed, "sampled rows", static_cast<std::uint64_t>(first_row + r)) < sampled)
      use = RowUse::sampled;
  }
  return uses;
}

}  // namespace cairn
