// Row T1: a CSV file to typed columns in memory, every row checked.
#include "bench/serve.h"
#include "cairn/data/csv.h"

int main(int argc, char** argv) {
  using namespace cairn;
  return bench::run(argc, argv, 1, "FILE", [&] {
    ReadOptions options;
    options.sha256 = false;  // peers do not name the bytes they read
    return bench::serve([&] { return read_csv(argv[1], options); },
                        [](const ReadResult& read) {
                          std::vector<double> sums;
                          for (const Column& column : read.table.columns()) {
                            double sum = 0;
                            const Tensor numbers = column.numbers();
                            for (const double v : numbers.data<double>()) sum += v;
                            sums.push_back(sum);
                          }
                          return nlohmann::ordered_json{{"rows", read.table.num_rows()},
                                                        {"columns", read.table.num_columns()},
                                                        {"sums", sums}};
                        });
  });
}
