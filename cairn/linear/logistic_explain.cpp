#include "cairn/linear/logistic_explain_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/index.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

// A column whose part that the others cannot explain has less than this share of its variance is a
// combination of them.
constexpr double kDependent = 1e-11;
constexpr std::size_t kTermsShown = 4;

// Gram-Schmidt on a Gram matrix: the Cholesky factor of the columns kept so far, one row a column.
class Basis {
 public:
  explicit Basis(std::span<const double> gram, std::size_t n) : gram_(gram), n_(n) {}
  // Adds column j, or gives its coefficients on the columns kept when it is a combination of them.
  bool add(std::size_t j, std::vector<double>& combination) {
    std::vector<double> y(kept_.size());
    double rest = gram_[j * n_ + j];
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      double v = gram_[j * n_ + kept_[i]];
      for (std::size_t k = 0; k < i; ++k) v -= rows_[i][k] * y[k];
      y[i] = v / rows_[i][i];
      rest -= y[i] * y[i];
    }
    if (rest > kDependent * gram_[j * n_ + j]) {
      y.push_back(std::sqrt(rest));
      rows_.push_back(std::move(y));
      kept_.push_back(j);
      return true;
    }
    combination = y;
    for (std::size_t i = kept_.size(); i-- > 0;) {
      combination[i] /= rows_[i][i];
      for (std::size_t k = 0; k < i; ++k) combination[k] -= rows_[i][k] * combination[i];
    }
    return false;
  }
  const std::vector<std::size_t>& kept() const { return kept_; }

 private:
  std::span<const double> gram_;
  std::size_t n_;
  std::vector<std::size_t> kept_;
  std::vector<std::vector<double>> rows_;
};

// "c = 2 a - b + 3"
std::string equation(const std::string& name, const std::vector<std::pair<std::string, double>>& terms,
                     double constant) {
  std::string text = fmt::format("'{}' =", name);
  const auto put = [&](double factor, const std::string& what) {
    const bool first = text.back() == '=';
    text += factor < 0 ? " - " : first ? " " : " + ";
    const std::string number = fmt::format("{:.6g}", std::abs(factor));
    text += what.empty() ? number : number == "1" ? what : number + " " + what;
  };
  for (std::size_t i = 0; i < std::min(terms.size(), kTermsShown); ++i)
    put(terms[i].second, "'" + terms[i].first + "'");
  if (terms.size() > kTermsShown) return text + fmt::format(" + ... ({} terms)", terms.size());
  if (std::abs(constant) > 1e-9 || terms.empty()) put(constant, "");
  return text;
}

double weight_of(const LogisticTruth& truth, std::int64_t row) {
  return truth.weights.empty() ? 1.0 : truth.weights[at(row)];
}

}  // namespace

std::vector<Dependence> find_dependences(const LogisticObjective& objective, const NumericData& data,
                                         const StopToken& stop) {
  const LogisticDesign& design = objective.design();
  const std::size_t all = at(design.x().columns());
  std::vector<double> scale(all, 0.0);
  for (std::size_t p = 0; p < design.columns().size(); ++p)
    scale[at(design.columns()[p])] = 1 / design.deviation()[p];
  std::vector<double> counts;
  for (const double w : objective.truth().weights) counts.push_back(w > 0 ? 1.0 : 0.0);
  linalg::GramOptions options;
  options.weights = counts;
  options.scale = scale;
  options.stop = stop;
  const linalg::Moments moments = linalg::moments(design.x(), options);
  Basis basis(moments.products, all);
  std::vector<Dependence> found;
  for (std::size_t p = 0; p < design.columns().size(); ++p) {
    const std::size_t j = at(design.columns()[p]);
    std::vector<double> combination;
    if (basis.add(j, combination)) continue;
    std::vector<std::pair<std::string, double>> terms;
    double constant = moments.mean[j];
    for (std::size_t i = 0; i < combination.size(); ++i) {
      const std::size_t k = basis.kept()[i];
      if (std::abs(combination[i]) < 1e-6) continue;
      const double factor = combination[i] * scale[k] / scale[j];
      terms.emplace_back(data.feature_names[k], factor);
      constant -= factor * moments.mean[k];
    }
    found.push_back({static_cast<std::int64_t>(p), equation(data.feature_names[j], terms, constant)});
  }
  return found;
}

std::string separating_column(const LogisticObjective& objective, const NumericData& data,
                              std::span<const std::int64_t> classes, bool strict) {
  const LogisticDesign& design = objective.design();
  const LogisticTruth& truth = objective.truth();
  const std::int64_t n = design.x().rows(), all = design.x().columns(),
                     k = static_cast<std::int64_t>(classes.size());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> low(at(all * k), kInfinity), high(at(all * k), -kInfinity);
  std::vector<double> tile;
  for (std::int64_t begin = 0; begin < n; begin += design.tile_rows()) {
    const std::int64_t end = std::min(n, begin + design.tile_rows());
    tile.resize(at((end - begin) * all));
    design.x().tile(begin, end, tile.data());
    for (std::int64_t r = begin; r < end; ++r) {
      if (weight_of(truth, r) <= 0) continue;
      const std::int64_t of = truth.truth[at(r)];
      for (std::int64_t c = 0; c < all; ++c) {
        const double v = tile[at((r - begin) * all + c)];
        low[at(of * all + c)] = std::min(low[at(of * all + c)], v);
        high[at(of * all + c)] = std::max(high[at(of * all + c)], v);
      }
    }
  }
  std::string none;
  for (const std::int64_t c : design.columns())
    for (std::int64_t of = 0; of < k; ++of) {
      double rest_low = kInfinity, rest_high = -kInfinity;
      for (std::int64_t other = 0; other < k; ++other)
        if (other != of) {
          rest_low = std::min(rest_low, low[at(other * all + c)]);
          rest_high = std::max(rest_high, high[at(other * all + c)]);
        }
      const double lowest = low[at(of * all + c)], highest = high[at(of * all + c)];
      const std::string& name = data.feature_names[at(c)];
      const std::string& label = data.classes[at(classes[at(of)])];
      if (lowest > rest_high)
        return fmt::format(
            "'{}' alone separates '{}': its rows have at least {:.6g}, all others at most {:.6g}", name,
            label, lowest, rest_high);
      if (highest < rest_low)
        return fmt::format(
            "'{}' alone separates '{}': its rows have at most {:.6g}, all others at least {:.6g}", name,
            label, highest, rest_low);
      if (strict || (lowest < rest_high && highest > rest_low)) continue;
      const bool above = lowest >= rest_high;
      const double edge = above ? lowest : highest;
      if (above ? highest > edge : lowest < edge)
        return fmt::format("every row with '{}' {} {:.6g} is '{}'", name, above ? "above" : "below", edge,
                           label);
      if (none.empty())
        none =
            fmt::format("no row with '{}' {} {:.6g} is '{}'", name, above ? "below" : "above", edge, label);
    }
  return none;
}

bool is_direction_of_recession(const LogisticObjective& objective, std::span<const double> theta,
                               double* most) {
  const std::int64_t m = objective.num_logits();
  const std::vector<double> logits = objective.logits(theta);
  const LogisticTruth& truth = objective.truth();
  double least = std::numeric_limits<double>::infinity();
  *most = 0;
  for (std::int64_t r = 0; r < static_cast<std::int64_t>(truth.truth.size()); ++r) {
    if (weight_of(truth, r) <= 0) continue;
    const std::int64_t of = truth.truth[at(r)];
    double margin = of == 1 ? logits[at(r)] : -logits[at(r)];
    if (m > 1) {
      double other = -std::numeric_limits<double>::infinity(), lowest = logits[at(r * m + of)];
      for (std::int64_t k = 0; k < m; ++k) {
        if (k != of) other = std::max(other, logits[at(r * m + k)]);
        lowest = std::min(lowest, logits[at(r * m + k)]);
      }
      margin = logits[at(r * m + of)] - other;
      *most = std::max(*most, logits[at(r * m + of)] - lowest);
    }
    least = std::min(least, margin);
    *most = std::max(*most, std::abs(margin));
  }
  return *most > 0 && least >= -1e-3 * *most;
}

std::string leading_columns(const LogisticObjective& objective, const NumericData& data,
                            std::span<const double> theta) {
  const LogisticDesign& design = objective.design();
  const std::int64_t d = design.num_columns();
  std::vector<double> size(at(d), 0.0);
  for (std::int64_t k = 0; k < objective.num_logits(); ++k)
    for (std::int64_t j = 0; j < d; ++j)
      size[at(j)] = std::max(size[at(j)], std::abs(theta[at(k * (d + 1) + j)]) * design.scale()[at(j)] *
                                              design.deviation()[at(j)]);
  std::vector<std::int64_t> order(at(d));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return size[at(a)] > size[at(b)]; });
  std::string text;
  const std::int64_t shown = std::min<std::int64_t>(d, 3);
  for (std::int64_t i = 0; i < shown; ++i)
    text += (i == 0                         ? "'"
             : i + 1 == shown && shown == d ? " and '"
                                            : ", '") +
            data.feature_names[at(design.columns()[at(order[at(i)])])] + "'";
  if (d > shown) text += fmt::format(" and {} more", d - shown);
  return text;
}

}  // namespace cairn
