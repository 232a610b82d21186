#include "cairn/neighbors/neighbors.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "tests/support/golden.h"
#include "tests/support/matrices.h"

using namespace cairn;
using test::dense_matrix;
using test::sparse_matrix;

namespace {

using Rows = std::vector<std::vector<double>>;
constexpr Distance kDistances[] = {Distance::euclidean, Distance::manhattan, Distance::cosine};

double distance_between(const std::vector<double>& a, const std::vector<double>& b, Distance distance) {
  double sum = 0, aa = 0, bb = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    aa += a[j] * a[j];
    bb += b[j] * b[j];
    sum += distance == Distance::euclidean   ? (a[j] - b[j]) * (a[j] - b[j])
           : distance == Distance::manhattan ? std::abs(a[j] - b[j])
                                             : a[j] * b[j];
  }
  if (distance == Distance::euclidean) return std::sqrt(sum);
  if (distance == Distance::manhattan) return sum;
  return aa == 0 || bb == 0 ? 1 : 1 - sum / (std::sqrt(aa) * std::sqrt(bb));
}

// By definition: all distances, sorted with their indices.
Neighbors by_definition(const Rows& points, const Rows& queries, std::int64_t k, Distance distance) {
  Neighbors all;
  for (const auto& q : queries) {
    std::vector<std::pair<double, std::int64_t>> found;
    for (std::size_t i = 0; i < points.size(); ++i)
      found.emplace_back(distance_between(q, points[i], distance), static_cast<std::int64_t>(i));
    std::sort(found.begin(), found.end());
    for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
      all.distances.push_back(found[i].first);
      all.indices.push_back(found[i].second);
    }
  }
  return all;
}

Rows random_rows(std::int64_t n, std::int64_t d, std::uint64_t seed, double scale = 1, double offset = 0) {
  Random random(seed, "test");
  Rows rows(static_cast<std::size_t>(n), std::vector<double>(static_cast<std::size_t>(d)));
  for (auto& row : rows)
    for (double& v : row) v = offset + scale * random.normal();
  return rows;
}

// Small whole numbers: many equal distances, all of them exact.
Rows grid_rows(std::int64_t n, std::int64_t d, std::uint64_t seed, std::uint64_t levels) {
  Random random(seed, "grid");
  Rows rows(static_cast<std::size_t>(n), std::vector<double>(static_cast<std::size_t>(d)));
  for (auto& row : rows)
    for (double& v : row) v = static_cast<double>(random.below(levels));
  return rows;
}

void check_same(const Neighbors& got, const Neighbors& expected) {
  CHECK(got.indices == expected.indices);
  REQUIRE(got.distances.size() == expected.distances.size());
  for (std::size_t i = 0; i < got.distances.size(); ++i)
    CHECK(std::abs(got.distances[i] - expected.distances[i]) <=
          1e-12 * (std::abs(expected.distances[i]) + 1e-3));
}

}  // namespace

TEST_CASE("neighbors: the same rows and distances as scikit-learn") {
  const auto golden = test::read_golden("baseline.json");
  const auto split = golden["train_rows"].get<std::ptrdiff_t>();
  for (const char* set : {"dense", "counts"}) {
    const auto x = golden[set]["x"].get<Rows>();
    const Rows points(x.begin(), x.begin() + split), queries(x.begin() + split, x.end());
    for (const auto& c : golden[set]["neighbors"]) {
      CAPTURE(set);
      CAPTURE(c["metric"]);
      Neighbors expected;
      for (const auto& row : c["indices"].get<std::vector<std::vector<std::int64_t>>>())
        expected.indices.insert(expected.indices.end(), row.begin(), row.end());
      for (const auto& row : c["distances"].get<Rows>())
        expected.distances.insert(expected.distances.end(), row.begin(), row.end());
      const Distance distance = distance_from_name(c["metric"].get<std::string>());
      const auto columns = std::ssize(x[0]);
      for (const Matrix& p : {dense_matrix(points), sparse_matrix(points, columns)})
        for (const Matrix& q : {dense_matrix(queries), sparse_matrix(queries, columns)})
          check_same(NeighborIndex(p, distance).nearest(q, c["k"].get<std::int64_t>()), expected);
    }
  }
}

TEST_CASE("neighbors: equal distances go by index, in every way of searching") {
  for (const Distance distance : {Distance::euclidean, Distance::manhattan}) {
    CAPTURE(name_of(distance));
    const Rows points = grid_rows(3000, 3, 1, 6), queries = grid_rows(150, 3, 2, 6);
    check_same(NeighborIndex(dense_matrix(points), distance).nearest(dense_matrix(queries), 20),
               by_definition(points, queries, 20, distance));
    Rows wide = grid_rows(700, 60, 3, 40);
    for (auto& row : wide)
      for (double& v : row) v = v < 2 ? v + 1 : 0;  // about one in twenty is not 0
    const Rows asked(wide.begin(), wide.begin() + 80);
    check_same(NeighborIndex(sparse_matrix(wide, 60), distance).nearest(sparse_matrix(asked, 60), 9),
               by_definition(wide, asked, 9, distance));
  }
}

TEST_CASE("neighbors: exact where a product form loses its digits") {
  SUBCASE("a large offset") {
    const Rows points = random_rows(500, 5, 4, 1e-3, 1e6), queries = random_rows(40, 5, 5, 1e-3, 1e6);
    check_same(NeighborIndex(dense_matrix(points), Distance::euclidean).nearest(dense_matrix(queries), 6),
               by_definition(points, queries, 6, Distance::euclidean));
  }
  SUBCASE("one column far larger than the others") {
    Rows points = random_rows(500, 4, 6), queries = random_rows(40, 4, 7);
    for (auto* rows : {&points, &queries})
      for (auto& row : *rows) row[0] = std::round(row[0]) * 1e12;
    check_same(NeighborIndex(dense_matrix(points), Distance::euclidean).nearest(dense_matrix(queries), 6),
               by_definition(points, queries, 6, Distance::euclidean));
  }
  SUBCASE("huge, tiny and far away") {
    for (const double scale : {1e100, 1e-100}) {
      const Rows points = random_rows(300, 3, 8, scale), queries = random_rows(20, 3, 9, scale);
      for (const Distance distance : kDistances) {
        CAPTURE(scale);
        CAPTURE(name_of(distance));
        check_same(NeighborIndex(dense_matrix(points), distance).nearest(dense_matrix(queries), 4),
                   by_definition(points, queries, 4, distance));
      }
    }
    const Rows points = random_rows(300, 3, 10), queries = random_rows(20, 3, 11, 1e60);
    check_same(NeighborIndex(dense_matrix(points), Distance::euclidean).nearest(dense_matrix(queries), 4),
               by_definition(points, queries, 4, Distance::euclidean));
  }
  SUBCASE("every point the same") {
    const Rows points(2000, {1, 2, 3});
    const Neighbors found = NeighborIndex(dense_matrix(points), Distance::euclidean)
                                .nearest(dense_matrix({{1, 2, 3}, {0, 0, 0}}), 3);
    CHECK(found.indices == std::vector<std::int64_t>{0, 1, 2, 0, 1, 2});
    CHECK(found.distances[0] == 0);
    CHECK(found.distances[3] == doctest::Approx(std::sqrt(14.0)));
  }
  SUBCASE("values whose squares overflow still give an answer, by index") {
    const NeighborIndex index(dense_matrix({{1e300}, {-1e300}, {1e300}}), Distance::euclidean);
    const Neighbors found = index.nearest(dense_matrix({{-1e300}}), 3);
    CHECK(found.indices == std::vector<std::int64_t>{1, 0, 2});
    CHECK(std::isinf(found.distances[2]));
  }
}

TEST_CASE("neighbors: a row of zeros is at cosine distance 1") {
  const NeighborIndex index(dense_matrix({{0, 0}, {1, 1}, {-1, -1}}), Distance::cosine);
  const Neighbors found = index.nearest(dense_matrix({{2, 2}, {0, 0}}), 3);
  CHECK(found.indices == std::vector<std::int64_t>{1, 0, 2, 0, 1, 2});
  CHECK(found.distances[1] == 1);
  CHECK(found.distances[2] == doctest::Approx(2));
  CHECK(found.distances[3] == 1);
}

TEST_CASE("neighbors: the same bytes for any number of threads, layout and number of queries") {
  const Rows points = random_rows(2500, 9, 12), queries = random_rows(333, 9, 13);
  const int threads = num_threads();
  for (const Distance distance : kDistances) {
    CAPTURE(name_of(distance));
    const Matrix dense = dense_matrix(points);
    const Neighbors expected = NeighborIndex(dense, distance).nearest(dense_matrix(queries), 8);
    check_same(expected, by_definition(points, queries, 8, distance));
    for (const int n : {1, 2, 7}) {
      set_num_threads(n);
      const Neighbors again = NeighborIndex(dense, distance).nearest(dense_matrix(queries), 8);
      CHECK(again.indices == expected.indices);
      CHECK(again.distances == expected.distances);
    }
    set_num_threads(threads);
    std::vector<Tensor> columns;
    for (std::size_t c = 0; c < points[0].size(); ++c) {
      std::vector<double> column;
      for (const auto& row : points) column.push_back(row[c]);
      columns.push_back(Tensor::from(column));
    }
    const NeighborIndex index(Matrix::from_columns(columns, std::ssize(points)), distance);
    CHECK(index.nearest(dense_matrix(queries), 8).distances == expected.distances);
    const Neighbors alone = index.nearest(dense_matrix({queries[17]}), 8);
    CHECK(std::equal(alone.distances.begin(), alone.distances.end(), expected.distances.begin() + 17 * 8));
  }
}

TEST_CASE("neighbors: what cannot be asked is refused") {
  const NeighborIndex index(dense_matrix({{1, 2}, {3, 4}}), Distance::euclidean);
  CHECK_THROWS_WITH_AS(index.nearest(dense_matrix({{1, 2}}), 3),
                       "nearest neighbours: k is 3, there are 2 points; 1 to 2 can be found", UsageError);
  CHECK_THROWS_AS(index.nearest(dense_matrix({{1, 2}}), 0), UsageError);
  CHECK_THROWS_AS(index.nearest(dense_matrix({{1, 2, 3}}), 1), ShapeError);
  CHECK_THROWS_WITH_AS(distance_from_name("euclidian"),
                       "distance: there is no distance 'euclidian'. Did you mean 'euclidean'?", UsageError);
  CHECK(index.nearest(Matrix::from_rows(Tensor::zeros(Shape{0, 2}, DType::f64)), 1).indices.empty());
  const StopSource source;
  source.request();
  CHECK_THROWS_AS(index.nearest(dense_matrix({{1, 2}}), 1, source.token()), Interrupted);
}
