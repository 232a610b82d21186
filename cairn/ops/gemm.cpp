#include "cairn/ops/gemm.h"

#include "cairn/ops/blas_internal.h"
#include "cairn/ops/linalg_internal.h"

namespace cairn {

void gemm(const GemmSide& a, const GemmSide& b, std::int64_t m, std::int64_t n, std::int64_t k, float beta,
          float* c, std::int64_t leading) {
  using linalg::narrow;
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
              b.transposed ? CblasTrans : CblasNoTrans, narrow(m), narrow(n), narrow(k), 1, a.data,
              narrow(a.leading), b.data, narrow(b.leading), beta, c, narrow(leading));
}

}  // namespace cairn
