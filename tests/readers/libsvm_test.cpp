#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/readers/libsvm.h"
#include "cairn/tree/exchange/imported_model.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::shared_data;
using cairn::testing::TemporaryFolder;

namespace {

ReadResult read_text(std::string_view text, std::map<std::string, std::string> arguments = {}) {
  const TemporaryFolder folder;
  folder.write("a.libsvm", text);
  ReadOptions options;
  options.arguments = std::move(arguments);
  return read_libsvm(folder.file("a.libsvm"), options);
}

// The message without the folder.
std::string refusal(std::string_view text, std::map<std::string, std::string> arguments = {}) {
  const std::string said = error_text([&] { read_text(text, std::move(arguments)); });
  const auto name = said.find("a.libsvm");
  return name == std::string::npos ? said : said.substr(name);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("libsvm: labels, queries, comments, features under the file's own numbers") {
  const ReadResult read = read_text(
      "# a file\n"
      "1 qid:7 3:0.5 10:-2e1 # said of this row\r\n"
      "\n"
      "-1 qid:7\n"
      "+1 qid:8 500000000:1 \n");
  CHECK(read.table.names() == Names{"label", "qid", "features"});
  CHECK(read.target == "label");
  CHECK(read.group == "qid");
  CHECK(read.table.column("label").kind() == ColumnKind::integer);
  CHECK(read.table.column("label").number_at(1) == -1);
  CHECK(read.table.column("qid").number_at(2) == 8);
  const Column& features = read.table.column("features");
  CHECK(features.feature_names() == Names{"f3", "f10", "f500000000"});
  CHECK(features.matrix().is_sparse());
  CHECK(features.cell(0) == "[0.5 -20 0]");
  CHECK(features.cell(1) == "[0 0 0]");
  CHECK(features.cell(2) == "[0 0 1]");
  CHECK(read.guesses == Names{"layout: sparse (3 features, 33.3 % of their values are stated)"});
  CHECK(kLibsvmReader.sniff("1 3:0.5\n0 1:2\n"));
  CHECK(kLibsvmReader.sniff("# x\n0.5 qid:1 3:0.5\n"));
  for (const char* other : {"a,b\n1,2\n", "1 2 3\n", "12:30 1:2\n", "", "x 1:2\n", "1\n2\n"})
    CHECK(!kLibsvmReader.sniff(other));
}

TEST_CASE("libsvm: few zeros become columns; base and layout are steered") {
  const ReadResult dense = read_text("2.5 1:5.8 2:2.8\n0 1:6\n");
  CHECK(dense.table.names() == Names{"label", "f1", "f2"});
  CHECK(dense.table.column("label").kind() == ColumnKind::number);
  CHECK(dense.table.column("f2").number_at(0) == 2.8);
  CHECK(dense.table.column("f2").number_at(1) == 0);
  CHECK(read_text("2 1:5.8 2:2.8\n", {{"base", "1"}}).table.names() == Names{"label", "f0", "f1"});
  CHECK(read_text("2 1:5.8 2:2.8\n", {{"layout", "sparse"}}).table.names() == Names{"label", "features"});
  CHECK(read_text("2 1:5.8\n3 2:2.8\n1 9:1\n", {{"layout", "columns"}}).table.names() ==
        Names{"label", "f1", "f2", "f9"});
  CHECK(refusal("1 1:2\n", {{"base", "2"}}) == "libsvm: base=2 is none of 0, 1");
  CHECK(read_text("1\n2\n").table.names() == Names{"label"});
}

TEST_CASE("libsvm: what is wrong with a line is told with its number") {
  CHECK(refusal("") == "a.libsvm: is empty; a label and index:value pairs a line were expected");
  CHECK(refusal("# nothing\n\n") == "a.libsvm: has no rows");
  CHECK(refusal("1 1:2\nyes 1:2\n") ==
        "a.libsvm, line 2: its label 'yes' is not a finite number. A line is a label and index:value pairs "
        "with blanks between them.");
  CHECK(refusal("1,3 1:2\n") ==
        "a.libsvm, line 1: its label '1,3' is not a finite number. Rows of several labels are not read; keep "
        "one of them.");
  CHECK(refusal("inf 1:2\n").starts_with("a.libsvm, line 1: its label 'inf' is not a finite number."));
  CHECK(refusal("1 1:2 7\n") ==
        "a.libsvm, line 1: '7' is no index:value pair. An index is a whole number below 2147483648.");
  CHECK(
      refusal("1 99999999999:2\n").starts_with("a.libsvm, line 1: '99999999999:2' is no index:value pair."));
  CHECK(refusal("1 -1:2\n") == "a.libsvm, line 1: feature -1 comes before the first, 0");
  CHECK(refusal("1 0:2\n", {{"base", "1"}}) ==
        "a.libsvm, line 1: feature 0 comes before the first, 1. base=0 counts them from 0.");
  CHECK(refusal("1 3:2 3:4\n") ==
        "a.libsvm, line 1: feature 3 stands after feature 3. The features of a row stand in ascending order, "
        "each once.");
  CHECK(refusal("1 3:nan\n") ==
        "a.libsvm, line 1: the value 'nan' of feature 3 is not a finite number. A feature that is left out "
        "is 0.");
  CHECK(refusal("1 3:\n").starts_with("a.libsvm, line 1: the value '' of feature 3"));
  CHECK(refusal("1 qid:x 3:1\n").starts_with("a.libsvm, line 1: 'qid:x' is not the one whole number"));
  CHECK(
      refusal("1 qid:1 3:1\n1 3:1\n") ==
      "a.libsvm, line 2: some rows have a qid and this one differs from the first. State one for every row, "
      "or for none.");
  std::string long_file;  // the faulty line stands in a later piece
  for (int i = 0; i < 200'000; ++i) long_file += "1 1:2 3:4\n";
  CHECK(refusal(long_file + "1 1:x\n").starts_with("a.libsvm, line 200001: the value 'x' of feature 1"));
  CHECK(refusal("1 1:1\n2 2:1\n3 9:1\n", {{"layout", "columns"}}).empty());
}

TEST_CASE("libsvm: any bytes give a table or an error") {
  const std::string whole = "1 qid:3 1:0.5 7:2\n-1 qid:4 2:1e3 # x\n0 qid:5 8:1\n";
  Random random(1, "libsvm");
  for (int i = 0; i < 2000; ++i) {
    std::string broken = whole;
    for (int k = 0; k <= i % 4; ++k)
      broken[random.below(broken.size())] = static_cast<char>(random.below(256));
    refusal(broken);  // other exceptions fail the test
  }
}

TEST_CASE("libsvm: a model asks for its features, whichever the data state") {
  const ReadResult train = read_text("1 1:1\n0 2:1\n1 1:2\n0 5:1\n");
  const Schema schema = Schema::of(train.table.without(Names{"label"}));
  std::vector<Warning> warnings;
  const Table same = schema.conform(read_text("1 5:3\n1 1:4 7:9\n0 9:1\n1 12:1\n").table, &warnings);
  CHECK(same.column("features").cell(0) == "[0 0 3]");
  CHECK(same.column("features").cell(1) == "[4 0 0]");
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].message ==
        "3 features of the data (such as 'f7') were not among those of training and are left out.");
  CHECK(warnings[1].message ==
        "1 feature of the model (such as 'f2') stands nowhere in the data and is taken for 0.");
  // The same features as columns of numbers, and the other way round.
  const Table columns = read_text("1 1:1 2:2 5:3\n", {{"layout", "columns"}}).table;
  CHECK(schema.conform(columns).column("features").cell(0) == "[1 2 3]");
  const Schema of_columns = Schema::of(columns.without(Names{"label"}));
  CHECK(of_columns.conform(read_text("0 2:7\n0 9:1\n0 11:1\n").table).column("f2").number_at(0) == 7);
  CHECK(error_text([&] { schema.conform(read_text("0 8:1\n0 9:1\n0 10:1\n").table); }) ==
        "column 'features': holds none of the 3 features the model was trained on (such as 'f1')");
}

TEST_CASE("libsvm: a row of a model's data is read in the model's form, however few there are") {
  const TemporaryFolder folder;
  folder.write("one.libsvm", "1 2:7\n");
  const auto read_for = [&](const Schema& schema) {
    ReadOptions options;
    options.schema = &schema;
    return read_libsvm(folder.file("one.libsvm"), options).table;
  };
  const Table sparse = read_text("1 1:1\n0 2:1\n1 1:2\n0 5:1\n").table;
  const Table same = read_for(Schema::of(sparse));
  CHECK(same.names() == Names{"label", "features"});
  CHECK(Schema::of(sparse).conform(same).column("features").cell(0) == "[0 7 0]");
  const Table columns = read_text("1 1:1 2:2 5:3\n").table;
  const Table spread = read_for(Schema::of(columns));
  CHECK(spread.names() == Names{"label", "f1", "f2", "f5"});
  CHECK(spread.column("f2").number_at(0) == 7);
  CHECK(spread.column("f5").number_at(0) == 0);
  ReadOptions little;
  little.max_memory = 50;
  CHECK(error_text([&] { read_libsvm(folder.file("one.libsvm"), little); }) ==
        folder.file("one.libsvm") + ": about 0 MB are needed to read it; --max-memory allows 0 MB");
}

TEST_CASE("libsvm: LightGBM's forest of iris predicts what it recorded") {
  const auto model = shared_data("gbdt_models/lg_rf_iris.model");
  const auto rows = shared_data("gbdt_models/iris_test.libsvm");
  const auto recorded = shared_data("gbdt_models/lg_rf_iris_true_predictions.txt");
  if (!model || !rows || !recorded) return;
  const Table said = import_model(*model)->predict(read_libsvm(*rows).table);
  std::ifstream numbers(*recorded);
  std::vector<double> raw;
  for (double v = 0; numbers >> v;) raw.push_back(v);
  REQUIRE(raw.size() == static_cast<std::size_t>(said.num_rows()));
  double worst = 0;  // log-odds there, their probability here
  for (std::int64_t r = 0; r < said.num_rows(); ++r)
    worst = std::max(worst, std::abs(said.column("p_1").number_at(r) -
                                     1 / (1 + std::exp(-raw[static_cast<std::size_t>(r)]))));
  CHECK(worst < 1e-6);
}
