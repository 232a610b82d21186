#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/index.h"

#include "cairn/linear/least_squares_internal.h"

namespace cairn {
namespace {

constexpr std::size_t kMostSentences = 5, kMostTerms = 6, kMostNames = 8;
constexpr double kNegligible = 1e-6;  // of a column's spread: a smaller part of a combination is rounding

struct Term {
  std::string name;
  double factor;  // in the person's units
  double part;    // share of the spread
};

std::string combination(std::vector<Term> terms, double constant, bool with_constant) {
  std::ranges::stable_sort(terms,
                           [](const Term& x, const Term& y) { return std::abs(x.part) > std::abs(y.part); });
  std::string text;
  for (std::size_t i = 0; i < std::min(terms.size(), kMostTerms); ++i) {
    const double size = std::abs(terms[i].factor);
    text += terms[i].factor < 0 ? (i == 0 ? "-" : " - ") : (i == 0 ? "" : " + ");
    if (std::abs(size - 1) > 1e-9) text += fmt::format("{:.4g} ", size);
    text += terms[i].name;
  }
  if (terms.size() > kMostTerms) return text + fmt::format(" + {} more", terms.size() - kMostTerms);
  if (with_constant && constant != 0)
    text += fmt::format(" {} {:.4g}", constant < 0 ? '-' : '+', std::abs(constant));
  return text;
}

}  // namespace

std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  const std::size_t shown = names.size() > kMostNames ? kMostNames - 1 : names.size();
  for (std::size_t i = 0; i < shown; ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

CollinearityReport explain_collinearity(std::span<const double> a, std::int64_t rows, std::int64_t d,
                                        const linalg::LeastSquares& found, std::span<const double> mean,
                                        std::span<const double> unit, const std::vector<std::string>& names,
                                        bool intercept) {
  CollinearityReport report;
  std::vector<std::int64_t> live;  // by falling pivot
  for (const std::int64_t c : found.order)
    if (unit[at(c)] != 0) live.push_back(c);
  if (live.empty()) return report;
  const auto k = std::ssize(live);
  const auto columns = [&](std::span<const std::int64_t> chosen) {
    std::vector<double> part;
    for (std::int64_t r = 0; r < rows; ++r)
      for (const std::int64_t c : chosen) part.push_back(a[at(r * d + c)]);
    return part;
  };
  const linalg::Svd parts = linalg::svd(columns(live), rows, k);
  report.condition =
      parts.s.back() > 0 ? parts.s[0] / parts.s.back() : std::numeric_limits<double>::infinity();

  // A full rank has no exact dependency; the column with the smallest pivot is then the one most nearly
  // explained.
  const bool exact = found.rank < k;
  const std::int64_t independent = exact ? found.rank : k - 1;
  if (independent == 0) return report;
  const auto base = std::span(live).first(at(independent)), others = std::span(live).subspan(at(independent));
  const auto t =
      linalg::least_squares_qr(columns(base), rows, independent, columns(others), std::ssize(others), 0);
  for (std::size_t j = 0; j < std::min(others.size(), kMostSentences); ++j) {
    const std::int64_t dependent = others[j];
    std::vector<Term> terms;
    double constant = mean[at(dependent)];
    for (std::size_t i = 0; i < base.size(); ++i) {
      const double part = t.solution[i * others.size() + j];
      if (std::abs(part) < kNegligible) continue;
      const double factor = part * unit[at(base[i])] / unit[at(dependent)];
      terms.push_back({names[at(base[i])], factor, part});
      constant -= factor * mean[at(base[i])];
    }
    if (std::abs(constant) < 1e-9 * std::abs(mean[at(dependent)])) constant = 0;
    report.sentences.push_back(
        fmt::format("{}: '{}' {} {}; {}", exact ? "collinear" : "nearly collinear", names[at(dependent)],
                    exact ? "=" : "is nearly", combination(std::move(terms), constant, intercept),
                    exact ? "the data cannot tell their effects apart, and the weights of least norm are "
                            "taken. Leave one out, or use ridge"
                          : "their weights are uncertain. Leave one out, or use ridge"));
  }
  if (others.size() > kMostSentences)
    report.sentences.push_back(
        fmt::format("{} more columns depend on others", others.size() - kMostSentences));
  return report;
}

}  // namespace cairn
