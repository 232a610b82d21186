#include "cairn/train/cnn.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "cairn/base/error.h"
#include "cairn/nn/network.h"
#include "cairn/train/augment_internal.h"
#include "cairn/train/picture_model.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using namespace cairn::train_detail;

namespace {

std::vector<int> values_of(const Tensor& t) {
  const auto v = t.data<std::uint8_t>();
  return {v.begin(), v.end()};
}

}  // namespace

TEST_CASE("cnn: the network follows from the size of the pictures") {
  const Cnn learner({});
  const Network digits = Network::parse(learner.network(28, 28, 1, 10));
  CHECK(digits.output_shape() == Shape{10});
  std::vector<std::string> kinds;
  for (const Network::Row& row : digits.rows()) kinds.push_back(row.kind);
  CHECK(std::ranges::count(kinds, "conv2d") == 3);
  CHECK(std::ranges::count(kinds, "max_pool2d") == 2);
  CHECK(kinds.back() == "linear");
  const Network one = Network::parse(Cnn({.channels = "4", .depth = 2, .dropout = 0}).network(2, 3, 3, 2));
  CHECK(one.rows().size() == 8);
  // More blocks than halvings: the last ones keep the size.
  CHECK(Network::parse(Cnn({.channels = "4, 4, 4, 4"}).network(3, 3, 1, 2)).output_shape() == Shape{2});
  CHECK_THROWS_AS(Cnn({.channels = "4, x"}), ParamError);
}

TEST_CASE("cnn: a declared network takes the place of the blocks, and says what does not fit") {
  const std::string declared = R"({"input": [2, 2, 1], "layers": [
    {"layer": "conv2d", "out": 2, "padding": "same", "name": "mine"}, "relu", "flatten",
    {"layer": "linear", "out": 2}]})";
  Random random(4, "pictures");
  Tensor pixels = Tensor::empty({40, 2, 2, 1}, DType::u8);
  std::vector<std::int32_t> codes(40);
  auto to = pixels.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < 40; ++i) {  // bright or dark
    codes[i] = static_cast<std::int32_t>(i % 2);
    for (std::size_t k = 0; k < 4; ++k)
      to[4 * i + k] =
          static_cast<std::uint8_t>((codes[i] == 1 ? 150 : 0) + static_cast<int>(random.below(100)));
  }
  const auto with_classes = [&](std::vector<std::string> names) {
    return Dataset(Table({Column::image("image", pixels),
                          Column::category("label", Tensor::from(codes), std::move(names))}),
                   {.roles = {.target = "label"}});
  };
  const Dataset data = with_classes({"dark", "bright"});
  const auto fitted = [&](const std::string& network, const Dataset& from) {
    return Cnn({.network = network, .optimizer = "sgd", .learning_rate = 0.05, .epochs = 8}).fit(from);
  };
  const auto model = fitted(declared, data);
  CHECK(dynamic_cast<const PictureModel&>(*model).network().rows()[0].name == "mine");
  const Column decided = model->predict(data.features()).column("prediction");
  std::int64_t right = 0;
  for (std::int64_t r = 0; r < 40; ++r)
    right += decided.cell(r) == (codes[static_cast<std::size_t>(r)] == 1 ? "bright" : "dark");
  CHECK(right >= 38);

  const cairn::testing::TemporaryFolder folder;
  folder.write("net.json", declared);
  CHECK_NOTHROW(Cnn({.network = Network::load_json(folder.file("net.json")).json()}));
  // A learner opens no file: the name may come from somebody's model.
  CHECK_THROWS_WITH_AS(
      Cnn({.network = folder.file("net.json")}),
      doctest::Contains("net.json' is no declaration; JSON that begins with '{' was expected"), ParamError);
  CHECK_THROWS_WITH_AS(
      fitted(R"({"input": [3, 2, 1], "layers": ["flatten", {"layer": "linear", "out": 3}]})", data),
      doctest::Contains(
          "cnn.network: takes [3, 2, 1] and gives [3]; the pictures are [2, 2, 1], of 2 classes: the size "
          "differs, the last layer differs from the classes. The last layer gives a logit a class: 2. "
          "pictures:DATA?size=3x2 reads files so."),
      DataError);
  CHECK_THROWS_WITH_AS(
      fitted(R"({"input": [2, 2, 2], "layers": ["flatten", {"layer": "linear", "out": 2}]})", data),
      doctest::Contains("of 2 classes: the channels differ"), DataError);
  CHECK_THROWS_WITH_AS(fitted(R"({"input": [4], "layers": [{"layer": "linear", "out": 2}]})", data),
                       doctest::Contains("of 2 classes: its input is not height, width and channels"),
                       DataError);
  CHECK_THROWS_WITH_AS(Cnn({.momentum = 0.5}),
                       doctest::Contains("cnn.momentum = 0.5 is set beside cnn.optimizer = adamw"),
                       ParamError);
  CHECK_THROWS_WITH_AS(Cnn({.network = declared, .depth = 2}),
                       doctest::Contains("cnn.depth is set beside cnn.network, which declares every layer"),
                       ParamError);
  CHECK_THROWS_WITH_AS(Cnn({.network = "{}"}), doctest::Contains("cnn.network: has no \"input\""), DataError);
}

TEST_CASE("cnn: many pictures are looked at by two convolutions a block, few by one") {
  const auto convolutions = [](std::int64_t pictures) {
    std::vector<std::int32_t> codes(static_cast<std::size_t>(pictures));
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int32_t>(i % 2);
    const Table table({Column::image("image", Tensor::zeros({pictures, 2, 2, 1}, DType::u8)),
                       Column::category("label", Tensor::from(codes), {"a", "b"})});
    const Dataset data(table, {.roles = {.target = "label"}});
    const auto model = Cnn({.channels = "1", .epochs = 1, .batch_size = 5000}).fit(data);
    const auto rows = dynamic_cast<const PictureModel&>(*model).network().rows();
    return std::ranges::count(rows, "conv2d", &Network::Row::kind);
  };
  CHECK(convolutions(19'999) == 1);
  CHECK(convolutions(20'000) == 2);
}

TEST_CASE("cnn: pictures are shifted over a repeated edge and flipped, and nothing else") {
  const Tensor picture = Tensor::from(std::vector<std::uint8_t>{1, 2, 3, 4}).reshape({1, 2, 2, 1});
  Random random(1, "test");
  CHECK(values_of(augmented(picture, {}, random)) == std::vector{1, 2, 3, 4});
  std::set<std::vector<int>> flips, shifts;
  for (int i = 0; i < 200; ++i) {
    flips.insert(values_of(augmented(picture, {.flip = true}, random)));
    shifts.insert(values_of(augmented(picture, {.rows = 1, .columns = 1}, random)));
  }
  CHECK(flips == std::set<std::vector<int>>{{1, 2, 3, 4}, {2, 1, 4, 3}});
  CHECK(shifts == std::set<std::vector<int>>{{1, 2, 3, 4},
                                             {1, 1, 3, 3},
                                             {2, 2, 4, 4},
                                             {1, 2, 1, 2},
                                             {3, 4, 3, 4},
                                             {1, 1, 1, 1},
                                             {2, 2, 2, 2},
                                             {3, 3, 3, 3},
                                             {4, 4, 4, 4}});
}

TEST_CASE("cnn: each channel comes to mean 0 and deviation 1") {
  Tensor pixels = Tensor::empty({40, 3, 3, 3}, DType::u8);
  auto to = pixels.mutable_data<std::uint8_t>();
  Random random(2, "pixels");
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::uint8_t>(i % 3 == 2 ? 9 : random.below(200));
  const Tensor scaled = PixelScaling::of(pixels).apply(pixels);
  const auto v = scaled.data<float>();
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = c; i < v.size(); i += 3) sum += v[i], squares += static_cast<double>(v[i]) * v[i];
    const double n = static_cast<double>(v.size()) / 3;
    CHECK(sum / n == doctest::Approx(0).epsilon(1e-5));
    CHECK(squares / n == doctest::Approx(c == 2 ? 0 : 1).epsilon(1e-5));  // a channel of one shade stays at 0
  }
}
