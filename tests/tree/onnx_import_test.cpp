// Trees of scikit-learn, written as ONNX, predict what scikit-learn predicted, and files that lie are
// refused.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "cairn/base/atomic_file.h"
#include "cairn/base/random.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/imported_model.h"
#include "tests/support/error_text.h"
#include "tests/support/golden.h"

using namespace cairn;

namespace {

const std::string kFolder = std::string(CAIRN_SOURCE_DIR) + "/tests/golden/trees/";

// What is wrong with bytes, without the name of the file.
std::string complaint(const std::string& bytes) {
  const std::string text = testing::error_text([&] { parse_other_trees(bytes, "m"); });
  return text.substr(std::min<std::size_t>(text.size(), 3));
}

// The file with a text in place of another of the same length.
std::string changed(const std::string& file, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  std::string bytes = read_file(kFolder + file);
  const auto place = bytes.find(from);
  REQUIRE(place != std::string::npos);
  return bytes.replace(place, from.size(), to);
}

}  // namespace

TEST_CASE("ONNX trees: scikit-learn's trees, forests and boosting predict what they predicted there") {
  const auto pairs = test::read_golden("trees/onnx_pairs.json");
  CHECK(pairs.size() == 12);
  for (const auto& [name, pair] : pairs.items()) {
    CAPTURE(name);
    CHECK(begins_like_other_trees(read_file(kFolder + name).substr(0, 16)));
    const auto model = import_model(kFolder + name);
    std::vector<std::vector<double>> values(pair["rows"][0].size());
    for (const auto& row : pair["rows"])
      for (std::size_t f = 0; f < values.size(); ++f)
        values[f].push_back(row[f].is_null() ? std::nan("") : row[f].get<double>());
    std::vector<Column> columns;
    for (std::size_t f = 0; f < values.size(); ++f)
      columns.push_back(Column::number("f" + std::to_string(f), Tensor::take(std::move(values[f]))));
    const Table said = model->predict(Table(columns));
    const auto expected = test::golden_numbers(pair["predicted"]);
    std::vector<std::string> asked;
    for (const auto& label : pair["classes"]) asked.push_back("p_" + label.get<std::string>());
    if (asked.empty()) asked.push_back("prediction");
    CHECK(model->task() == (pair["classes"].empty() ? Task::regression
                            : asked.size() == 2     ? Task::binary
                                                    : Task::multiclass));
    std::vector<double> got;
    for (std::int64_t r = 0; r < said.num_rows(); ++r)
      for (const std::string& column : asked) got.push_back(said.column(column).number_at(r));
    CHECK(test::largest_difference(got, expected) < 1e-6);
  }
}

TEST_CASE("ONNX trees: what cannot be read is refused with its reason") {
  const std::string forest = "onnx_forest_binary.onnx", numbers = "onnx_tree_numbers.onnx";
  CHECK(complaint(changed(forest, "\"\x16TreeEnsembleClassifier", "\"\x16TreeEnsembleClassifiez"))
            .starts_with("holds the operation TreeEnsembleClassifiez beside its trees; only the trees"));
  CHECK(complaint(changed(numbers, "BRANCH_LEQ", "BRANCH_EQX")) == "tree 0 has a node of mode BRANCH_EQX");
  CHECK(complaint(changed(numbers, "nodes_modes", "nodes_modez")) ==
        "its trees have no nodes (nodes_modes is empty)");
  CHECK(complaint(changed(numbers, "nodes_values", "nodes_valuez"))
            .starts_with("nodes_values holds 0 values; "));
  CHECK(complaint(changed(numbers, "target_ids", "target_idz")).starts_with("target_ids holds 0 values; "));
  CHECK(complaint(changed(forest, "NONE", "NONX"))
            .starts_with("makes NONX of the sum of its 1 outputs, which these trees cannot express"));
  const std::string whole = read_file(kFolder + numbers);
  CHECK(complaint(whole.substr(0, whole.size() / 2)).starts_with("is no whole ONNX file: "));
  CHECK(complaint(changed(numbers, std::string("\x0a\x01X", 3), std::string("\x0a\x01Z", 3))) ==
        "its trees ask 'Z', which is no input of the graph");
  CHECK(complaint(read_file(kFolder + "onnx_extractor_before.onnx")) ==
        "holds the operation ArrayFeatureExtractor before its trees; only the trees themselves can be read");
  CHECK(parse_other_trees(read_file(kFolder + "onnx_cast_before.onnx"), "m").trees.options().f32_inputs);
  CHECK(complaint(std::string("\x08\x0a\x12\x01x", 5)) == "is an ONNX file without a graph");
}

TEST_CASE("ONNX trees: a file that carries rows is asked for what it promises of them") {
  for (const char* name : {"onnx_promised_classes.onnx", "onnx_promised_numbers.onnx"}) {
    CAPTURE(name);
    const std::string whole = read_file(kFolder + name);
    CHECK(complaint(whole).empty());
    // Another leaf: the last digit that the promise holds.
    std::string broken = whole;
    const auto said = broken.find("\"predicted\": [[");
    REQUIRE(said != std::string::npos);
    char& digit = broken[broken.find('.', said) + 1];
    digit = digit == '9' ? '0' : static_cast<char>(digit + 1);
    CHECK(complaint(broken).find("of its cairn_parity gives ") != std::string::npos);
  }
  CHECK(
      complaint(changed("onnx_promised_numbers.onnx", "\"predicted\"", "\"predicked\"")) ==
      "its cairn_parity is not rows and, of each, its raw scores or its prediction. It was changed after it "
      "was written; export the model again.");
}

TEST_CASE("ONNX trees: any byte changed or cut off gives trees or an error, never a crash") {
  for (const char* name : {"onnx_forest_names.onnx", "onnx_hist_binary.onnx", "onnx_forest_f64.onnx",
                           "onnx_promised_numbers.onnx"}) {
    const std::string whole = read_file(kFolder + name);
    Random random(1, name);
    for (int i = 0; i < 300; ++i) {
      std::string broken = whole;
      if (i % 5 == 0)
        broken.resize(3 + random.below(whole.size() - 3));
      else
        for (int k = 0; k < 1 + i % 3; ++k)
          broken[3 + random.below(broken.size() - 3)] = static_cast<char>(random.below(256));
      testing::error_text([&] { parse_other_trees(broken, "m"); });  // other exceptions fail the test
    }
  }
  CHECK(begins_like_other_trees(read_file(kFolder + "onnx_tree_classes.onnx")));
}
