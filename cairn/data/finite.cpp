#include "cairn/data/finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"

namespace cairn {
namespace {

template <class T>
bool every_finite(std::span<const T> values) {
  struct Verdict {
    bool fine = true;
  };
  return parallel_reduce<Verdict>(
             std::ssize(values), 1 << 16,
             [&](std::int64_t begin, std::int64_t end) {
               const auto part =
                   values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
               return Verdict{std::all_of(part.begin(), part.end(), [](T x) { return std::isfinite(x); })};
             },
             [](Verdict& into, Verdict other) { into.fine = into.fine && other.fine; })
      .fine;
}

bool all_finite(const Tensor& values) {
  return values.dtype() == DType::f32 ? every_finite(values.data<float>())
                                      : every_finite(values.data<double>());
}

}  // namespace

void check_finite(const Matrix& x, const std::vector<std::string>& names, std::string_view who,
                  std::string_view remedy) {
  const bool fine = x.is_sparse() ? all_finite(x.values())
                    : x.layout() == Matrix::Layout::columns
                        ? std::ranges::all_of(x.column_tensors(), all_finite)
                        : all_finite(x.dense());
  if (fine) return;
  std::vector<double> row(static_cast<std::size_t>(x.columns()));
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    x.tile(r, r + 1, row.data());
    for (std::size_t c = 0; c < row.size(); ++c)
      if (!std::isfinite(row[c]))
        throw DataError(fmt::format("column '{}', row {}", names[c], r + 1),
                        std::isnan(row[c]) ? fmt::format("is missing; {} takes no missing values", who)
                                           : fmt::format("is {}; {} takes finite numbers", row[c], who),
                        std::isnan(row[c]) ? std::string(remedy) : "Correct or drop the row.");
  }
}

}  // namespace cairn
