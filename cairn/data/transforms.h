// The stock of transforms, by name: what prepare() builds pipelines from and models are loaded with.
#pragma once

#include <span>

#include "cairn/data/transform.h"

namespace cairn {

std::span<const TransformEntry> data_transforms();

struct Leaves {
  bool units = false, gaps = false;
};

// An entry for transform T with `using Params` and `kName`, whose fitted form is made blank by `blank`.
template <class T>
TransformEntry transform_entry(const char* doc, std::unique_ptr<FittedTransform> (*blank)(),
                               Leaves leaves = {}) {
  return {.name = T::kName,
          .doc = doc,
          .params = &T::Params::list,
          .make = []() -> std::unique_ptr<Transform> { return std::make_unique<T>(typename T::Params{}); },
          .blank = blank,
          .leaves_units = leaves.units,
          .leaves_gaps = leaves.gaps};
}

}  // namespace cairn
