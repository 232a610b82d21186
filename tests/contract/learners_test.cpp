// What every learner of the registry promises, checked on every task it serves. A learner added to the
// registry is in here with no further word; one that is not in the registry fails "no learner is forgotten".
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "tests/contract/examples.h"
#include "tests/support/error_text.h"

using namespace cairn;
using namespace cairn::test;
using cairn::testing::error_text;

namespace {

struct ThreadsAgain {  // the number of threads as it was, at the end of a test
  int before = num_threads();
  ~ThreadsAgain() { set_num_threads(before); }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Dataset with_number(const Dataset& data, const std::string& name, const std::vector<double>& values) {
  return data.with_features(data.features().with(Column::number(name, Tensor::from(values))));
}

// Either an Error that speaks to the person, or a model whose predictions are finite.
void check_finite_or_refused(const Case& c, const Dataset& data, const Table& asked) {
  std::unique_ptr<Model> model;
  const std::string error = error_text([&] { model = c.fit(data); });
  if (!model) {
    CHECK(error.size() > 20);
    return;
  }
  CHECK(all_finite(model->predict(asked)));
}

// The rows of weight 0 get another class, or a value far off.
Dataset with_other_targets(const Dataset& data, const std::vector<double>& weights) {
  Column target = data.target();
  if (data.task() == Task::regression) {
    std::vector<double> y = data.target_values();
    for (std::size_t r = 0; r < y.size(); ++r)
      if (weights[r] == 0) y[r] = 1e4 - 3 * y[r];
    target = Column::number(target.name(), Tensor::from(y));
  } else {
    std::vector<std::int32_t> codes = data.class_codes();
    for (std::size_t r = 0; r < codes.size(); ++r)
      if (weights[r] == 0) codes[r] = (codes[r] + 1) % static_cast<std::int32_t>(data.classes().size());
    target = Column::category(target.name(), Tensor::from(codes), data.classes());
  }
  return data.with_table(data.table().with(target));
}

}  // namespace

TEST_CASE("learners: no learner is forgotten") {
  std::set<std::string> names, kinds;
  for (const LearnerEntry& e : builtin_registry().learners) {
    CAPTURE(e.name);
    CHECK(names.insert(e.name).second);
    kinds.insert(e.model_kind);
    CHECK((e.regression || e.binary || e.multiclass));
    CHECK(e.regression == (std::string(e.example_regression) != ""));
    CHECK((e.binary || e.multiclass) == (std::string(e.example_classification) != ""));
    CHECK((!e.regression || has_example(e.example_regression)));
    CHECK((!(e.binary || e.multiclass) || has_example(e.example_classification)));
    CHECK(e.make()->name() == e.name);
    CHECK(e.blank()->kind() == e.model_kind);
    CHECK(std::ranges::any_of(cases(), [&](const Case& c) { return c.entry == &e; }));
  }
  // Every learner class of the sources stands in the registry.
  const std::regex declaration(R"(class (\w+) : public LearnerWith<[^{]*\{[^}]*?kName = "(\w+)\")");
  int found = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(CAIRN_SOURCE_DIR "/cairn")) {
    if (file.path().extension() != ".h") continue;
    std::ifstream stream(file.path());
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it, ++found) {
      CAPTURE((*it)[1].str());
      CHECK_MESSAGE(names.contains((*it)[2].str()), (*it)[2].str(), " is not in the registry");
    }
  }
  CHECK(found >= 3);
}

TEST_CASE("learners: every entry and parameter says what it is") {
  for (const LearnerEntry& e : builtin_registry().learners) {
    CAPTURE(e.name);
    const std::string doc = e.doc;
    CHECK(doc.size() > 20);
    CHECK(doc.back() == '.');
    std::set<std::string> names;
    for (const Param& p : e.params()) {
      CAPTURE(p.name);
      CHECK(p.doc.size() > 5);
      CHECK(names.insert(p.name).second);
      CHECK(!p.allowed().empty());
    }
    const std::string flexible = e.flexibility;
    CHECK((flexible.empty() || names.contains(flexible)));
  }
}

TEST_CASE("learners: the declared score is reached on rows held out") {
  for (const Case& c : cases()) {
    INFO("score: " << c.text());
    const double reached = score(*c.fit(), c.test);
    CAPTURE(reached);
    CHECK(reached >= c.required);
  }
}

TEST_CASE("learners: the same seed gives the same bytes for any number of threads") {
  const ThreadsAgain again;
  for (const Case& c : cases()) {
    INFO("same seed, same bytes: " << c.text());
    set_num_threads(1);
    const auto model = c.fit();
    const std::string bytes = to_bytes(*model);
    const auto predicted = prediction_numbers(model->predict(c.test.features()));
    for (const int threads : {2, 7}) {
      set_num_threads(threads);
      const auto other = c.fit();
      CHECK(to_bytes(*other) == bytes);
      CHECK(prediction_numbers(other->predict(c.test.features())) == predicted);
    }
  }
}

TEST_CASE("learners: a weight of 2 is the row twice, a weight of 0 is no row") {
  constexpr double kTolerance = 1e-3;  // of the target's range, or of a probability: what iterations leave
  for (const Case& c : cases()) {
    if (!c.entry->accepts.weights) continue;
    std::vector<double> weights(static_cast<std::size_t>(c.train.num_rows()), 1.0);
    std::vector<std::int64_t> rows;
    for (std::int64_t r = 0; r < c.train.num_rows(); ++r) {
      const double w = r % 3 == 0 ? 2 : r % 7 == 0 ? 0 : 1;
      weights[static_cast<std::size_t>(r)] = w;
      for (int i = 0; i < w; ++i) rows.push_back(r);
    }
    INFO("weights: " << c.text());
    const Table asked = c.test.features();
    const auto model = c.fit(c.train.with_weights(weights));
    const Table weighted = model->predict(asked);
    const auto scrambled = c.fit(with_other_targets(c.train, weights).with_weights(weights));
    CHECK(prediction_difference(weighted, scrambled->predict(asked), target_scale(c.train)) < 1e-9);
    if (c.entry->stochastic) {
      CHECK(score(*model, c.test) >= c.required - 0.05);
      continue;
    }
    const Table repeated = c.fit(c.train.select(rows))->predict(asked);
    CHECK(prediction_difference(weighted, repeated, target_scale(c.train)) < kTolerance);
  }
}

TEST_CASE("learners: weights are refused by those that take none") {
  for (const Case& c : cases()) {
    if (c.entry->accepts.weights) continue;
    INFO("weights refused: " << c.text());
    std::vector<double> weights(static_cast<std::size_t>(c.train.num_rows()), 1.0);
    weights[3] = 2;
    const std::string error = error_text([&] { c.fit(c.train.with_weights(weights)); });
    CHECK(contains(error, c.entry->name));
    CHECK(contains(error, "weight"));
  }
}

TEST_CASE("learners: one row, few rows, one feature, a constant column, a class without rows") {
  for (const Case& c : cases()) {
    INFO("small data: " << c.text());
    const Table asked = c.test.features();
    check_finite_or_refused(c, c.train.select(std::vector<std::int64_t>{0}), asked);
    check_finite_or_refused(c, c.train.select(std::vector<std::int64_t>{0, 1, 2, c.train.num_rows() - 1}),
                            asked);

    const auto names = c.train.features().names();
    const Dataset one = c.train.with_features(
        c.train.features().only(std::vector{names[std::min<std::size_t>(2, names.size() - 1)]}));
    CHECK(all_finite(c.fit(one)->predict(asked)));

    const auto level = [&](const Dataset& d) {
      return with_number(d, "level", std::vector<double>(static_cast<std::size_t>(d.num_rows()), 3.5));
    };
    if (c.entry->accepts.tables) {
      const auto model = c.fit(level(c.train));
      CHECK(all_finite(model->predict(level(c.test).features())));
      CHECK(score(*model, level(c.test)) >= c.required - 0.02);
    }

    if (c.task == Task::regression) continue;
    std::vector<std::int64_t> without_last;
    const auto codes = c.train.class_codes();
    for (std::size_t r = 0; r < codes.size(); ++r)
      if (codes[r] != static_cast<std::int32_t>(c.train.classes().size()) - 1)
        without_last.push_back(static_cast<std::int64_t>(r));
    check_finite_or_refused(c, c.train.select(without_last), asked);
  }
}

TEST_CASE("learners: huge and tiny values give numbers or an error, never NaN") {
  for (const Case& c : cases()) {
    for (const double factor : {1e150, 1e-300}) {
      INFO("values times " << factor << ": " << c.text());
      Table scaled;
      const auto stretch = [&](const Table& t) {
        Table out = t;
        for (const Column& column : t.columns()) {
          if (column.kind() != ColumnKind::number && column.kind() != ColumnKind::integer) continue;
          std::vector<double> v;
          for (std::int64_t r = 0; r < column.size(); ++r) v.push_back(column.number_at(r) * factor);
          out = out.with(Column::number(column.name(), Tensor::from(v)));
        }
        return out;
      };
      const Dataset data = c.train.with_features(stretch(c.train.features()));
      check_finite_or_refused(c, data, stretch(c.test.features()));
    }
  }
}

TEST_CASE("learners: a missing or infinite value given to a learner that takes none") {
  for (const Case& c : cases()) {
    if (c.entry->accepts.missing) continue;
    if (!c.entry->accepts.tables) continue;
    INFO("missing value: " << c.text());
    const Dataset numeric = transformed(c, c.train);
    std::vector<double> gap(static_cast<std::size_t>(numeric.num_rows()), 1.0);
    gap[4] = std::nan("");
    const std::string missing = error_text([&] { c.entry->make()->fit(with_number(numeric, "gap", gap)); });
    for (const char* part : {"'gap'", "row 5", "prepare"}) CHECK_MESSAGE(contains(missing, part), missing);
    gap[4] = INFINITY;
    const std::string infinite = error_text([&] { c.entry->make()->fit(with_number(numeric, "gap", gap)); });
    for (const char* part : {"'gap'", "row 5"}) CHECK_MESSAGE(contains(infinite, part), infinite);

    const auto model = c.entry->make()->fit(numeric);
    gap[4] = std::nan("");
    Table asked = numeric.features();
    const Column& first = asked.column(std::int64_t{0});
    if (first.kind() != ColumnKind::number) continue;
    asked = asked.with(Column::number(first.name(), Tensor::from(gap)));
    CHECK(contains(error_text([&] { model->predict(asked); }), "row 5"));
  }
}

TEST_CASE("learners: text given to a learner that takes none") {
  for (const Case& c : mixed_cases()) {
    if (c.entry->accepts.categories || !c.entry->accepts.tables) continue;
    INFO("categories: " << c.text());
    const std::string error = error_text([&] { c.entry->make()->fit(c.train); });
    CHECK_MESSAGE(contains(error, "prepare"), error);
  }
}

TEST_CASE(
    "learners: those of pictures refuse tables, other columns and a second picture, and say what to do") {
  int learners = 0;
  for (const Case& c : cases()) {
    if (c.entry->accepts.tables) continue;
    ++learners;
    INFO("pictures only: " << c.text());
    CHECK(c.entry->accepts.images);
    const std::vector<double> ones(static_cast<std::size_t>(c.train.num_rows()), 1.0);
    const std::string number = error_text([&] { c.fit(with_number(c.train, "height", ones)); });
    for (const char* part : {"'height'", "number", "--ignore height", c.entry->name})
      CHECK_MESSAGE(contains(number, part), number);
    const Table features = c.train.features();
    const Dataset twice =
        c.train.with_features(features.with(features.column(std::int64_t{0}).renamed("again")));
    CHECK(contains(error_text([&] { c.fit(twice); }), "'again'"));
    const Dataset table = c.train.with_features(Table({Column::number("height", Tensor::from(ones))}));
    CHECK(contains(error_text([&] { c.fit(table); }), "'height'"));
    CHECK(contains(error_text([&] { c.fit(c.train.with_features(Table::with_rows(c.train.num_rows()))); }),
                   "picture"));
  }
  CHECK(learners >= 1);
}

TEST_CASE("learners: those of tables learn from pictures through prepare()") {
  const auto [train, test] = train_and_test(picture_example(Task::binary));
  for (const Case& c : cases()) {
    if (!c.entry->accepts.tables || c.task != Task::binary || c.entry->cost == 0) continue;
    INFO("pixels: " << c.text());
    CHECK(all_finite(c.fit(train)->predict(test.features())));
  }
}

TEST_CASE("learners: a request to stop is heard") {
  for (const Case& c : cases()) {
    INFO("stop: " << c.text());
    const StopSource source;
    source.request();
    CHECK_THROWS_AS(c.entry->make()->fit(transformed(c, c.train), {.stop = source.token()}), Interrupted);
  }
}

TEST_CASE("learners: no rows and weights that are all 0 are refused") {
  for (const Case& c : cases()) {
    INFO("no rows: " << c.text());
    const Dataset numeric = transformed(c, c.train);
    CHECK_THROWS_AS(c.entry->make()->fit(numeric.select({})), DataError);
    const std::vector<double> nothing(static_cast<std::size_t>(numeric.num_rows()), 0.0);
    CHECK_THROWS_AS(c.entry->make()->fit(numeric.with_weights(nothing)), Error);
  }
}

TEST_CASE("learners: values outside a parameter's range and unknown parameters are refused") {
  for (const LearnerEntry& e : builtin_registry().learners) {
    for (const Param& p : e.params()) {
      for (const ParamValue& value : values_outside(p)) {
        INFO("out of range: " << e.name << "." << p.name << " = " << to_text(value));
        const auto learner = e.make();
        const std::string error = error_text([&] { set_param(learner->params(), p.name, to_text(value)); });
        CHECK_MESSAGE(contains(error, p.name), error);
        CHECK_MESSAGE(contains(error, p.allowed()), error);
        CHECK(get_param(learner->params(), p.name) == p.get(e.make()->params().object));
      }
      INFO("did you mean: " << e.name << "." << p.name);
      const auto learner = e.make();
      const std::string error = error_text([&] { set_param(learner->params(), p.name + "x", "1"); });
      CHECK_MESSAGE(contains(error, "Did you mean '" + p.name + "'"), error);
    }
  }
}

TEST_CASE("learners: a clone has the same parameters and gives the same model") {
  for (const Case& c : cases()) {
    INFO("clone: " << c.text());
    const auto pipeline = c.pipeline(c.train);
    CHECK(to_bytes(*pipeline->clone()->fit(c.train, {.seed = 3})) ==
          to_bytes(*pipeline->fit(c.train, {.seed = 3})));
  }
}
