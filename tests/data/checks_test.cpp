#include "cairn/data/checks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/random.h"
#include "cairn/data/leak.h"

using namespace cairn;
using Names = std::vector<std::string>;
using Numbers = std::vector<double>;

namespace {

Column number(std::string name, Numbers v) {
  return Column::number(std::move(name), Tensor::take(std::move(v)));
}
Column words(std::string name, const Names& cells) {
  return Column::category_of(std::move(name),
                             std::vector<std::optional<std::string>>(cells.begin(), cells.end()));
}

Numbers noise(std::size_t n, const char* stream) {
  Random random(5, stream);
  Numbers v(n);
  std::ranges::generate(v, [&] { return random.normal(); });
  return v;
}

Names codes_of(const std::vector<Warning>& warnings) {
  Names codes;
  for (const Warning& w : warnings) codes.push_back(w.code + (w.column.empty() ? "" : ":" + w.column));
  std::ranges::sort(codes);
  return codes;
}

std::string message(const std::vector<Warning>& warnings, const std::string& code) {
  for (const Warning& w : warnings)
    if (w.code == code) return w.message;
  return "";
}

Names labels_of(const Numbers& score, double cut) {
  Names labels;
  for (const double s : score) labels.push_back(s > cut ? "yes" : "no");
  return labels;
}

}  // namespace

TEST_CASE("check_table: a sound table gives no warning") {
  Names city;
  for (int i = 0; i < 300; ++i) city.push_back(i % 3 ? "Bern" : "Rome");
  CHECK(check_table(Table({number("x", noise(300, "x")), words("city", city)})).empty());
  CHECK(check_table(Table::with_rows(5)).empty());
  CHECK(check_table(Table({number("x", {})})).empty());
}

TEST_CASE(
    "check_table: constant, nearly constant, empty, mostly missing and id-like columns, with the flag") {
  const std::size_t n = 1000;
  Numbers nearly(n, 0), gaps(n, std::nan("")), counted, shuffled;
  nearly[7] = 3;
  Names ids, texts;
  for (std::size_t i = 0; i < n; ++i) {
    counted.push_back(static_cast<double>(i) + 1);
    ids.push_back("K" + std::to_string(i * 7919 % 100'003));
    texts.push_back("note number " + std::to_string(i));
    if (i % 3 == 0) gaps[i] = static_cast<double>(i % 7);
  }
  shuffled = counted;
  Random(1, "s").shuffle(std::span(shuffled));
  const Table table({number("same col", Numbers(n, 2)), number("nearly", nearly),
                     number("none", Numbers(n, std::nan(""))), number("gaps", gaps), number("row", counted),
                     number("mixed", shuffled), words("key", ids), Column::text("code", ids),
                     Column::text("note", texts), number("x", noise(n, "x"))});
  const auto warnings = check_table(table);
  CHECK(codes_of(warnings) == Names{"constant_column:same col", "empty_column:none", "id_like_column:code",
                                    "id_like_column:key", "id_like_column:mixed", "id_like_column:row",
                                    "mostly_missing_column:gaps", "nearly_constant_column:nearly"});
  CHECK(message(warnings, "constant_column") ==
        "'same col' is '2' in every row and cannot help; leave it out with --ignore \"same col\".");
  CHECK(message(warnings, "nearly_constant_column").find("'0' in 999 of 1000 rows (99.9 %)") !=
        std::string::npos);
  CHECK(message(warnings, "mostly_missing_column").find("666 of 1000 rows (66.6 %)") != std::string::npos);
}

TEST_CASE("check_table: duplicate rows are counted; many columns of one kind are summed up") {
  const auto twice = check_table(Table({number("x", {1, 2, 1, 1}), number("y", {3, 4, 3, 5})}));
  CHECK(message(twice, "duplicate_rows").find("1 of 4 rows (25.0 %) repeat an earlier row") == 0);
  std::vector<Column> many;
  for (int c = 0; c < 40; ++c) many.push_back(number("c" + std::to_string(c), {1, 1, 1}));
  many.push_back(number("x", {1, 2, 3}));
  const auto warnings = check_table(Table(many));
  CHECK(warnings.size() == 11);
  CHECK(warnings.back().message == "The same holds for 30 more columns.");
}

TEST_CASE("check_dataset: a column that tells the class is a suspect, a good one is not") {
  const std::size_t n = 2000;
  const Numbers hidden = noise(n, "hidden"), other = noise(n, "other");
  const Names label = labels_of(hidden, 0.3);
  Numbers folded, good, missing_tells;
  Names copy;
  for (std::size_t i = 0; i < n; ++i) {
    folded.push_back(std::abs(hidden[i] - 0.3));
    good.push_back(hidden[i] + 0.3 * other[i]);  // about 90 % right
    copy.push_back(label[i] == "yes" ? "paid" : "open");
    missing_tells.push_back(label[i] == "yes" ? std::nan("") : other[i]);
  }
  const Table table({number("score", hidden), number("folded", folded), number("good", good),
                     words("copy", copy), number("closed", missing_tells), number("noise", other),
                     words("y", label)});
  const auto warnings = check_dataset(Dataset(table, {.roles = {.target = "y"}}));
  CHECK(codes_of(warnings) == Names{"leak_suspect:closed", "leak_suspect:copy", "leak_suspect:score"});
  for (const Warning& w : warnings)
    if (w.column == "copy")
      CHECK(w.message.find("'copy' alone tells 'y' in every one of 2000 rows looked at") == 0);
  CHECK(message(warnings, "leak_suspect").find("--ignore ") != std::string::npos);
  // Every row twice: the copy of a row must not tell its target.
  std::vector<std::int64_t> doubled;
  for (std::int64_t r = 0; r < static_cast<std::int64_t>(n); ++r) doubled.insert(doubled.end(), {r, r});
  CHECK(codes_of(check_dataset(Dataset(table.select(doubled), {.roles = {.target = "y"}}))) ==
        codes_of(warnings));
}

TEST_CASE(
    "check_dataset: a column that tells a number is a suspect whatever its scale; a strong one is not") {
  const std::size_t n = 3000;
  const Numbers y = noise(n, "y"), e = noise(n, "e");
  Numbers exponential, strong;
  for (std::size_t i = 0; i < n; ++i) {
    exponential.push_back(std::exp(3 * y[i]));
    strong.push_back(y[i] + 0.25 * e[i]);  // explains 94 %
  }
  const Table table(
      {number("exp", exponential), number("strong", strong), number("noise", e), number("y", y)});
  const auto warnings = check_dataset(Dataset(table, {.roles = {.target = "y"}}));
  CHECK(codes_of(warnings) == Names{"leak_suspect:exp"});
  CHECK(warnings[0].message.find("explains more than 99.9 % of the order of 'y'") != std::string::npos);
}

TEST_CASE("predict_*_from: noise tells no better than the baseline, judged on other rows") {
  const Numbers x = noise(4000, "x");
  const Names label = labels_of(noise(4000, "z"), 0);
  const Column c = number("x", x);
  std::vector<std::int32_t> codes;
  for (const std::string& l : label) codes.push_back(l == "yes");
  const OneColumnFit by_class = predict_class_from(c, codes, 2);
  CHECK(by_class.rows == 4000);
  CHECK(std::abs(by_class.error / 4000 - 0.5) < 0.03);
  const OneColumnFit by_rank = predict_rank_from(c, noise(4000, "z"));
  CHECK(by_rank.error > by_rank.baseline_error);
  // Levels that each stand once tell nothing: no row sees its own target.
  Names own;
  for (int i = 0; i < 4000; ++i) own.push_back(std::to_string(i));
  const OneColumnFit ids = predict_class_from(words("id", own), codes, 2);
  CHECK(ids.error == ids.baseline_error);
}

TEST_CASE("check_dataset: imbalance, rare classes, more columns than rows") {
  Names label(1000, "no");
  for (std::size_t i = 0; i < 30; ++i) label[i * 31] = "yes";
  for (std::size_t i = 0; i < 4; ++i) label[i * 31 + 1] = "maybe";
  const Table table({number("x", noise(1000, "x")), words("y", label)});
  const auto warnings = check_dataset(Dataset(table, {.roles = {.target = "y"}}));
  CHECK(codes_of(warnings) == Names{"imbalance:y", "rare_class:y"});
  CHECK(message(warnings, "imbalance").find("Only 4 of 1000 rows (0.4 %) are 'maybe', and 96.6 % are 'no'") ==
        0);
  CHECK(message(warnings, "rare_class").find("1 class of 'y' has fewer than 10 rows: 'maybe' (4).") == 0);
  std::vector<Column> wide;
  for (int c = 0; c < 50; ++c) {
    const std::string name = "c" + std::to_string(c);
    wide.push_back(number(name, noise(40, name.c_str())));
  }
  wide.push_back(number("y", noise(40, "target")));
  const auto more = check_dataset(Dataset(Table(wide), {.roles = {.target = "y"}}));
  CHECK(codes_of(more) == Names{"more_columns_than_rows"});
  CHECK(more[0].message.find("There are 50 columns and 40 rows") == 0);
}

TEST_CASE("check_dataset: a word that tells a handful of rows is no suspect") {
  const auto suspects = [](std::size_t rare) {
    Names label, text;
    for (std::size_t i = 0; i < 300; ++i) {
      const bool told = i < rare;
      label.push_back(told ? "yes" : "no");
      text.push_back((told ? "closed case number " : "open case number ") + std::to_string(i));
    }
    return codes_of(check_dataset(
        Dataset(Table({Column::text("t", text), words("y", label)}), {.roles = {.target = "y"}})));
  };
  CHECK(suspects(9) == Names{"imbalance:y", "rare_class:y"});
  CHECK(suspects(10) == Names{"imbalance:y", "leak_suspect:t"});
}

TEST_CASE("check_dataset: the flag that leaves columns out can be followed where a name holds a comma") {
  const Numbers a = noise(200, "a"), b = noise(200, "b");
  Numbers y;
  for (std::size_t i = 0; i < 200; ++i) y.push_back(a[i] + 2 * b[i]);
  const auto told = [&](const char* name) {
    const Table table({number(name, a), number("b", b), number("y", y)});
    return message(check_dataset(Dataset(table, {.roles = {.target = "y"}, .task = Task::regression})),
                   "leak_combination");
  };
  CHECK(told("a").find("leave them out with --ignore \"a,b\".") != std::string::npos);
  CHECK(told("a,1").find("leave them out with --ignore \"a,1\" --ignore b.") != std::string::npos);
}
