// Categories of a table as learned numbers, inside a network of tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"

namespace cairn {

struct CategoryEmbeddingParams {
  std::string blocks;
  std::string init = "normal";
  double init_scale = 0.5;
  static const ParamList& list();
};

// Guo, Berkhahn: Entity embeddings of categorical variables; 2016. x [..., D] holds blocks of columns that
// are 1 for a row's level and 0 elsewhere; each block becomes `size` numbers, the level's row of a weight
// [size, levels + 1], and all other columns stay. A row without a level, which training had none of, takes
// the last one, which begins at 0. `blocks` names each by its first column, its levels and its size:
// "4:12:6, 20:3:2", in order.
class CategoryEmbedding : public Module {
 public:
  using Params = CategoryEmbeddingParams;
  static constexpr const char* kName = "category_embedding";
  static constexpr const char* kDoc = "Learned numbers for each level of one-hot columns; others stay.";
  explicit CategoryEmbedding(CategoryEmbeddingParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape& sample) const;

  // Numbers for so many levels: 1.6 levels^0.56, as fast.ai has them, at most 600.
  static std::int64_t usual_size(std::int64_t levels);

 private:
  struct Block {
    std::int64_t first = 0, levels = 0, size = 0;
    Parameter weight;
  };
  Params params_;
  std::vector<Block> blocks_;
};

}  // namespace cairn
