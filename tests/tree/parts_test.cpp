// Boosting on rows that come in parts: the trees of the same rows in memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/model/archive.h"
#include "cairn/tree/gradient_boosting.h"
#include "tests/support/error_text.h"

using namespace cairn;
using cairn::testing::error_text;

namespace {

class Parts final : public DatasetParts {
 public:
  Parts(Dataset all, std::int64_t size, std::optional<Dataset> sample = {}, std::uint64_t most_bytes = 0)
      : all_(std::move(all)), sample_(sample ? *sample : all_), size_(size), most_bytes_(most_bytes) {}
  std::int64_t num_rows() const override { return all_.num_rows(); }
  const Dataset& sample() const override { return sample_; }
  std::uint64_t most_bytes() const override { return most_bytes_; }
  void each(const std::function<void(const Dataset&)>& use) override {
    for (std::int64_t begin = 0; begin < num_rows(); begin += size_) {
      std::vector<std::int64_t> rows(
          static_cast<std::size_t>(std::min<std::int64_t>(size_, num_rows() - begin)));
      std::iota(rows.begin(), rows.end(), begin);
      use(all_.select(rows));
    }
  }

 private:
  Dataset all_, sample_;
  std::int64_t size_;
  std::uint64_t most_bytes_;
};

enum class Target : std::uint8_t { number, two, three };

// A number with gaps, one of few values, categories of 5, 16 and 400 levels of which one has gaps, and `rare`
// columns that are 0 nine times in ten; the rows of some cities come late.
Table mixed_rows(int n, Target target, int rare = 0) {
  Random random(4, "rows");
  std::vector<double> gaps, few, y, weight, events;
  std::vector<std::vector<double>> zeros(static_cast<std::size_t>(rare));
  std::vector<std::optional<std::string>> colour, size, city, label;
  for (int r = 0; r < n; ++r) {
    const double a = random.normal();
    const auto b = static_cast<int>(random.below(5)), c = static_cast<int>(random.below(16)),
               d = static_cast<int>(random.below(400) * random.below(2)),
               e = static_cast<int>(random.below(6));
    gaps.push_back(random.below(7) == 0 ? std::nan("") : a);
    few.push_back(e);
    colour.emplace_back(random.below(9) == 0 ? std::nullopt : std::optional("c" + std::to_string(b)));
    size.emplace_back("s" + std::to_string(c));
    city.emplace_back("t" + std::to_string(d));
    double extra = 0;
    for (auto& column : zeros) {
      column.push_back(random.below(10) == 0 ? random.normal() : 0);
      extra += column.back();
    }
    const double mean = 3 + a * a + (b == 2 ? 2 : 0) + 0.2 * (c % 4) + (d % 7 == 1 ? 1 : 0) + 0.3 * e + extra;
    y.push_back(std::abs(mean + random.normal()) + 0.1);
    label.emplace_back(target == Target::two ? (y.back() > 5 ? "yes" : "no")
                                             : (y.back() > 6   ? "high"
                                                : y.back() > 4 ? "middle"
                                                               : "low"));
    weight.push_back(0.5 + static_cast<double>(random.below(4)));
    events.push_back(static_cast<double>(random.below(2)));
  }
  std::vector<Column> columns{Column::number("gaps", Tensor::take(std::move(gaps))),
                              Column::number("few", Tensor::take(std::move(few))),
                              Column::category_of("colour", colour), Column::category_of("size", size),
                              Column::category_of("city", city)};
  for (std::size_t i = 0; i < zeros.size(); ++i)
    columns.push_back(Column::number("z" + std::to_string(i), Tensor::take(std::move(zeros[i]))));
  columns.push_back(Column::number("w", Tensor::take(std::move(weight))));
  columns.push_back(Column::number("happened", Tensor::take(std::move(events))));
  columns.push_back(target == Target::number ? Column::number("y", Tensor::take(std::move(y)))
                                             : Column::category_of("y", label));
  return Table(std::move(columns));
}

Dataset mixed_data(int n, Target target, bool weighted, int rare = 0, bool censored = false) {
  Roles roles{.target = "y"};
  (weighted ? roles.weight : roles.ignored.emplace_back()) = "w";
  (censored ? roles.event : roles.ignored.emplace_back()) = "happened";
  return Dataset(mixed_rows(n, target, rare), {.roles = std::move(roles)});
}

GradientBoostingParams by_groups(GradientBoostingParams p = {}) {
  p.category_splits = "groups";
  return p;
}

std::unique_ptr<TreeModel> tree_model(std::unique_ptr<Model> model) {
  return std::unique_ptr<TreeModel>(dynamic_cast<TreeModel*>(model.release()));
}

template <class T>
bool equal(std::span<const T> a, std::span<const T> b) {
  return std::ranges::equal(a, b, [](T x, T y) { return x == y || (x != x && y != y); });
}

void check_same_trees(const GradientBoostingParams& params, const Dataset& data, std::int64_t size) {
  const GradientBoosting learner(params);
  Parts parts(data, size);
  const auto whole = tree_model(learner.fit(data, {.seed = 3})),
             parted = tree_model(learner.fit_parts(parts, {.seed = 3}));
  const TreeEnsemble &a = whole->trees(), &b = parted->trees();
  REQUIRE(a.num_nodes() > a.num_trees());
  CHECK(a.options().base == b.options().base);
  CHECK(equal(a.roots(), b.roots()));
  CHECK(equal(a.features(), b.features()));
  CHECK(equal(a.thresholds(), b.thresholds()));
  CHECK(equal(a.missing_left(), b.missing_left()));
  CHECK(equal(a.values(), b.values()));
  CHECK(equal(a.covers(), b.covers()));
  CHECK(whole->loss_history() == parted->loss_history());
  const Table left = whole->predict(data.features()), right = parted->predict(data.features());
  for (const Column& c : left.columns())
    if (c.kind() == ColumnKind::category)
      CHECK(equal(c.codes(), right.column(c.name()).codes()));
    else
      CHECK(equal(c.numbers().data<double>(), right.column(c.name()).numbers().data<double>()));
}

}  // namespace

TEST_CASE("boosting in parts: the trees of the rows in memory, where the sample is all of them") {
  const Dataset plain = mixed_data(1500, Target::number, false),
                weighted = mixed_data(1500, Target::number, true);
  check_same_trees(by_groups(), plain, 7);
  check_same_trees(by_groups(), weighted, 100);
  check_same_trees(by_groups({.trees = 20, .max_bins = 20}), plain, 7);  // levels that are rare
  check_same_trees(by_groups({.trees = 20}), mixed_data(900, Target::number, true, 20),
                   50);  // listed features
  const std::vector<GradientBoostingParams> params{
      {.objective = "absolute", .trees = 15},
      {.objective = "huber", .trees = 15},
      {.objective = "quantile", .trees = 15, .quantiles = {"0.1", "0.5", "0.9"}},
      {.objective = "gamma", .trees = 15, .sampling = "goss"},
      {.objective = "expression", .trees = 15, .expression = "log(cosh(score - y))"},
      {.trees = 15, .growth = "leaf_wise", .max_leaves = 9, .sampling = "minimum_variance"},
      {.trees = 15, .column_share = 0.5, .monotone = {"few+"}, .interactions = {"few,gaps", "colour"}}};
  for (const GradientBoostingParams& p : params) {
    CAPTURE(p.objective);
    check_same_trees(by_groups(p), weighted, 64);
  }
  check_same_trees(by_groups({.objective = "aft", .trees = 15}),
                   mixed_data(1500, Target::number, true, 0, true), 64);
}

TEST_CASE("boosting in parts: classes, balanced ones too") {
  for (const Target target : {Target::two, Target::three})
    for (const bool weighted : {false, true}) {
      CAPTURE(static_cast<int>(target));
      CAPTURE(weighted);
      const Dataset data = mixed_data(1200, target, weighted);
      check_same_trees(by_groups({.trees = 12}), data, 7);
      check_same_trees(
          by_groups({.trees = 12, .max_bins = 30, .outputs = "a_tree_each", .class_weight = "balanced"}),
          data, 100);
    }
}

TEST_CASE("boosting in parts: the number of rounds is chosen on the same rows") {
  GradientBoostingParams quick = by_groups();
  quick.learning_rate = 0.3;
  check_same_trees(quick, mixed_data(12'000, Target::number, true),
                   500);  // of many rows a tenth is set apart
  check_same_trees(quick, mixed_data(11'000, Target::three, false), 500);
  Dataset grouped = mixed_data(2500, Target::number, false);
  grouped = grouped.with_roles({.target = "y", .group = "size", .ignored = {"w", "happened"}});
  check_same_trees(quick, grouped, 33);
}

TEST_CASE(
    "boosting in parts: neither parts nor threads matter, and what the sample lacks is met all the same") {
  Table table = mixed_rows(4000, Target::number);
  const std::int64_t n = table.num_rows();
  // The last tenth is of one level, that stands nowhere else, and lacks what no row before lacks.
  std::vector<std::optional<std::string>> zone;
  std::vector<double> late, y = {table.column("y").values().data<double>().begin(),
                                 table.column("y").values().data<double>().end()};
  for (std::int64_t r = 0; r < n; ++r) {
    const bool last = r >= n * 9 / 10;
    zone.emplace_back(last ? "new" : r % 2 == 0 ? "east" : "west");
    late.push_back(last && r % 2 == 0 ? std::nan("") : static_cast<double>(r % 11));
    if (last) y[static_cast<std::size_t>(r)] = r % 2 == 0 ? 60 : 40;
  }
  table = table.with(Column::category_of("zone", zone))
              .with(Column::number("late", Tensor::take(std::move(late))))
              .with(Column::number("y", Tensor::take(std::move(y))));
  const Dataset all(table, {.roles = {.target = "y", .ignored = {"w", "happened"}}});
  std::vector<std::int64_t> first(800);
  std::iota(first.begin(), first.end(), 0);
  const Dataset sample = all.select(first);
  const GradientBoosting learner(by_groups({.trees = 60, .learning_rate = 0.2}));
  const auto bytes = [&](std::int64_t size) {
    Parts parts(all, size, sample);
    return to_bytes(*learner.fit_parts(parts, {.seed = 1}));
  };
  const std::string seven = bytes(7);
  CHECK(bytes(4000) == seven);
  const int threads = num_threads();
  for (const int some : {1, 3}) {
    set_num_threads(some);
    CHECK(bytes(333) == seven);
  }
  set_num_threads(threads);
  Parts parts(all, 100, sample);
  const auto model = learner.fit_parts(parts, {.seed = 1});
  const Tensor predicted = model->predict(all.features()).column("prediction").numbers();
  double missing = 0, known = 0;
  for (std::int64_t r = n * 9 / 10; r < n; ++r)
    (r % 2 == 0 ? missing : known) +=
        predicted.data<double>()[static_cast<std::size_t>(r)] / (0.05 * static_cast<double>(n));
  CHECK(missing == doctest::Approx(60).epsilon(0.03));
  CHECK(known == doctest::Approx(40).epsilon(0.03));
  CHECK(model->notes()[0] ==
        "4000 rows in parts: bins of numbers are quantiles of 800 of them, those of categories are of all");
}

TEST_CASE("boosting in parts: what cannot be is refused by name") {
  const auto why = [](const GradientBoostingParams& p) { return GradientBoosting(p).why_not_in_parts(); };
  CHECK(why({}).empty());
  CHECK(why({.leaves = "linear"}) ==
        "leaves=linear fits lines to the numbers themselves, of which parts leave the bins only");
  CHECK(why({.dropout = 0.1}) == "dropout asks trees of earlier rounds again, by numbers that are not kept");
  CHECK(why({.patience = 5}) ==
        "patience=5 watches rows whose numbers are not kept; trees=0 chooses the rounds on rows set apart, "
        "and can");
  CHECK(why({.objective = "cox"}) ==
        "objective=cox weighs rows against one another, which are not all of one part");
  CHECK(why({.objective = "lambdarank"}).find("objective=lambdarank weighs") == 0);

  const Dataset data = mixed_data(500, Target::number, false);
  const auto refusal = [&](const GradientBoostingParams& p, const Dataset& rows, std::uint64_t most = 0,
                           const Model* start = nullptr) {
    Parts parts(rows, 50, {}, most);
    return error_text([&] { GradientBoosting(p).fit_parts(parts, {.start_model = start}); });
  };
  CHECK(refusal({.leaves = "linear"}, data).find("gradient_boosting: leaves=linear fits") == 0);
  const std::string city = refusal({}, data);
  CHECK(city.find("gradient_boosting: 'city' has ") == 0);
  CHECK(city.find(
            "levels, which category_splits=auto tells by the target's mean among the rows before, for which "
            "all must be in memory; category_splits=groups does without") != std::string::npos);
  Dataset timed = mixed_data(500, Target::number, false);
  timed = timed.with_roles({.target = "y", .time = "few", .ignored = {"w", "happened"}});
  CHECK(refusal(by_groups(), timed).find("trees=0 chooses the rounds by folds along 'few'") !=
        std::string::npos);
  CHECK(refusal(by_groups({.trees = 3}), timed).empty());
  const auto start = GradientBoosting(by_groups({.trees = 2})).fit(data);
  CHECK(refusal(by_groups({.trees = 2}), data, 0, start.get())
            .find("a model is continued with all rows in memory") != std::string::npos);

  CHECK(refusal(by_groups({.trees = 2}), data, 100'000).empty());
  CHECK(refusal(by_groups({.trees = 2}), data, 50'000).find("would hold about 0 MB: 109 bytes") !=
        std::string::npos);
  class Many final : public DatasetParts {
   public:
    explicit Many(Dataset sample) : sample_(std::move(sample)) {}
    std::int64_t num_rows() const override { return 4'000'000; }
    const Dataset& sample() const override { return sample_; }
    std::uint64_t most_bytes() const override { return 430'000'000; }
    void each(const std::function<void(const Dataset&)>&) override { FAIL("nothing is to be read"); }

   private:
    Dataset sample_;
  } many(data);
  const std::string memory =
      "gradient_boosting would hold about 436 MB: 109 bytes for each of 4000000 rows with 5 features; 430 MB "
      "are left for that, enough for 3 of its features, or 3944954 rows";
  CHECK(GradientBoosting(by_groups()).why_not_these(many) == memory);
  CHECK(error_text([&] { GradientBoosting(by_groups()).fit_parts(many, {}); }) ==
        "gradient_boosting: " + memory);
}

TEST_CASE("boosting in parts: sixteen levels are told by groups until a late row has none of them") {
  Table table = mixed_rows(600, Target::number);
  const auto data_of = [&](const Table& t) {
    return Dataset(t, {.roles = {.target = "y", .ignored = {"w", "happened", "city"}}});
  };
  Parts fine(data_of(table), 50);
  CHECK_NOTHROW(GradientBoosting(GradientBoostingParams{.trees = 2}).fit_parts(fine, {}));
  check_same_trees({.trees = 5}, data_of(table), 50);
  std::vector<std::optional<std::string>> size;
  for (std::int64_t r = 0; r < table.num_rows(); ++r)
    size.emplace_back(r == 599 ? std::nullopt : std::optional(table.column("size").cell(r)));
  const Dataset gap = data_of(table.with(Column::category_of("size", size)));
  std::vector<std::int64_t> first(300);
  std::iota(first.begin(), first.end(), 0);
  Parts late(gap, 50, gap.select(first));
  CHECK(error_text([&] {
          GradientBoosting(GradientBoostingParams{.trees = 2}).fit_parts(late, {});
        }).find("gradient_boosting: 'size' has 16 levels and missing values, which category_splits=auto") ==
        0);
}
