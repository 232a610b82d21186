// Levels that few training rows have, put together as one level 'other'.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct GroupRareParams {
  std::int64_t min_count = 10;
  double min_share = 0;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Category columns stay categories: levels of at least min_count training rows and of min_share of the rows
// that are not missing keep their name, all others become 'other'. So does a level that training did not
// have, where there is an 'other'; else it is missing. Rows of weight 0 do not count; weights count rows.
class GroupRare : public TransformWith<GroupRare, GroupRareParams> {
 public:
  static constexpr const char* kName = "group_rare";
  explicit GroupRare(GroupRareParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry group_rare_entry();

}  // namespace cairn
