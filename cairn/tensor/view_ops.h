// The operations behind Tensor's own members. They stand beside it because a tensor that is on the tape must
// record its views; each one's gradient is another of them.
#pragma once

#include <span>

#include "cairn/tensor/op.h"

namespace cairn {

struct SliceAttributes {
  std::int64_t axis = 0, begin = 0, end = 0, step = 1;
  static const ParamList& list();
};
struct UnsliceAttributes {  // where the slice lay, and how long its axis was
  std::int64_t axis = 0, begin = 0, end = 0, step = 1, length = 0;
  static const ParamList& list();
};
struct PermuteAttributes {
  AxisList axes;  // output axis i is input axis axes[i]
  static const ParamList& list();
};
struct ReshapeAttributes {
  Shape shape;
  static const ParamList& list();
};
struct CastAttributes {
  std::int64_t dtype = 0;  // a DType
  static const ParamList& list();
};

extern const OpDef kSlice;       // every step-th element of [begin, end) of one axis; a view
extern const OpDef kUnslice;     // its gradient: zeros around the values
extern const OpDef kPermute;     // axes in another order; a view
extern const OpDef kReshape;     // the same elements in C order; a view when contiguous, else a copy
extern const OpDef kContiguous;  // the same elements, C order without gaps
extern const OpDef kCast;        // another element type, rounded as C++ does
extern const OpDef kAlias;       // the same values under a tape node of its own
extern const OpDef kAccumulate;  // the sum of two alike: where gradients meet

std::span<const OpDef* const> view_ops();  // the file's own list

}  // namespace cairn
