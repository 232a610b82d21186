#include "cairn/data/split_plan.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/data/csv.h"
#include "cairn/data/leak.h"
#include "cairn/data/split.h"
#include "cairn/data/stack.h"
#include "cairn/data/summary.h"
#include "tests/support/shared_data.h"

using namespace cairn;
using Numbers = std::vector<double>;
using Names = std::vector<std::string>;

namespace {

Column number(std::string name, Numbers v) {
  return Column::number(std::move(name), Tensor::take(std::move(v)));
}
Column words(std::string name, const Names& cells) {
  return Column::category_of(std::move(name),
                             std::vector<std::optional<std::string>>(cells.begin(), cells.end()));
}
Column whole(std::string name, std::vector<std::int64_t> v) {
  return Column::integer(std::move(name), Tensor::take(std::move(v)));
}

// n rows of d independent numbers, y their sum and noise; row `copy` is row `of` with `change` done to it.
struct Rows {
  std::vector<Numbers> x;
  Numbers y;
  explicit Rows(std::size_t n, std::size_t d) : x(d, Numbers(n)), y(n) {
    Random random(2, "rows");
    for (std::size_t r = 0; r < n; ++r) {
      for (auto& column : x) y[r] += column[r] = random.normal();
      y[r] += random.normal();
    }
  }
  void copy(std::size_t to, std::size_t from) {
    for (auto& column : x) column[to] = column[from];
    y[to] = y[from];
  }
  Dataset data() const {
    std::vector<Column> columns;
    for (std::size_t c = 0; c < x.size(); ++c) columns.push_back(number(fmt::format("x{}", c), x[c]));
    columns.push_back(number("y", y));
    return Dataset(Table(std::move(columns)), {.roles = {.target = "y"}});
  }
};

bool together(const NearCopies& copies, std::size_t a, std::size_t b) {
  return copies.of_row[a] == copies.of_row[b];
}

Names codes_of(const std::vector<Warning>& warnings) {
  Names codes;
  for (const Warning& w : warnings) codes.push_back(w.code);
  return codes;
}

}  // namespace

TEST_CASE("near copies: independent rows are none; identical ones are one case and not near") {
  Rows rows(500, 6);
  CHECK(find_near_copies(rows.data()).near_rows == 0);
  rows.copy(7, 300);
  const NearCopies found = find_near_copies(rows.data());
  CHECK(found.near_rows == 0);
  CHECK(together(found, 7, 300));
  CHECK(std::set(found.of_row.begin(), found.of_row.end()).size() == 499);
}

TEST_CASE("near copies: rounding and one changed column are seen through, two changed columns are not") {
  Rows rows(3000, 8);
  for (std::size_t i = 0; i < 40; ++i) {
    rows.copy(2000 + i, i);  // rounded to four digits
    for (auto& column : rows.x) column[2000 + i] = std::round(column[2000 + i] * 1e4) / 1e4;
    rows.copy(2100 + i, 100 + i);  // one column measured anew, each column in turn
    rows.x[i % 8][2100 + i] += 1;
    rows.copy(2200 + i, 200 + i);
    rows.x[i % 8][2200 + i] += 1;
    rows.x[(i + 3) % 8][2200 + i] += 1;
    rows.copy(2300 + i, 300 + i);  // the same case with another outcome is no copy
    rows.y[2300 + i] += 1;
    rows.x[0][2300 + i] += 1e-7;
  }
  const NearCopies found = find_near_copies(rows.data());
  for (std::size_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    CHECK(together(found, 2000 + i, i));
    CHECK(together(found, 2100 + i, 100 + i));
    CHECK_FALSE(together(found, 2200 + i, 200 + i));
    CHECK_FALSE(together(found, 2300 + i, 300 + i));
  }
  CHECK(found.near_rows == 160);
  CHECK(found.first == 0);
  CHECK(found.second == 2000);
}

TEST_CASE("near copies: rows of few levels agree by chance and are left alone") {
  Random random(4, "levels");
  std::vector<Column> columns;
  for (int c = 0; c < 6; ++c) {
    Names cells;
    for (int r = 0; r < 400; ++r) cells.push_back(std::string(1, static_cast<char>('a' + random.below(4))));
    columns.push_back(words(fmt::format("c{}", c), cells));
  }
  columns.push_back(words("y", Names(400, "yes")));
  Names y;
  for (int r = 0; r < 400; ++r) y.push_back(r % 2 ? "yes" : "no");
  columns.back() = words("y", y);
  CHECK(find_near_copies(Dataset(Table(columns), {.roles = {.target = "y"}})).near_rows == 0);
}

TEST_CASE("near copies: a table in which everything is near everything has none") {
  std::vector<Column> columns;
  for (int c = 0; c < 11; ++c) {
    Numbers v;
    for (int r = 0; r < 2000; ++r) v.push_back(r * 1e-4);  // each row is a little further than the one before
    v[0] = c % 2 ? -50 : 70;                               // and all of them are near beside this one
    columns.push_back(number(c == 10 ? "y" : fmt::format("x{}", c), v));
  }
  const NearCopies found = find_near_copies(Dataset(Table(columns), {.roles = {.target = "y"}}));
  CHECK(found.everywhere);
  CHECK(found.near_rows == 0);
}

TEST_CASE("text similarity: shingles of five letters, digits alike, case and marks without weight") {
  CHECK(text_similarity("You have WON 1000 pounds! Call 09061701461",
                        "you have won 5000 pounds, call 09066364589") == 1);
  // "abcdef" has abcde and bcdef; "abcdeg" has abcde and bcdeg: one of three.
  CHECK(text_similarity("abcdef", "abcdeg") == doctest::Approx(1.0 / 3));
  CHECK(text_similarity("a quick brown fox", "an entirely different text") < 0.1);
}

TEST_CASE("near copies: form letters with other names and numbers in them stand together") {
  Names texts, labels;
  Random random(5, "texts");
  const auto sentence = [&](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) {
      for (int k = 0; k < 5; ++k) text += static_cast<char>('a' + random.below(26));
      text += ' ';
    }
    return text;
  };
  for (int i = 0; i < 200; ++i) texts.push_back(sentence(15)), labels.push_back(i % 2 ? "a" : "b");
  const std::string letter = sentence(25);
  for (int i = 0; i < 10; ++i)
    texts.push_back(letter + "call 0906" + std::to_string(1000 + i) + " now"), labels.emplace_back("a");
  texts.push_back(letter + "call 09069999 now");  // the same with the other label
  labels.emplace_back("b");
  for (int i = 0; i < 5; ++i) texts.emplace_back("ok then"), labels.emplace_back(i % 2 ? "a" : "b");
  const Dataset data(Table({Column::text("text", texts), words("y", labels)}), {.roles = {.target = "y"}});
  const NearCopies found = find_near_copies(data);
  CHECK(found.near_rows == 10);
  for (std::size_t i = 201; i < 210; ++i) CHECK(together(found, 200, i));
  CHECK_FALSE(together(found, 200, 210));
  const SplitPlan plan = plan_split(data, true);
  CHECK(codes_of(plan.warnings) == Names{"near_duplicates"});
  CHECK(plan.warnings[0].message.find(
            "10 of 216 rows are nearly the same as another, such as 201 and 202 ('") == 0);
}

TEST_CASE("near copies: the same for any number of threads, and a split keeps them on one side") {
  Rows rows(4000, 6);
  for (std::size_t i = 0; i < 300; ++i) {
    rows.copy(3000 + i, i);
    rows.x[i % 6][3000 + i] += 1;
  }
  const int before = num_threads();
  std::vector<NearCopies> found;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    found.push_back(find_near_copies(rows.data()));
  }
  set_num_threads(before);
  CHECK(found[0].near_rows == 600);
  CHECK(found[0].of_row == found[1].of_row);
  CHECK(found[0].of_row == found[2].of_row);
  const Dataset data = rows.data().with_copies(found[0].of_row, true);
  const Split s = split(data, {.test = 0.25, .seed = 1});
  CHECK(s.how.find("identical and nearly identical rows kept together (300 groups of 600 rows)") !=
        std::string::npos);
  std::vector<bool> is_test(4000, false);
  for (const auto r : s.test) is_test[static_cast<std::size_t>(r)] = true;
  for (std::size_t i = 0; i < 300; ++i) CHECK(is_test[i] == is_test[3000 + i]);
  CHECK(keeps_rows_together(data, 5));
  for (const Split& fold : k_fold(data.select(s.train), 5, 1))
    CHECK(fold.how.find("nearly identical rows kept together") != std::string::npos);
}

TEST_CASE("time order: a date, a grown number with alike neighbours; not a counter, not a sorted target") {
  const std::size_t n = 200;
  Random random(6, "time");
  Numbers walk(n), noise(n), sorted(n);
  std::vector<std::int64_t> counter(n), seconds(n), shuffled(n);
  for (std::size_t r = 0; r < n; ++r) {
    walk[r] = (r ? walk[r - 1] : 0) + random.normal();
    noise[r] = random.normal();
    counter[r] = static_cast<std::int64_t>(r + 1);
    seconds[r] = static_cast<std::int64_t>(r) * 86400;
  }
  sorted = noise;
  std::ranges::sort(sorted);
  const auto order = Random(1, "order").permutation(static_cast<std::int64_t>(n));
  for (std::size_t r = 0; r < n; ++r) shuffled[r] = order[r] * 86400;
  const auto found = [&](Column time, const Numbers& y) {
    return find_time_order(
        Dataset(Table({number("x", noise), std::move(time), number("y", y)}), {.roles = {.target = "y"}}));
  };
  const auto counted = found(whole("no", counter), walk);
  REQUIRE(counted);
  CHECK(counted->column == "no");
  CHECK_FALSE(counted->is_date);
  CHECK(counted->alike > 0.8);
  CHECK(counted->p < 1e-10);
  CHECK_FALSE(found(whole("no", counter), noise));
  std::vector<std::int64_t> gaps = counter;  // a tenth of the rows was left out
  for (std::size_t r = 0; r < n; ++r) gaps[r] += static_cast<std::int64_t>(r / 10);
  CHECK(found(whole("no", gaps), walk));
  CHECK_FALSE(found(whole("no", counter), sorted));
  const auto dated = found(Column::date("day", Tensor::from(seconds)), noise);
  REQUIRE(dated);
  CHECK(dated->is_date);
  CHECK(dated->in_order);
  CHECK(dated->p > 1e-3);
  const auto unordered = found(Column::date("day", Tensor::from(shuffled)), noise);
  REQUIRE(unordered);
  CHECK_FALSE(unordered->in_order);
  // Uneven steps need a name that speaks of time.
  std::vector<std::int64_t> uneven;
  for (const std::int64_t c : counter) uneven.push_back(c * c);
  CHECK_FALSE(found(whole("size", uneven), walk));
  CHECK(found(whole("model_year", uneven), walk));
  const Dataset classes(Table({whole("no", counter), words("y", Names(n, "a"))}), {});
  CHECK_FALSE(find_time_order(classes));
}

TEST_CASE("time order: classes that come in long runs are alike; their likeness by hand") {
  Names labels;
  std::vector<std::int64_t> t;
  for (int r = 0; r < 100; ++r) labels.push_back(r / 10 % 2 ? "a" : "b"), t.push_back(r);
  const auto found =
      find_time_order(Dataset(Table({whole("t", t), words("y", labels)}), {.roles = {.target = "y"}}));
  REQUIRE(found);
  CHECK(found->alike == doctest::Approx((90.0 / 99 - 0.5) / 0.5));
  CHECK(plan_split(Dataset(Table({whole("t", t), words("y", labels)}), {.roles = {.target = "y"}}), true)
            .warnings[0]
            .message ==
        "'t' grows from row to row, and neighbours in time have alike 'y' (0.82 of 1). A random split judges "
        "on rows between "
        "those it has learned from; if the model is for later rows, judge on the latest: --time t.");
}

TEST_CASE("mean ranks: ties share their place") {
  CHECK(mean_ranks(Numbers{3, 1, 3, 2}) == Numbers{2.5, 0, 2.5, 1});
  CHECK(mean_ranks(Numbers{}).empty());
}

TEST_CASE("leak: one word that tells the class") {
  Names texts;
  std::vector<std::int32_t> classes;
  for (int r = 0; r < 60; ++r) {
    classes.push_back(r % 3 == 0);
    texts.push_back(r % 3 == 0 && r != 30 ? "sent from the clinic, ticket closed" : "some other words here");
  }
  const OneWordFit fit = predict_class_from_word(Column::text("t", texts), classes, 2);
  CHECK(fit.word == "clinic");  // of the words that tell it equally well, the first
  CHECK(fit.error == 1);
  CHECK(fit.baseline_error == 20);
  const OneWordFit none = predict_class_from_word(Column::text("t", Names(60, "the same")), classes, 2);
  CHECK(none.word.empty());
}

TEST_CASE("leak: a sum that is the target, and none that nearly is") {
  Random random(8, "sum");
  Numbers a(200), b(200), c(200), y(200);
  for (std::size_t r = 0; r < 200; ++r) {
    a[r] = std::floor(100 * random.uniform());
    b[r] = std::floor(1000 * random.uniform());
    c[r] = random.normal();
    y[r] = a[r] + 2 * b[r];
  }
  const std::vector<Column> columns{number("a", a), number("b", b), number("c", c)};
  const auto shares = exact_combination(columns, y);
  REQUIRE(shares.size() == 2);
  CHECK(shares[0].column == "a");
  CHECK(shares[0].weight == doctest::Approx(1));
  CHECK(shares[1].weight == doctest::Approx(2));
  for (double& v : y) v += 0.5 * random.normal();
  CHECK(exact_combination(columns, y).empty());
}

TEST_CASE("near copies: identical rows that are near another count each; equal infinities are equal") {
  Rows rows(500, 6);
  rows.copy(7, 300);
  rows.copy(8, 300);
  rows.x[1][8] += 1;
  CHECK(find_near_copies(rows.data()).near_rows == 3);
  for (const std::size_t r : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{300}})
    rows.x[0][r] = INFINITY;  // and in the row that the spread is measured from
  const NearCopies found = find_near_copies(rows.data());
  CHECK(found.near_rows == 3);
  CHECK(together(found, 8, 300));
}
