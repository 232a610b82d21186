#include "cairn/ops/matmul_operands.h"

#include <algorithm>

#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

MatmulSide side_of(const Tensor& t) {
  const int r = t.ndim() - 2, c = t.ndim() - 1;
  const std::int64_t rows = t.size(r), columns = t.size(c);
  const auto fits = [](std::int64_t leading, std::int64_t width) {
    return leading >= std::max<std::int64_t>(1, width);
  };
  if ((t.stride(c) == 1 || columns == 1) && (fits(t.stride(r), columns) || rows == 1))
    return {t, false, rows == 1 ? std::max<std::int64_t>(1, columns) : t.stride(r)};
  if ((t.stride(r) == 1 || rows == 1) && (fits(t.stride(c), rows) || columns == 1))
    return {t, true, columns == 1 ? std::max<std::int64_t>(1, rows) : t.stride(c)};
  return {dense(t), false, std::max<std::int64_t>(1, columns)};
}

}  // namespace

std::int64_t MatmulSide::offset(const Shape& result, std::int64_t index) const {
  std::int64_t numbers = 0;
  for (int i = result.ndim() - 3; i >= 0; --i) {
    const int at = i - (result.ndim() - tensor.ndim());
    if (at >= 0 && tensor.size(at) != 1) numbers += index % result[i] * tensor.stride(at);
    index /= result[i];
  }
  return numbers;
}

MatmulOperands::MatmulOperands(const KernelArgs& args)
    : result(args.out[0].shape()),
      m(result[result.ndim() - 2]),
      n(result[result.ndim() - 1]),
      k(args.in[0].size(args.in[0].ndim() - 1)),
      products(m * n > 0 ? args.out[0].size() / (m * n) : 0),
      a(side_of(args.in[0])),
      b(side_of(args.in[1])) {}

}  // namespace cairn
