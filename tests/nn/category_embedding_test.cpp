// Learned numbers for the levels of one-hot columns, against a table written by hand.
#include "cairn/nn/category_embedding.h"

#include <doctest/doctest.h>

#include "cairn/base/error.h"

using namespace cairn;

TEST_CASE("category_embedding: a level takes its column of the weight, none takes the last, others stay") {
  CategoryEmbedding layer({.blocks = "1:3:2"});
  const auto found = parameters(layer);
  REQUIRE(found.size() == 1);
  CHECK(found[0].parameter->shape() == Shape{2, 4});
  const Tensor drawn = found[0].parameter->value().detach();
  CHECK(drawn.item({0, 3}) == 0);  // no level
  CHECK(drawn.item({0, 0}) != 0);
  found[0].parameter->set(Tensor::from(std::vector<float>{1, 2, 3, 9, 10, 20, 30, 90}).reshape({2, 4}));
  // A number, three levels, a number; the second row has no level that training knew.
  const Tensor x = Tensor::from(std::vector<float>{7, 0, 0, 1, 8, 5, 0, 0, 0, 6}).reshape({2, 5});
  const Tensor y = layer(x).detach().contiguous();
  CHECK(y.shape() == Shape{2, 4});
  const std::vector<float> expected{7, 3, 30, 8, 5, 9, 90, 6};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(y.data<float>()[i] == expected[i]);
}

TEST_CASE("category_embedding: blocks that cannot be are refused") {
  for (const char* blocks : {"", "1:3", "a:3:2", "1:3:2:4", "3:2:1, 1:2:1", "1:0:2", "1:3:0", "-1:3:2",
                             "1:2:1; 4:2:1", "1:99999999999999999999:2", "1:3:2000000"})
    CHECK_THROWS_WITH_AS(CategoryEmbedding({.blocks = blocks}),
                         doctest::Contains("category_embedding.blocks = '"), ParamError);
  const CategoryEmbedding layer({.blocks = "1:3:2, 6:2:1"});
  CHECK_THROWS_WITH_AS(layer.output_shape({7}), doctest::Contains("the blocks reach to column 8"),
                       ShapeError);
  CHECK(layer.output_shape({9}) == Shape{7});
}
