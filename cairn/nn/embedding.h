// A learned row of numbers for each of a set of things: words, users, items.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"

namespace cairn {

struct EmbeddingParams {
  std::int64_t count = 0;
  std::int64_t size = 0;
  std::int64_t padding = -1;
  std::string init = "normal";
  double init_scale = 1;
  static const ParamList& list();
};

// Numbers i64 [...] to rows [..., size]; weight [count, size]. ShapeError names a number outside [0, count).
class Embedding : public Module {
 public:
  using Params = EmbeddingParams;
  static constexpr const char* kName = "embedding";
  static constexpr const char* kDoc = "A learned row of numbers for each word, user or item.";
  explicit Embedding(EmbeddingParams params);
  Tensor operator()(const Tensor& index) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape&) const { return 0; }
  Parameter& weight() { return weight_; }

 private:
  Params params_;
  Parameter weight_;
};

}  // namespace cairn
