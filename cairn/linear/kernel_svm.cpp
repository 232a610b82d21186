#include "cairn/linear/kernel_svm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/margin_calibration_internal.h"
#include "cairn/linear/svm_sides_internal.h"
#include "cairn/ops/linalg.h"
#include "cairn/solve/smo.h"

namespace cairn {
namespace {

double sigmoid(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

std::vector<double> squares_of(const Matrix& rows) {
  const auto d = static_cast<std::size_t>(rows.columns());
  std::vector<double> squares;
  const auto values = rows.dense().data<double>();
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows.rows()); ++r) {
    const auto row = values.subspan(r * d, d);
    squares.push_back(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
  }
  return squares;
}

// 1 / (columns * variance of all their values), which makes a typical squared distance about 1.
double typical_gamma(const Matrix& rows, std::span<const double> weights) {
  const auto values = rows.dense().data<double>();
  const auto d = static_cast<std::size_t>(rows.columns());
  double total = 0, sum = 0, square = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double w = weights.empty() ? 1 : weights[i / d];
    total += w;
    sum += w * values[i];
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    square += (weights.empty() ? 1 : weights[i / d]) * (values[i] - sum / total) * (values[i] - sum / total);
  return square > 0 ? total / (static_cast<double>(d) * square) : 1;
}

// One machine's dual variables times their sides, and its offset.
struct Machine {
  std::vector<double> coefficients;
  double offset = 0;
  std::int64_t iterations = 0;
  bool converged = false;
};

Machine fit_machine(const Matrix& rows, const SvmSides& of, const Kernel& kernel,
                    const KernelSvmParams& params, const StopToken& stop) {
  const auto n = static_cast<std::size_t>(rows.rows()), d = static_cast<std::size_t>(rows.columns());
  const std::vector<double> squares = squares_of(rows);
  std::vector<double> diagonal(n);
  for (std::size_t i = 0; i < n; ++i) diagonal[i] = kernel.of(squares[i], squares[i], squares[i]);
  if (!std::ranges::all_of(diagonal, [](double v) { return std::isfinite(v); }))
    throw FitError(KernelSvm::kName, "the kernel of a row with itself is beyond the range of numbers",
                   "Scale the columns (prepare does), or lower degree.");
  const auto values = rows.dense().data<double>();
  SmoProblem problem{.sides = of.sides, .costs = of.costs, .diagonal = diagonal};
  problem.kernel_row = [&](std::size_t i, std::span<double> row) {
    linalg::multiply(rows, values.subspan(i * d, d), 0, row);
    parallel_for(static_cast<std::int64_t>(n), 4096, [&](std::int64_t begin, std::int64_t end) {
      for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k)
        row[k] = kernel.of(row[k], squares[i], squares[k]);
    });
  };
  SmoSolution found = minimise_pairs(problem, {.tol = params.tol,
                                               .max_iter = params.max_iter,
                                               .cache_bytes = static_cast<std::size_t>(params.cache_mb) << 20,
                                               .stop = stop});
  for (std::size_t i = 0; i < n; ++i) found.alpha[i] *= of.sides[i];
  return {std::move(found.alpha), found.offset, found.iterations, found.converged};
}

// Margins [n, machines] of rows by the support rows: kernel tiles of bounded size.
std::vector<double> margins_of(const Matrix& x, const Kernel& kernel, const Matrix& support,
                               std::span<const double> coefficients, std::span<const double> intercepts) {
  const auto s = static_cast<std::size_t>(support.rows()), d = static_cast<std::size_t>(support.columns());
  const std::size_t k = intercepts.size();
  const std::vector<double> squares = squares_of(support);
  std::vector<double> across(d * s), margins(static_cast<std::size_t>(x.rows()) * k);
  const auto values = support.dense().data<double>();
  for (std::size_t i = 0; i < s; ++i)
    for (std::size_t c = 0; c < d; ++c) across[c * s + i] = values[i * d + c];
  const auto step = std::clamp<std::int64_t>((1 << 22) / static_cast<std::int64_t>(s + 1), 16, 4096);
  for (std::int64_t begin = 0; begin < x.rows(); begin += step) {
    const std::int64_t end = std::min(x.rows(), begin + step);
    Tensor block = Tensor::empty({end - begin, static_cast<std::int64_t>(d)}, DType::f64);
    x.tile(begin, end, block.mutable_data<double>().data());
    const Matrix rows = Matrix::from_rows(block);
    const std::vector<double> own = squares_of(rows);
    std::vector<double> products(static_cast<std::size_t>(end - begin) * s);
    if (s > 0) linalg::multiply(rows, across, static_cast<std::int64_t>(s), {}, products);
    parallel_for(end - begin, 16, [&](std::int64_t from, std::int64_t to) {
      for (auto r = static_cast<std::size_t>(from); r < static_cast<std::size_t>(to); ++r) {
        const auto row = std::span(products).subspan(r * s, s);
        for (std::size_t i = 0; i < s; ++i) row[i] = kernel.of(row[i], own[r], squares[i]);
        for (std::size_t j = 0; j < k; ++j) {
          double sum = intercepts[j];
          for (std::size_t i = 0; i < s; ++i) sum += coefficients[j * s + i] * row[i];
          margins[(static_cast<std::size_t>(begin) + r) * k + j] = sum;
        }
      }
    });
  }
  return margins;
}

MarginCalibration calibrate(const Matrix& rows, const SvmSides& of, const Machine& whole,
                            const Kernel& kernel, const KernelSvmParams& params,
                            std::span<const double> weights, std::uint64_t seed, const StopToken& stop) {
  const auto own = [&] {
    return margins_of(rows, kernel, rows, whole.coefficients, std::vector{whole.offset});
  };
  const auto margins = [&](std::span<const std::int64_t> kept, std::span<const std::int64_t> held) {
    SvmSides part;
    for (const std::int64_t r : kept) {
      part.sides.push_back(of.sides[static_cast<std::size_t>(r)]);
      part.costs.push_back(of.costs[static_cast<std::size_t>(r)]);
    }
    const Matrix inside = rows.select_rows(kept);
    const Machine m = fit_machine(inside, part, kernel, params, stop);
    return margins_of(rows.select_rows(held), kernel, inside, m.coefficients, std::vector{m.offset});
  };
  return calibrate_out_of_fold(own, of.sides, weights, seed, margins);
}

// The rows that some machine leans on, with every machine's coefficients of them.
void keep_support(const Matrix& rows, const std::vector<Machine>& machines, KernelSvmModel::Parts& parts) {
  std::vector<std::int64_t> support;
  for (std::int64_t r = 0; r < rows.rows(); ++r)
    if (std::ranges::any_of(
            machines, [&](const Machine& m) { return m.coefficients[static_cast<std::size_t>(r)] != 0; }))
      support.push_back(r);
  if (support.empty()) support.push_back(0);  // a tensor without rows is none
  std::vector<double> coefficients;
  for (const Machine& m : machines) {
    for (const std::int64_t r : support) coefficients.push_back(m.coefficients[static_cast<std::size_t>(r)]);
    parts.intercepts.push_back(m.offset);
  }
  parts.support = rows.select_rows(support).to_rows().dense();
  parts.coefficients = Tensor::take(std::move(coefficients))
                           .reshape(Shape{static_cast<std::int64_t>(machines.size()), std::ssize(support)});
}

}  // namespace

double Kernel::of(double product, double square_a, double square_b) const {
  if (name == "linear") return product;
  if (name == "poly") {
    double power = 1;
    for (std::int64_t i = 0; i < degree; ++i) power *= gamma * product + coef0;
    return power;
  }
  return std::exp(-gamma * std::max(0.0, square_a + square_b - 2 * product));
}

void Kernel::visit(Visitor& v) {
  v.value("name", name);
  v.value("gamma", gamma);
  v.value("degree", degree);
  v.value("coef0", coef0);
  if (!v.loading()) return;
  const bool known = name == "rbf" || name == "poly" || name == "linear";
  if (!known || !(gamma > 0) || !std::isfinite(gamma) || !std::isfinite(coef0) || degree < 1 || degree > 100)
    throw ModelFileError("kernel svm", fmt::format("has no kernel '{}' with gamma {}, degree {}, coef0 {}",
                                                   name, gamma, degree, coef0));
}

KernelSvmModel::KernelSvmModel(const NumericData& data, Parts parts)
    : NumericModel(data), parts_(std::move(parts)) {
  notes_ = std::move(parts_.notes);
}

std::vector<double> KernelSvmModel::margins(const Matrix& x) const {
  return margins_of(x, parts_.kernel, Matrix::from_rows(parts_.support), parts_.coefficients.data<double>(),
                    parts_.intercepts);
}

void KernelSvmModel::compute(const Matrix& x, std::span<double> outputs) const {
  const std::size_t k = parts_.intercepts.size(), classes = static_cast<std::size_t>(num_outputs());
  const std::vector<double> margins = this->margins(x);
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.rows()); ++r) {
    const std::span<double> row = outputs.subspan(r * classes, classes);
    const auto probability = [&](std::size_t j) {
      return sigmoid(parts_.slopes[j] * margins[r * k + j] + parts_.offsets[j]);
    };
    if (k == 1) {
      const auto yes = static_cast<std::size_t>(positive());
      row[yes] = probability(0);
      row[1 - yes] = 1 - row[yes];
      continue;
    }
    for (std::size_t j = 0; j < k; ++j) row[j] = probability(j);
    const double total = std::accumulate(row.begin(), row.end(), 0.0);
    for (double& p : row) p = total > 0 ? p / total : 1 / static_cast<double>(classes);
  }
}

void KernelSvmModel::visit_members(Visitor& v) {
  v.child("kernel", parts_.kernel);
  v.tensor("support", parts_.support);
  v.tensor("coefficients", parts_.coefficients);
  v.value("intercepts", parts_.intercepts);
  v.value("slopes", parts_.slopes);
  v.value("offsets", parts_.offsets);
  if (!v.loading()) return;
  const std::size_t k = task() == Task::binary ? 1 : classes().size();
  const auto matrix = [](const Tensor& t) { return t.defined() && t.dtype() == DType::f64 && t.ndim() == 2; };
  const bool fits = is_classification(task()) && matrix(parts_.support) && matrix(parts_.coefficients) &&
                    parts_.support.size(1) == num_features() &&
                    parts_.coefficients.size(0) == static_cast<std::int64_t>(k) &&
                    parts_.coefficients.size(1) == parts_.support.size(0) && parts_.intercepts.size() == k &&
                    parts_.slopes.size() == k && parts_.offsets.size() == k;
  if (!fits)
    throw ModelFileError("kernel svm",
                         fmt::format("support {} and coefficients {} do not fit {} features and {} classes",
                                     parts_.support.defined() ? parts_.support.text() : "absent",
                                     parts_.coefficients.defined() ? parts_.coefficients.text() : "absent",
                                     num_features(), classes().size()));
}

const ParamList& KernelSvmParams::list() {
  using P = KernelSvmParams;
  static const ParamList l{
      param<&P::C>("C", "cost of a margin below 1: larger fits the training rows closer", above(0),
                   {"alpha", "lambda", "cost"})
          .searched(1e-2, 1e3, SearchScale::log),
      param<&P::kernel>("kernel", "likeness of two rows", one_of("rbf", "poly", "linear")),
      param<&P::gamma>("gamma",
                       "rbf: how fast likeness falls with squared distance; poly: factor of the product; 0: "
                       "1 / (columns * variance)",
                       at_least(0), {"sigma", "bandwidth"})
          .searched(1e-4, 10, SearchScale::log),
      param<&P::degree>("degree", "poly: the power", between(1, 100)),
      param<&P::coef0>("coef0", "poly: added to the product before the power", between(-1e6, 1e6)),
      param<&P::class_weight>("class_weight", "balanced: each class counts as much as any other",
                              one_of("none", "balanced")),
      param<&P::tol>("tol", "stop when no pair of rows violates optimality by more", above(0),
                     {"epsilon", "eps"}),
      param<&P::max_iter>("max_iter", "steps of two rows at most", between(1, 1e12)),
      param<&P::cache_mb>("cache_mb", "memory for kernel rows, MiB", between(1, 1'000'000), {"cache_size"}),
  };
  return l;
}

std::unique_ptr<Model> KernelSvm::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  const NumericData data = numeric_data(dataset, kName);
  const std::vector<SvmSides> sides = svm_sides(data, params_.C, params_.class_weight == "balanced", kName);
  const Matrix rows = data.x.to_rows();
  KernelSvmModel::Parts parts;
  parts.kernel = {.name = params_.kernel,
                  .gamma = params_.gamma > 0 ? params_.gamma : typical_gamma(rows, data.weights),
                  .coef0 = params_.coef0,
                  .degree = params_.degree};
  std::vector<Machine> machines;
  for (std::size_t k = 0; k < sides.size(); ++k) {
    machines.push_back(fit_machine(rows, sides[k], parts.kernel, params_, context.stop));
    const MarginCalibration c =
        calibrate(rows, sides[k], machines.back(), parts.kernel, params_, data.weights,
                  derive_seed(context.seed, "kernel_svm", k), context.stop);
    parts.slopes.push_back(c.slope);
    parts.offsets.push_back(c.offset);
  }
  keep_support(rows, machines, parts);
  std::int64_t steps = 0;
  bool converged = true;
  for (const Machine& m : machines) {
    steps += m.iterations;
    converged = converged && m.converged;
  }
  parts.notes = {
      fmt::format("sequential minimal optimisation: {} steps, {}; {} of {} rows are support vectors", steps,
                  converged ? "converged" : "NOT converged: raise max_iter, or lower C",
                  parts.support.size(0), rows.rows()),
      fmt::format("kernel {}, gamma {:.6g}", parts.kernel.name, parts.kernel.gamma),
      "probabilities are sigmoids fitted to the margins of rows that their machine had not seen (Platt "
      "1999)"};
  return std::make_unique<KernelSvmModel>(data, std::move(parts));
}

LearnerEntry kernel_svm_entry() {
  LearnerEntry e{};
  e.name = KernelSvm::kName;
  e.doc = "Support vector machine with a kernel (rbf, poly): curved boundaries, held up by a few rows.";
  e.binary = e.multiclass = true;
  e.accepts = {.sparse = true, .unscaled = false};
  e.params = &KernelSvmParams::list;
  e.make = &make_learner<KernelSvm>;
  e.blank = &make_blank<KernelSvmModel>;
  e.model_kind = KernelSvmModel::kKind.data();
  e.example_regression = "";
  e.example_classification = "penguins";
  e.example_accuracy = 0.95;
  e.cost = 2;
  e.auto_settings = nullptr;  // with every pair of rows in play it suits few rows and a chosen gamma
  e.flexibility = "C";
  e.flexibility_grows = true;
  e.stochastic = true;  // its probabilities come from parts that are drawn
  return e;
}

}  // namespace cairn
