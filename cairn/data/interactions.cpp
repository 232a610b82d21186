#include "cairn/data/interactions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/data/split.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::shortened;
using transform_detail::standardised;

constexpr auto kNumbers = {ColumnKind::number, ColumnKind::integer};
constexpr std::int64_t kEnoughRows = 20'000;
constexpr std::size_t kMostClasses = 100;
constexpr double kRidge = 1e-8;      // of each diagonal: what is collinear stays finite
constexpr double kCollinear = 1e-9;  // of a column's own square: less than this is told by the others

class FittedInteractions : public FittedTransform {
 public:
  std::string_view kind() const override { return Interactions::kName; }
  void visit(Visitor& v) override {
    v.value("columns", columns);
    v.value("left", left);
    v.value("right", right);
    v.value("tried", tried);
    if (!v.loading()) return;
    const auto one_of_them = [&](std::int64_t c) { return c >= 0 && c < std::ssize(columns); };
    if (left.size() != right.size() || !std::ranges::all_of(left, one_of_them) ||
        !std::ranges::all_of(right, one_of_them))
      throw ModelFileError(Interactions::kName, "its products are of columns that it does not have");
  }
  Table apply(const Table& features) const override;
  std::vector<MadeColumn> made_columns() const override;
  std::string describe() const override {
    if (columns.empty()) return "interactions: no number column";
    std::string text =
        fmt::format("interactions: cross-validation chose {} of {} products", left.size(), tried);
    if (!left.empty())
      text += fmt::format(" ({})", shortened(left.size(), [&](std::size_t i) { return name_of_product(i); }));
    return text;
  }

  std::vector<std::string> columns;
  std::vector<std::int64_t> left, right;  // of each product, places in `columns`
  std::int64_t tried = 0;

 private:
  std::string name_of_product(std::size_t i) const {
    const std::string& a = columns[static_cast<std::size_t>(left[i])];
    return left[i] == right[i] ? a + "^2"
                               : fmt::format("{}*{}", a, columns[static_cast<std::size_t>(right[i])]);
  }
};

template <class T>
Tensor product(const Tensor& a, const Tensor& b) {
  Tensor result = Tensor::empty(a.shape(), a.dtype());
  const auto x = a.data<T>(), y = b.data<T>();
  const auto to = result.mutable_data<T>();
  for (std::size_t r = 0; r < to.size(); ++r) to[r] = x[r] * y[r];
  return result;
}

Table FittedInteractions::apply(const Table& features) const {
  const auto at = find_all(features, columns, kNumbers, kind());
  const DType dtype = transform_detail::feature_dtype(features);
  std::vector<Column> at_end;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Tensor a = features.columns()[at[static_cast<std::size_t>(left[i])]].numbers(dtype);
    const Tensor b = features.columns()[at[static_cast<std::size_t>(right[i])]].numbers(dtype);
    at_end.push_back(Column::number(name_of_product(i),
                                    dtype == DType::f32 ? product<float>(a, b) : product<double>(a, b)));
  }
  return transform_detail::replace(features, {}, {}, std::move(at_end), kind());
}

std::vector<MadeColumn> FittedInteractions::made_columns() const {
  std::vector<MadeColumn> made;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::string& a = columns[static_cast<std::size_t>(left[i])];
    const std::string& b = columns[static_cast<std::size_t>(right[i])];
    if (left[i] == right[i])
      made.push_back({name_of_product(i), {{a}}});
    else
      made.push_back({name_of_product(i), {{a, 0.5}, {b, 0.5}}});
  }
  return made;
}

// The classes that are told one by one: of two the first, else all, or those of most weight, in their order.
std::vector<std::int32_t> classes_told(const std::vector<std::int32_t>& codes, std::size_t k,
                                       const std::vector<double>& weights) {
  std::vector<double> weight(k);
  for (std::size_t r = 0; r < codes.size(); ++r)
    weight[static_cast<std::size_t>(codes[r])] += weights.empty() ? 1 : weights[r];
  std::vector<std::int32_t> told(k == 2 ? 1 : k);
  std::iota(told.begin(), told.end(), 0);
  if (told.size() > kMostClasses) {
    std::ranges::stable_sort(told, std::greater{},
                             [&](std::int32_t c) { return weight[static_cast<std::size_t>(c)]; });
    told.resize(kMostClasses);
    std::ranges::sort(told);
  }
  return told;
}

// The target as columns of numbers, each about its mean.
std::vector<std::vector<double>> targets_of(const Dataset& data) {
  const auto n = static_cast<std::size_t>(data.num_rows());
  const std::vector<double> weights = data.weights();
  std::vector<std::vector<double>> columns;
  if (data.task() == Task::regression) {
    columns.push_back(data.target_values());
  } else {
    const auto codes = data.class_codes();
    for (const std::int32_t c : classes_told(codes, data.classes().size(), weights)) {
      columns.emplace_back(n);
      for (std::size_t r = 0; r < n; ++r) columns.back()[r] = codes[r] == c;
    }
  }
  for (auto& y : columns) {
    const Moments m = moments(y, weights);
    for (double& v : y) v = m.is_constant() ? 0 : (v - m.mean) / m.deviation;
  }
  return columns;
}

// Sums of products over rows: of a one, the columns, their products, and the targets.
struct Sums {
  std::vector<double> of;  // [p, p]
  double weight = 0;
  void add(const Sums& other) {
    if (of.empty()) of.assign(other.of.size(), 0);
    linalg::add_scaled(1, other.of, of);
    weight += other.weight;
  }
};

struct Shape3 {
  std::size_t mains = 0, products = 0, targets = 0;
  std::size_t features() const { return 1 + mains + products; }
  std::size_t all() const { return features() + targets; }
};

// Brings feature k into the regression (Goodnight: A tutorial on the sweep operator, 1979): afterwards the
// rows of those that are in hold their coefficients in the columns of the targets, the rows of the others
// what is left of them.
void sweep(std::vector<double>& a, std::size_t p, std::size_t k) {
  const double pivot = a[k * p + k];
  for (std::size_t j = 0; j < p; ++j) a[k * p + j] /= pivot;
  for (std::size_t i = 0; i < p; ++i) {
    if (i == k) continue;
    const double b = a[i * p + k];
    if (b == 0) continue;
    for (std::size_t j = 0; j < p; ++j) a[i * p + j] -= b * a[k * p + j];
    a[i * p + k] = -b / pivot;
  }
  a[k * p + k] = 1 / pivot;
}

// The squared error on the rows that `judge` sums up, of the model that `swept` holds.
double error_on(const Sums& judge, const std::vector<double>& swept, const std::vector<std::size_t>& in,
                const Shape3& s) {
  const std::size_t p = s.all();
  double error = 0;
  for (std::size_t t = s.features(); t < p; ++t) {
    error += judge.of[t * p + t];
    for (const std::size_t i : in) {
      error -= 2 * swept[i * p + t] * judge.of[i * p + t];
      double row = 0;
      for (const std::size_t j : in) row += swept[j * p + t] * judge.of[i * p + j];
      error += swept[i * p + t] * row;
    }
  }
  return error / std::max(judge.weight, 1e-300);
}

struct Path {
  std::vector<std::size_t> chosen;  // products, in their order
  std::vector<double> errors;       // on the judging rows, before any and after each
};

Path forward(const Sums& learn, const Sums* judge, const Shape3& s, std::size_t steps) {
  const std::size_t p = s.all();
  std::vector<double> a = learn.of, own(p);
  for (std::size_t i = 0; i < s.features(); ++i) {
    own[i] = a[i * p + i];
    a[i * p + i] *= 1 + kRidge;
  }
  std::vector<std::size_t> in;
  const auto take = [&](std::size_t i) {
    sweep(a, p, i);
    in.push_back(i);
  };
  for (std::size_t i = 0; i < 1 + s.mains; ++i)
    if (a[i * p + i] > kCollinear * own[i] && own[i] > 0) take(i);
  Path path;
  if (judge) path.errors.push_back(error_on(*judge, a, in, s));
  std::vector<bool> used(s.products, false);
  while (path.chosen.size() < steps) {
    std::size_t best = s.products;
    double most = 0;
    for (std::size_t c = 0; c < s.products; ++c) {
      const std::size_t i = 1 + s.mains + c;
      if (used[c] || !(own[i] > 0) || !(a[i * p + i] > kCollinear * own[i])) continue;
      double gain = 0;
      for (std::size_t t = s.features(); t < p; ++t) gain += a[i * p + t] * a[i * p + t] / a[i * p + i];
      if (gain > most) {
        most = gain;
        best = c;
      }
    }
    if (best == s.products) break;
    used[best] = true;
    take(1 + s.mains + best);
    path.chosen.push_back(best);
    if (judge) path.errors.push_back(error_on(*judge, a, in, s));
  }
  return path;
}

// The fewest products whose error cannot be told from the least.
std::size_t how_many(const std::vector<Path>& paths) {
  std::size_t sizes = paths[0].errors.size();
  for (const Path& path : paths) sizes = std::min(sizes, path.errors.size());
  const auto k = static_cast<double>(paths.size());
  std::vector<double> mean(sizes);
  for (std::size_t m = 0; m < sizes; ++m)
    for (const Path& path : paths) mean[m] += path.errors[m] / k;
  const auto least = static_cast<std::size_t>(std::ranges::min_element(mean) - mean.begin());
  for (std::size_t m = 0; m < least; ++m) {
    const double difference = mean[m] - mean[least];
    double squares = 0;
    for (const Path& path : paths) {
      const double off = path.errors[m] - path.errors[least] - difference;
      squares += off * off;
    }
    if (difference <= std::sqrt(squares / (k * (k - 1)))) return m;
  }
  return least;
}

// Of each part of the rows that is judged together, and of the rows that never are.
std::vector<Sums> sums_of_parts(const Matrix& x, const std::vector<double>& weights,
                                const std::vector<std::vector<double>>& targets,
                                const std::vector<std::vector<std::int64_t>>& parts, const StopToken& stop) {
  std::vector<Sums> all;
  for (const auto& rows : parts) {
    std::vector<double> w, y;
    for (const std::int64_t r : rows) {
      if (!weights.empty()) w.push_back(weights[static_cast<std::size_t>(r)]);
      for (const auto& target : targets) y.push_back(target[static_cast<std::size_t>(r)]);
    }
    linalg::Gram gram = linalg::gram(
        x.select_rows(rows), {.weights = w, .targets = y, .num_targets = std::ssize(targets), .stop = stop});
    all.push_back({std::move(gram.products), gram.weight});
  }
  return all;
}

struct Pair {
  std::size_t left, right;
};

std::vector<std::size_t> chosen_products(const Matrix& x, const Dataset& data,
                                         const std::vector<std::vector<double>>& targets, const Shape3& shape,
                                         const InteractionsParams& params, const TransformContext& context) {
  const int possible = folds_possible(data, params.folds);
  if (data.num_rows() < 2 * params.folds || possible < 2) return {};
  const std::vector<Split> folds = k_fold(data, possible, context.seed);
  std::vector<std::vector<std::int64_t>> parts;
  std::vector<bool> judged(static_cast<std::size_t>(data.num_rows()), false);
  for (const Split& fold : folds) {
    parts.push_back(fold.test);
    for (const std::int64_t r : fold.test) judged[static_cast<std::size_t>(r)] = true;
  }
  std::vector<std::int64_t> rest;
  for (std::size_t r = 0; r < judged.size(); ++r)
    if (!judged[r]) rest.push_back(static_cast<std::int64_t>(r));
  if (!rest.empty()) parts.push_back(std::move(rest));
  const std::vector<Sums> sums = sums_of_parts(x, data.weights(), targets, parts, context.stop);
  std::vector<Path> paths;
  Sums whole;
  for (const Sums& s : sums) whole.add(s);
  for (std::size_t f = 0; f < folds.size(); ++f) {
    context.stop.throw_if_requested("interactions");
    Sums learn;
    for (std::size_t part = 0; part < parts.size(); ++part)
      if (std::ranges::binary_search(folds[f].train, parts[part].front())) learn.add(sums[part]);
    if (learn.of.empty() || !(learn.weight > 0) || !(sums[f].weight > 0)) continue;
    paths.push_back(forward(learn, &sums[f], shape, static_cast<std::size_t>(params.most)));
  }
  if (paths.size() < 2) return {};
  return forward(whole, nullptr, shape, how_many(paths)).chosen;
}

}  // namespace

const ParamList& InteractionsParams::list() {
  using P = InteractionsParams;
  static const ParamList l{
      param<&P::most>("most", "products that are chosen at most", between(0, 200)),
      param<&P::most_columns>("most_columns", "columns whose products are tried", between(2, 60)),
      param<&P::folds>("folds", "parts of the cross-validation that says how many", between(2, 100), {"cv"}),
      param<&P::squares>("squares", "try the squares of the columns too"),
      param<&P::columns>("columns", "one column to act on; may be repeated; default: every number column"),
  };
  return l;
}

std::unique_ptr<FittedTransform> Interactions::fit(const Dataset& given,
                                                   const TransformContext& context) const {
  if (given.roles().target.empty())
    throw UsageError(kName, "the data have no target to choose by", "Name it with --target.");
  auto fitted = std::make_unique<FittedInteractions>();
  fitted->columns = transform_detail::choose(given.features(), params_.columns, kNumbers, kName);
  Dataset data = given;
  if (given.num_rows() > kEnoughRows) {
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < kEnoughRows; ++i) rows.push_back(i * given.num_rows() / kEnoughRows);
    data = given.select(rows);
  }
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  const auto targets = targets_of(data);
  const auto at = find_all(features, fitted->columns, kNumbers, kName);
  std::vector<std::vector<double>> z(at.size());
  std::vector<double> told(at.size());
  parallel_for(std::ssize(at), 1, [&](std::int64_t b, std::int64_t e) {
    for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
      z[i] = standardised(features.columns()[at[i]], weights);
      for (const auto& y : targets) {
        double sum = 0;
        for (std::size_t r = 0; r < y.size(); ++r) sum += (weights.empty() ? 1 : weights[r]) * z[i][r] * y[r];
        told[i] = std::max(told[i], std::abs(sum));
      }
    }
  });
  std::vector<std::size_t> columns(at.size());
  std::iota(columns.begin(), columns.end(), 0);
  if (std::ssize(columns) > params_.most_columns) {
    std::ranges::stable_sort(columns, std::greater{}, [&](std::size_t i) { return told[i]; });
    columns.resize(static_cast<std::size_t>(params_.most_columns));
    std::ranges::sort(columns);
  }
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < columns.size(); ++a)
    for (std::size_t b = params_.squares ? a : a + 1; b < columns.size(); ++b)
      pairs.push_back({columns[a], columns[b]});
  fitted->tried = std::ssize(pairs);
  if (pairs.empty() || data.num_rows() == 0) return fitted;
  const auto n = static_cast<std::size_t>(data.num_rows());
  std::vector<Tensor> made{Tensor::full(Shape{data.num_rows()}, 1, DType::f64)};
  for (const std::size_t c : columns) made.push_back(Tensor::from(z[c]));
  for (const Pair& p : pairs) {
    std::vector<double> product(n);
    for (std::size_t r = 0; r < n; ++r) product[r] = z[p.left][r] * z[p.right][r];
    made.push_back(Tensor::take(std::move(product)));
  }
  const Shape3 shape{columns.size(), pairs.size(), targets.size()};
  const Matrix x = Matrix::from_columns(std::move(made), data.num_rows());
  for (const std::size_t c : chosen_products(x, data, targets, shape, params_, context)) {
    fitted->left.push_back(static_cast<std::int64_t>(pairs[c].left));
    fitted->right.push_back(static_cast<std::int64_t>(pairs[c].right));
  }
  return fitted;
}

TransformEntry interactions_entry() {
  return transform_entry<Interactions>(
      "products of two numbers that cross-validation finds worth having",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedInteractions>(); },
      {.units = true});
}

}  // namespace cairn
