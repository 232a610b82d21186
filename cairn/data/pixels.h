// Pictures as numbers from 0 to 1, one a pixel and channel, for learners that see nothing else.
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct PixelsParams {
  std::vector<std::string> columns;
  static const ParamList& list();
};

class Pixels : public TransformWith<Pixels, PixelsParams> {
 public:
  static constexpr const char* kName = "pixels";
  explicit Pixels(PixelsParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry pixels_entry();

}  // namespace cairn
