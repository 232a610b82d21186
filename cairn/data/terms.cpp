#include "cairn/data/terms_internal.h"

#include <utility>

namespace cairn::transform_detail {

Matrix joined(const std::vector<SparseRows>& parts, std::int64_t columns) {
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  std::vector<double> values;
  for (const SparseRows& part : parts) {
    for (const std::int64_t length : part.lengths) starts.push_back(starts.back() + length);
    where.insert(where.end(), part.where.begin(), part.where.end());
    values.insert(values.end(), part.values.begin(), part.values.end());
  }
  return Matrix::from_csr(columns, Tensor::take(std::move(starts)), Tensor::take(std::move(where)),
                          Tensor::take(std::move(values)));
}

}  // namespace cairn::transform_detail
