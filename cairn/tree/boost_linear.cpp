#include "cairn/tree/boost_linear_internal.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/linalg.h"
#include "cairn/tree/linear_leaves.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kLineRows = 8192;
constexpr double kFlat = 1e-24;  // a variance below this share of the mean's square is rounding

// For every leaf the numbers asked about on the way to it, ascending.
std::vector<std::vector<std::int32_t>> asked_numbers(const Tree& tree, const LineColumns& columns) {
  std::vector<std::vector<std::int32_t>> asked(tree.nodes.size());
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {  // parents stand before their children
    const TreeNode& node = tree.nodes[i];
    if (node.is_leaf()) continue;
    std::vector<std::int32_t> below = std::move(asked[i]);
    const auto place = std::ranges::lower_bound(below, node.feature);
    if (columns.is_number(node.feature) && (place == below.end() || *place != node.feature))
      below.insert(place, node.feature);
    asked[at(node.left)] = below;
    asked[at(node.right)] = std::move(below);
  }
  return asked;
}

// The rows of one leaf with their numbers, those with a missing or infinite one left out.
struct LeafRows {
  std::vector<double> x;  // [n, p], row after row
  std::vector<double> g, h;
  std::size_t size() const { return h.size(); }
};

LeafRows complete_rows(std::span<const std::uint32_t> rows, std::span<const std::int32_t> features,
                       const LineColumns& columns, std::span<const double> g, std::span<const double> h) {
  LeafRows leaf;
  leaf.x.reserve(rows.size() * features.size());
  for (const std::uint32_t r : rows) {
    bool finite = true;
    for (const std::int32_t f : features) {
      leaf.x.push_back(columns.at(f, r));
      finite &= std::isfinite(leaf.x.back());
    }
    if (!finite) {
      leaf.x.resize(leaf.x.size() - features.size());
      continue;
    }
    leaf.g.push_back(g[r]);
    leaf.h.push_back(h[r]);
  }
  return leaf;
}

void fit_line(TreeNode& node, std::vector<std::int32_t> features, std::span<const std::uint32_t> rows,
              std::span<const double> g, std::span<const double> h, const LineColumns& columns, double l2,
              double line_l2, double rate) {
  const LeafRows leaf = complete_rows(rows, features, columns, g, h);
  const std::size_t n = leaf.size(), p = features.size();
  if (p == 0 || n < p + 2) return;
  double weight = 0, gradient = 0;
  std::vector<double> mean(p), deviation(p);
  for (std::size_t r = 0; r < n; ++r) {
    weight += leaf.h[r];
    gradient += leaf.g[r];
    for (std::size_t j = 0; j < p; ++j) mean[j] += leaf.h[r] * leaf.x[r * p + j];
  }
  if (!(weight > 0)) return;
  for (double& m : mean) m /= weight;
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t j = 0; j < p; ++j) {
      const double d = leaf.x[r * p + j] - mean[j];
      deviation[j] += leaf.h[r] * d * d / weight;
    }
  std::vector<std::size_t> used;  // columns that are not the same in all rows
  for (std::size_t j = 0; j < p; ++j)
    if (deviation[j] > kFlat * mean[j] * mean[j] && std::isfinite(deviation[j])) used.push_back(j);
  for (double& d : deviation) d = std::sqrt(d);
  const std::size_t q = used.size();
  std::vector<double> products(q * q), slopes(q), z(q);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t a = 0; a < q; ++a) z[a] = (leaf.x[r * p + used[a]] - mean[used[a]]) / deviation[used[a]];
    for (std::size_t a = 0; a < q; ++a) {
      slopes[a] -= leaf.g[r] * z[a];
      for (std::size_t b = 0; b <= a; ++b) products[a * q + b] += leaf.h[r] * z[a] * z[b];
    }
  }
  for (std::size_t a = 0; a < q; ++a) {
    products[a * q + a] += line_l2;
    for (std::size_t b = 0; b < a; ++b) products[b * q + a] = products[a * q + b];
  }
  if (q == 0 || !linalg::cholesky(products, std::ssize(used))) return;
  linalg::cholesky_solve(products, std::ssize(used), slopes);
  double intercept = -gradient / (weight + l2);
  std::vector<std::int32_t> along;
  for (std::size_t a = 0; a < q; ++a) {
    slopes[a] /= deviation[used[a]];
    intercept -= slopes[a] * mean[used[a]];
    slopes[a] *= rate;
    along.push_back(features[used[a]]);
  }
  if (!std::isfinite(intercept) || !std::ranges::all_of(slopes, [](double s) { return std::isfinite(s); }))
    return;
  node.intercept = rate * intercept;
  node.slope_features = std::move(along);
  node.slopes = std::move(slopes);
}

}  // namespace

LineColumns::LineColumns(const Matrix& x, std::vector<std::uint8_t> numbers) : numbers_(std::move(numbers)) {
  const Matrix by_column = by_columns(x);
  for (std::int64_t f = 0; f < x.columns(); ++f) {
    Column& c = columns_.emplace_back(Column{ColumnValues(by_column, f)});
    if (c.values.is_f32())
      c.f32 = c.values.f32().data();
    else
      c.f64 = c.values.f64().data();
  }
}

void fit_lines(Tree& tree, std::span<const std::int32_t> node_of_row, std::span<const std::uint32_t> rows,
               std::span<const double> g, std::span<const double> h, const LineColumns& columns, double l2,
               double line_l2, double rate, const StopToken& stop) {
  const std::vector<std::vector<std::int32_t>> asked = asked_numbers(tree, columns);
  std::vector<std::size_t> begin(tree.nodes.size() + 1);
  for (const std::uint32_t r : rows) ++begin[at(node_of_row[r]) + 1];
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) begin[i + 1] += begin[i];
  std::vector<std::uint32_t> sorted(rows.size());
  std::vector<std::size_t> next = begin;
  for (const std::uint32_t r : rows) sorted[next[at(node_of_row[r])]++] = r;
  parallel_for(
      std::ssize(tree.nodes), 1,
      [&](std::int64_t first, std::int64_t last) {
        for (std::size_t i = at(first); i < at(last); ++i)
          if (tree.nodes[i].is_leaf())
            fit_line(tree.nodes[i], asked[i], std::span(sorted).subspan(begin[i], begin[i + 1] - begin[i]), g,
                     h, columns, l2, line_l2, rate);
      },
      stop);
}

void add_lines(const Tree& tree, std::span<const std::int32_t> node_of_row, const LineColumns& columns,
               std::span<double> raw) {
  parallel_for(std::ssize(raw), kLineRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t r = at(begin); r < at(end); ++r) {
      const TreeNode& leaf = tree.nodes[at(node_of_row[r])];
      raw[r] += leaf.slopes.empty() ? leaf.value[0]
                                    : line_at(leaf.intercept, leaf.slope_features, leaf.slopes, leaf.value[0],
                                              [&](std::int32_t f) { return columns.at(f, r); });
    }
  });
}

}  // namespace cairn::tree
