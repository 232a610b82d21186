// What every transform of the table must do.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cairn/base/parallel.h"
#include "cairn/data/group_rare.h"
#include "cairn/data/polynomial.h"
#include "cairn/data/scale.h"
#include "cairn/data/tf_idf.h"
#include "tests/data/every_kind.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("contract: every transform saves and loads itself whole") {
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    const auto transform = example(entry);
    CHECK(transform->name() == entry.name);
    const auto fitted = fit(*transform->clone(), every_kind());
    CHECK(fitted->kind() == entry.name);
    const auto blank = entry.blank();
    test::copy_by_visit(*fitted, *blank);
    CHECK(blank->describe() == fitted->describe());
    CHECK(fitted->describe().size() > 10);
    CHECK(all_cells(blank->apply(every_kind())) == all_cells(fitted->apply(every_kind())));
    if (!is_one_of(entry, {"interactions"}))  // finds none in six rows
      CHECK(all_cells(fitted->apply(every_kind())) != all_cells(every_kind()));
  }
}

TEST_CASE("contract: every transform names all columns that are missing or of another kind") {
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    const auto fitted = fit(*example(entry), every_kind());
    CHECK_THROWS_WITH_AS(fitted->apply(Table({number("other", {1})})), doctest::Contains("is missing"),
                         DataError);
    Table twisted = every_kind();
    for (const std::string& name : twisted.names())
      twisted = twisted.with(twisted.column(name).kind() == ColumnKind::text
                                 ? number(name, Numbers(6, 1))
                                 : Column::text(name, Names(6, "word")));
    CHECK_THROWS_WITH_AS(fitted->apply(twisted), doctest::Contains("expected"), DataError);
  }
}

TEST_CASE("contract: every transform bears zero rows, one row, new levels, and columns in another order") {
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    const auto fitted = fit(*example(entry), every_kind());
    const Table none = fitted->apply(every_kind().slice(0, 0));
    CHECK(none.num_rows() == 0);
    CHECK(none.names() == fitted->apply(every_kind()).names());
    if (!is_one_of(entry, {"lags"}))  // a row's past is in other rows
      CHECK(all_cells(fitted->apply(every_kind().slice(2, 3))) ==
            all_cells(fitted->apply(every_kind()).slice(2, 3)));
    const Table strange = every_kind().with(Column::category_of("city", Cells(6, "Oslo")));
    CHECK(fitted->apply(strange).num_rows() == 6);
    Names backwards = every_kind().names();
    std::ranges::reverse(backwards);
    Table sorted = fitted->apply(every_kind().only(backwards));
    CHECK(all_cells(sorted.only(none.names())) == all_cells(fitted->apply(every_kind())));
  }
}

TEST_CASE("contract: every transform is fitted on one row, on no row, and on columns without any value") {
  const Table gaps({number("x", {kGap, kGap}), Column::category_of("c", Cells{std::nullopt, std::nullopt}),
                    Column::text("t", Names{"", ""})});
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    CHECK(apply(*example(entry), every_kind().slice(0, 1)).num_rows() == 1);
    if (is_one_of(entry, {"target_encode", "interactions", "lags"}))
      CHECK_THROWS_AS(apply(*example(entry), every_kind().slice(0, 0)), UsageError);  // needs a target
    else
      CHECK(apply(*example(entry), every_kind().slice(0, 0)).num_rows() == 0);
    if (is_one_of(entry, {"pca"}))
      CHECK_THROWS_WITH_AS(apply(*entry.make(), gaps), doctest::Contains("is missing; pca takes no missing"),
                           DataError);
    else
      CHECK(apply(*entry.make(), gaps).num_rows() == 2);
    CHECK(apply(*entry.make(), Table({number("x", {1, 2})})).num_rows() == 2);
  }
}

TEST_CASE(
    "contract: every parameter refuses values outside its range, and columns refuses what is no column") {
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    for (const Param& p : entry.params())
      for (const ParamValue& bad : values_outside(p)) {
        CAPTURE(p.name);
        CHECK_THROWS_AS(set_param(entry.make()->params(), p.name, to_text(bad)), ParamError);
      }
    const auto transform = entry.make();
    set_param(transform->params(), "columns", "agee");
    CHECK_THROWS_WITH_AS(fit(*transform, every_kind()), doctest::Contains("Did you mean 'age'?"), UsageError);
  }
  CHECK_THROWS_AS(Polynomial({.degree = 0}), ParamError);
  CHECK_THROWS_WITH(fit(TfIdf({.ngram_min = 3, .ngram_max = 2}), every_kind()),
                    doctest::Contains("ngram_min = 3 is above"));
  CHECK_THROWS_WITH(
      fit(StandardScale({.columns = {"city"}}), every_kind()),
      doctest::Contains("'city' is category; standard_scale acts on number or integer columns"));
}

TEST_CASE("contract: columns takes * for any text, and says when nothing fits") {
  CHECK(fit(StandardScale({.columns = {"s*"}}), every_kind())->describe().find("2 columns (same") !=
        std::string::npos);
  CHECK(fit(StandardScale({.columns = {"*e*", "age"}}), every_kind())->describe().find("4 columns (age") !=
        std::string::npos);
  CHECK_THROWS_WITH_AS(fit(StandardScale({.columns = {"cit*"}}), every_kind()),
                       doctest::Contains("no number or integer column fits 'cit*'"), UsageError);
  // A pattern of many stars is read in a moment, too.
  std::string stars;
  for (int i = 0; i < 30; ++i) stars += "a*";
  CHECK_THROWS_AS(StandardScale({.columns = {stars + "b"}})
                      .fit(Dataset(Table({number(std::string(200, 'a'), {1, 2})}), {}), {}),
                  UsageError);
}

TEST_CASE("contract: a row of weight 2 is the row twice, a row of weight 0 is no row") {
  const std::vector<std::int64_t> rows{0, 0, 1, 2, 2, 2, 4, 5, 5};
  const Numbers weights{2, 1, 3, 0, 1, 2};
  for (const TransformEntry& entry : data_transforms()) {
    // One counts texts, as its header says, the other goes from row to row.
    if (is_one_of(entry, {"tf_idf", "lags"})) continue;
    CAPTURE(entry.name);
    // The lambda of greatest likelihood is known to half of the digits.
    const double tolerance = is_one_of(entry, {"box_cox", "yeo_johnson"}) ? 1e-6 : 1e-12;
    const Table weighted = fit(*example(entry), every_kind(), weights)->apply(every_kind());
    const Table repeated = fit(*example(entry), every_kind().select(rows))->apply(every_kind());
    REQUIRE(weighted.names() == repeated.names());
    for (const Column& c : weighted.columns()) {
      CAPTURE(c.name());
      for (std::int64_t r = 0; r < c.size(); ++r) {
        if (c.kind() == ColumnKind::number &&
            !c.is_missing(r))  // sums in another order differ in the last digit
          CHECK(c.number_at(r) == doctest::Approx(repeated.column(c.name()).number_at(r)).epsilon(tolerance));
        else
          CHECK(c.cell(r) == repeated.column(c.name()).cell(r));
      }
    }
  }
}

TEST_CASE("contract: the same bytes with 1, 2 and 7 threads") {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < 50'000; ++i) rows.push_back(i * 7 % 6);
  const Table large = renumbered(every_kind().select(rows));
  const Dataset data = data_of(large);
  const int before = num_threads();
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    std::string first;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      const FittedRows fitted = example(entry)->fit_rows(data, large, {});
      const std::string digest = fitted.table.sha256() + fitted.fitted->apply(large).sha256();
      if (first.empty()) first = digest;
      CHECK(digest == first);
    }
  }
  set_num_threads(before);
}

namespace {

// All that a fitted transform keeps.
std::string state_of(FittedTransform& fitted) {
  test::MemoryVisitor v;
  fitted.visit(v);
  std::string text = fitted.describe() + '\n';
  const auto add = [&](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, Tensor>) {
      text += value.text();
      for (std::int64_t i = 0; i < value.size(); ++i)
        text += ' ' + std::to_string(value.reshape({value.size()}).item({i}));
    } else if constexpr (std::is_same_v<T, Names>) {
      for (const std::string& s : value) text += s + '|';
    } else if constexpr (std::is_same_v<T, std::string>) {
      text += value;
    } else if constexpr (std::is_arithmetic_v<T>) {
      text += to_text(ParamValue(value));
    } else {
      for (const auto& x : value) text += to_text(ParamValue(x)) + ' ';
    }
  };
  for (const auto& [name, value] : v.kept) {
    text += name + ": ";
    std::visit(add, value);
    text += '\n';
  }
  return text;
}

constexpr std::int64_t kRowsAll = 36, kRowsTrain = 24;

// Rows beyond kRowsTrain are held out; `perturbed` makes each of their cells another.
Table with_held_out(bool perturbed) {
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < kRowsAll; ++r) rows.push_back(r * 5 % 6);
  const Table base = renumbered(every_kind().select(rows));
  const auto held_out = [&](std::int64_t r) { return perturbed && r >= kRowsTrain; };
  std::vector<Column> columns;
  for (const Column& c : base.columns()) {
    Numbers numbers;
    Cells cells;
    Names texts;
    Integers whole;
    std::vector<std::uint8_t> bytes;
    for (std::int64_t r = 0; r < c.size(); ++r) {
      const bool other = held_out(r);
      switch (c.kind()) {
        case ColumnKind::number:
          numbers.push_back(c.number_at(r) * (other ? 1000.5 : 1) +
                            (c.name() == "when" ? 0 : 0.01 * static_cast<double>(r)));
          break;
        case ColumnKind::integer:
        case ColumnKind::date:
          whole.push_back(c.is_missing(r) ? 5
                                          : static_cast<std::int64_t>(c.number_at(r)) + (other ? 977 : 0));
          break;
        case ColumnKind::boolean:
          bytes.push_back(static_cast<std::uint8_t>(other || c.number_at(r) == 1));
          break;
        case ColumnKind::category:
          cells.push_back(other ? std::optional("held out " + std::to_string(r)) : c.cell(r));
          break;
        case ColumnKind::text:
          texts.push_back(other ? "words held out" : std::string(c.text_at(r)));
          break;
        default:
          break;
      }
    }
    switch (c.kind()) {
      case ColumnKind::number:
        columns.push_back(number(c.name(), numbers));
        break;
      case ColumnKind::integer:
        columns.push_back(Column::integer(c.name(), Tensor::take(std::move(whole))));
        break;
      case ColumnKind::date:
        columns.push_back(Column::date(c.name(), Tensor::take(std::move(whole))));
        break;
      case ColumnKind::boolean:
        columns.push_back(Column::boolean(c.name(), Tensor::take(std::move(bytes))));
        break;
      case ColumnKind::category:
        columns.push_back(Column::category_of(c.name(), cells));
        break;
      case ColumnKind::text:
        columns.push_back(Column::text(c.name(), texts));
        break;
      default:
        columns.push_back(c);
    }
  }
  return Table(std::move(columns));
}

// What is fitted on the training rows of a table, and what those become for the learner.
std::string fitted_on_training_rows(const Transform& transform, const Table& whole) {
  Integers train;
  for (std::int64_t r = 0; r < kRowsTrain; ++r) train.push_back(r);
  const Dataset data = data_of(whole).select(train);
  const FittedRows fitted = transform.fit_rows(data, whole.select(train), {});
  return state_of(*fitted.fitted) + all_cells(fitted.table) +
         all_cells(fitted.fitted->apply(with_held_out(false).select(train)));
}

// Fitted on rows it must not see: it counts the levels of the whole table.
class Leaky : public TransformWith<Leaky, ScaleParams> {
 public:
  static constexpr const char* kName = "leaky";
  using TransformWith::TransformWith;
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext&) const override {
    const auto levels = static_cast<std::int64_t>(data.table().column("city").levels().size());
    return GroupRare({.min_count = levels}).fit(data, {});
  }
};

}  // namespace

TEST_CASE("contract: what is fitted on training rows does not change with the rows that are held out") {
  const Table plain = with_held_out(false), perturbed = with_held_out(true);
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    CHECK(fitted_on_training_rows(*example(entry), plain) ==
          fitted_on_training_rows(*example(entry), perturbed));
  }
  // The check would see it.
  CHECK(fitted_on_training_rows(Leaky(ScaleParams{}), plain) !=
        fitted_on_training_rows(Leaky(ScaleParams{}), perturbed));
}

TEST_CASE("contract: what can be turned back gives the columns as they were") {
  std::set<std::string> turned;
  for (const TransformEntry& entry : data_transforms()) {
    CAPTURE(entry.name);
    const auto fitted = fit(*example(entry), every_kind());
    const Table made = fitted->apply(every_kind());
    if (!fitted->inverts()) {
      CHECK_THROWS_AS(fitted->invert(made), NotSupported);
      continue;
    }
    turned.insert(entry.name);
    const Table back = fitted->invert(made);
    REQUIRE(back.num_columns() == every_kind().num_columns());
    for (const Column& c : every_kind().columns()) {
      CAPTURE(c.name());
      const Column& got = back.column(c.name());
      for (std::int64_t r = 0; r < c.size(); ++r) {
        if ((c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer) && !c.is_missing(r))
          CHECK(got.number_at(r) == doctest::Approx(c.number_at(r)).epsilon(1e-9));
        else
          CHECK(got.cell(r) == c.cell(r));
      }
    }
  }
  CHECK(turned == std::set<std::string>{"box_cox", "log", "log1p", "min_max_scale", "ordinal", "pca",
                                        "robust_scale", "standard_scale", "yeo_johnson"});
}
