// Rows R: a file of another format than CSV to columns in memory: FORMAT FILE.
#include <string_view>

#include "bench/serve.h"
#include "cairn/readers/libsvm.h"
#include "cairn/readers/npy.h"

namespace {

using namespace cairn;

// The sum of all numbers of a column, and how many are stated.
void add(const Tensor& values, double& sum, std::int64_t& stated) {
  const Tensor numbers = values.to(DType::f64).contiguous();
  for (const double v : numbers.data<double>()) sum += v;
  stated += numbers.size();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run(argc, argv, 2, "libsvm|npy FILE", [&] {
    ReadOptions options;
    options.sha256 = false;  // peers do not name the bytes they read
    const bool sparse = std::string_view(argv[1]) == "libsvm";
    return bench::serve(
        [&] { return sparse ? read_libsvm(argv[2], options) : read_npy(argv[2], options); },
        [&](const ReadResult& read) {
          double sum = 0;
          std::int64_t stated = 0;
          for (const Column& column : read.table.columns())
            add(column.kind() == ColumnKind::tensor ? column.matrix().values() : column.numbers(), sum,
                stated);
          return nlohmann::ordered_json{{"rows", read.table.num_rows()}, {"stated", stated}, {"sum", sum}};
        });
  });
}
