#include "recipes/course_data.h"

#include "cairn/ops/shape_ops.h"
#include "recipes/numpy_default_rng.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {

Coffee coffee() {
  constexpr std::int64_t kRows = 200;
  std::vector<double> x = numpy::DefaultRng(2).random(2 * kRows), y;
  for (std::size_t i = 0; i < x.size(); i += 2) {
    double &degrees = x[i], &minutes = x[i + 1];
    minutes = minutes * 4 + 11.5;
    degrees = degrees * (285 - 150) + 150;
    const double most = -3.0 / (260 - 175) * degrees + 21;
    y.push_back(degrees > 175 && degrees < 260 && minutes > 12 && minutes < 15 && minutes <= most);
  }
  return {Tensor::from(x).reshape({kRows, 2}), Tensor::from(y).reshape({kRows, 1})};
}

Blobs blobs(std::int64_t n, const std::vector<std::pair<double, double>>& centers, double stddev,
            std::uint32_t random_state) {
  numpy::RandomState random(random_state);
  std::vector<double> x;
  std::vector<std::int64_t> y;
  const auto k = std::ssize(centers);
  for (std::int64_t c = 0; c < k; ++c)
    for (std::int64_t i = 0; i < n / k + (c < n % k); ++i) {
      x.push_back(centers[static_cast<std::size_t>(c)].first + stddev * random.randn());
      x.push_back(centers[static_cast<std::size_t>(c)].second + stddev * random.randn());
      y.push_back(c);
    }
  const Blobs ordered{Tensor::from(x).reshape({n, 2}), Tensor::from(y)};
  return rows_of(ordered, random.permutation(n));
}

Blobs rows_of(const Blobs& all, const std::vector<std::int64_t>& rows) {
  const Tensor index = Tensor::from(rows);
  return {index_select(all.x, index), index_select(all.y, index)};
}

}  // namespace cairn::recipes
