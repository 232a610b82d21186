#include "cairn/data/polynomial.h"

#include <fmt/format.h>

#include <set>

#include "cairn/base/parallel.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;

constexpr std::int64_t kMostColumns = 10'000;
constexpr double kMostBytes = 8.0 * (1 << 30);
constexpr std::int64_t kRows = 1 << 12;  // rows a chunk: the columns being multiplied stay in the cache

// One product: the factors of an earlier one times column `last`.
struct Term {
  std::int64_t prefix = -1;  // which term; -1: the column itself
  std::int64_t last = 0;
};

// Terms of degree 1 (the columns themselves) to `degree`. Stops growing beyond kMostColumns.
std::vector<Term> terms_of(std::int64_t columns, std::int64_t degree, bool interactions_only) {
  std::vector<Term> terms;
  for (std::int64_t c = 0; c < columns; ++c) terms.push_back({-1, c});
  std::size_t begin = 0;
  for (std::int64_t d = 2; d <= degree && begin < terms.size(); ++d) {
    const std::size_t end = terms.size();
    for (std::size_t t = begin; t < end; ++t)
      for (std::int64_t c = terms[t].last + (interactions_only ? 1 : 0); c < columns; ++c) {
        terms.push_back({static_cast<std::int64_t>(t), c});
        if (static_cast<std::int64_t>(terms.size()) > kMostColumns + columns) return terms;
      }
    begin = end;
  }
  return terms;
}

void check_size(const std::vector<Term>& terms, std::int64_t columns, std::int64_t rows,
                std::int64_t degree) {
  const std::int64_t made = static_cast<std::int64_t>(terms.size()) - columns;
  const double bytes = static_cast<double>(made) * static_cast<double>(rows) * sizeof(double);
  if (made <= kMostColumns && bytes <= kMostBytes) return;
  throw ResourceError(
      Polynomial::kName,
      fmt::format(
          "degree {} of {} columns and {} rows makes {}{} new columns ({:.1f} GiB); at most {} columns "
          "and {:.0f} GiB are made",
          degree, columns, rows, made > kMostColumns ? "more than " : "", std::min(made, kMostColumns),
          bytes / (1 << 30), kMostColumns, kMostBytes / (1 << 30)),
      "Lower the degree, set interactions_only, or name fewer columns.");
}

class FittedPolynomial : public FittedTransform {
 public:
  std::string_view kind() const override { return Polynomial::kName; }
  Table apply(const Table& features) const override;
  std::string describe() const override;
  std::vector<MadeColumn> made_columns() const override;
  void visit(Visitor& v) override {
    v.value("columns", names);
    v.value("degree", degree);
    v.value("interactions_only", interactions_only);
  }

  std::vector<std::string> names;
  std::int64_t degree = 2;
  bool interactions_only = false;

 private:
  std::vector<std::string> term_names(const std::vector<Term>& terms) const;
};

// "x^2*y": equal factors stand side by side, so a power is a run.
std::vector<std::string> FittedPolynomial::term_names(const std::vector<Term>& terms) const {
  std::vector<std::string> result;
  for (const Term& term : terms) {
    std::vector<std::int64_t> factors{term.last};
    for (std::int64_t t = term.prefix; t >= 0; t = terms[static_cast<std::size_t>(t)].prefix)
      factors.insert(factors.begin(), terms[static_cast<std::size_t>(t)].last);
    std::string text;
    for (std::size_t i = 0; i < factors.size();) {
      std::size_t power = 0;
      const std::int64_t c = factors[i];
      for (; i < factors.size() && factors[i] == c; ++i) ++power;
      text += (text.empty() ? "" : "*") + names[static_cast<std::size_t>(c)];
      if (power > 1) text += fmt::format("^{}", power);
    }
    result.push_back(std::move(text));
  }
  return result;
}

// A product belongs to its different factors in equal shares: the Shapley value of a game that only all of
// them together win.
std::vector<MadeColumn> FittedPolynomial::made_columns() const {
  const auto terms = terms_of(static_cast<std::int64_t>(names.size()), degree, interactions_only);
  const std::vector<std::string> labels = term_names(terms);
  std::vector<MadeColumn> made;
  for (std::size_t t = names.size(); t < terms.size(); ++t) {
    std::set<std::int64_t> factors{terms[t].last};
    for (std::int64_t p = terms[t].prefix; p >= 0; p = terms[static_cast<std::size_t>(p)].prefix)
      factors.insert(terms[static_cast<std::size_t>(p)].last);
    MadeColumn column{labels[t], {}};
    for (const std::int64_t f : factors)
      column.from.push_back({names[static_cast<std::size_t>(f)], 1 / static_cast<double>(factors.size())});
    made.push_back(std::move(column));
  }
  return made;
}

template <class T>
std::vector<Tensor> products(const std::vector<Term>& terms, const std::vector<Tensor>& columns,
                             std::int64_t rows) {
  std::vector<Tensor> result;
  std::vector<const T*> value;
  std::vector<T*> out;
  for (const Tensor& c : columns) {
    value.push_back(c.data<T>().data());
    out.push_back(nullptr);
  }
  for (std::size_t t = columns.size(); t < terms.size(); ++t) {
    result.push_back(Tensor::empty(Shape{rows}, kDTypeOf<T>));
    out.push_back(result.back().template mutable_data<T>().data());
    value.push_back(out.back());
  }
  parallel_for(rows, kRows, [&](std::int64_t b, std::int64_t e) {
    for (std::size_t t = columns.size(); t < terms.size(); ++t) {
      const T* left = value[static_cast<std::size_t>(terms[t].prefix)];
      const T* right = value[static_cast<std::size_t>(terms[t].last)];
      for (std::int64_t r = b; r < e; ++r) out[t][r] = left[r] * right[r];
    }
  });
  return result;
}

Table FittedPolynomial::apply(const Table& features) const {
  const auto at = find_all(features, names, {ColumnKind::number, ColumnKind::integer}, Polynomial::kName);
  const auto num_columns = static_cast<std::int64_t>(at.size());
  const std::vector<Term> terms = terms_of(num_columns, degree, interactions_only);
  check_size(terms, num_columns, features.num_rows(), degree);
  bool f32 = true;
  for (const std::size_t i : at) f32 = f32 && features.columns()[i].values().dtype() == DType::f32;
  std::vector<Tensor> columns;
  for (const std::size_t i : at)
    columns.push_back(features.columns()[i].numbers(f32 ? DType::f32 : DType::f64));
  std::vector<Tensor> made = f32 ? products<float>(terms, columns, features.num_rows())
                                 : products<double>(terms, columns, features.num_rows());
  const std::vector<std::string> labels = term_names(terms);
  std::vector<Column> at_end;
  for (std::size_t t = 0; t < made.size(); ++t)
    at_end.push_back(Column::number(labels[at.size() + t], std::move(made[t])));
  return transform_detail::replace(features, {}, {}, std::move(at_end), Polynomial::kName);
}

std::string FittedPolynomial::describe() const {
  if (names.empty()) return "polynomial: no number column";
  const auto columns = static_cast<std::int64_t>(names.size());
  const auto made = static_cast<std::int64_t>(terms_of(columns, degree, interactions_only).size()) - columns;
  return fmt::format("polynomial of degree {}{}: {} column{} of {} ({})", degree,
                     interactions_only ? ", products of different columns only" : "", made,
                     made == 1 ? "" : "s", columns,
                     transform_detail::shortened(names.size(), [&](std::size_t i) { return names[i]; }));
}

}  // namespace

const ParamList& PolynomialParams::list() {
  static const ParamList l{
      param<&PolynomialParams::degree>("degree", "most factors of a product", between(1, 100)),
      param<&PolynomialParams::interactions_only>(
          "interactions_only", "products of different columns only, no powers", {}, {"interaction_only"}),
      param<&PolynomialParams::columns>(
          "columns", "one column to act on; may be repeated; default: every number column"),
  };
  return l;
}

std::unique_ptr<FittedTransform> Polynomial::fit(const Dataset& data, const TransformContext&) const {
  const Table features = data.features();
  auto fitted = std::make_unique<FittedPolynomial>();
  fitted->names =
      transform_detail::choose(features, params_.columns, {ColumnKind::number, ColumnKind::integer}, kName);
  fitted->degree = params_.degree;
  fitted->interactions_only = params_.interactions_only;
  const auto columns = static_cast<std::int64_t>(fitted->names.size());
  check_size(terms_of(columns, params_.degree, params_.interactions_only), columns, data.num_rows(),
             params_.degree);
  return fitted;
}

TransformEntry polynomial_entry() {
  return transform_entry<Polynomial>(
      "powers and products of numbers",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPolynomial>(); },
      {.units = true});
}

}  // namespace cairn
