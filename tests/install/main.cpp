// Trains on the CSV that it is given, judges, saves, loads and predicts: what a person does with an installed
// Cairn.
#include <cairn/builtin/registry.h>
#include <cairn/data/csv.h>
#include <cairn/data/split.h>
#include <cairn/linear/logistic_regression.h>
#include <cairn/model/evaluate.h>
#include <cairn/report/report.h>

#include <iostream>

int main(int argc, char** argv) try {
  using namespace cairn;
  if (argc != 2) return 2;
  const Dataset data(read_csv(argv[1]).table, {.roles = {.target = "species"}});
  const Split parts = split(data, {.test = 0.2, .seed = 1});
  const Dataset train = data.select(parts.train), test = data.select(parts.test);
  const auto model = prepare(LogisticRegression({.C = 1.0}), train)->fit(train);
  const double accuracy = evaluate(*model, test, {"accuracy"}).value("accuracy");
  if (result_schema().empty()) return 1;  // embedded in the library by the assembler
  save(*model, "penguins.cairn");
  const auto loaded = load("penguins.cairn");
  const std::string first = loaded->predict(test.table()).column("prediction").cell(0);
  std::cout << "accuracy " << accuracy << ", first prediction " << first << "\n";
  return accuracy > 0.95 && first == model->predict(test.table()).column("prediction").cell(0) ? 0 : 1;
} catch (const cairn::Error& error) {
  std::cerr << error.what() << "\n";
  return error.exit_code();
}
