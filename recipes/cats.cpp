#include "recipes/cats.h"

#include <fmt/format.h>

#include <array>

#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"

namespace cairn::recipes {
namespace {

// A row a picture, row by row, red, green, blue; from 0 to 1.
Examples flattened(const Examples& pictures) {
  const std::int64_t n = pictures.x.size(0);
  return {pictures.x.reshape({n, pictures.x.size() / n}).to(DType::f64) / 255.0,
          pictures.y.reshape({n, 1}).to(DType::f64)};
}

}  // namespace

Cats read_cats(const DataFolder& data) {
  const Examples train = pictures_in(data.file("course_dl/train_catvnoncat.h5"), "train"),
                 test = pictures_in(data.file("course_dl/test_catvnoncat.h5"), "test");
  return {flattened(train), flattened(test), train.x, test.x};
}

Album wrong_cats(std::span<const Wrong> wrong, const Cats& cats) {
  constexpr std::array kNames{"no cat", "a cat"};
  return wrong_album(
      "Wrong test pictures", wrong, [&](std::int64_t row) { return picture_at(cats.test_pictures, row); },
      wrong.size(), kNames);
}

Album judged_cats(const Network& net, const Cats& cats) {
  constexpr std::int64_t kShown = 24;
  const NoGrad no_grad;
  const Tensor p = sigmoid(net(cats.test.x.slice(0, 0, kShown)));
  Album album{.title = "Test pictures, and what it says",
              .about = "Below each how sure it is of a cat.",
              .pictures = {}};
  for (std::int64_t row = 0; row < kShown; ++row)
    album.pictures.push_back(
        {picture_at(cats.test_pictures, row),
         fmt::format("{:.1f} %: {}", 100 * p.item({row, 0}), p.item({row, 0}) > 0.5 ? "a cat" : "no cat")});
  return album;
}

}  // namespace cairn::recipes
