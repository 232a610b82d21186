#include <doctest/doctest.h>
#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/data/csv.h"
#include "cairn/run/training_parts.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

// Rows 2k and 2k + 1 are alike in what is learned from.
std::string table_text(int rows) {
  std::string text = "x,y,who,when,w\n";
  for (int i = 0; i < rows; ++i)
    text += fmt::format("{},{},g{},{},{}\n", i / 2, i % 10 == 9 ? "" : std::to_string(i / 2 % 3), i % 17,
                        rows - i, i % 4 == 0 ? 0 : 1);
  return text;
}

std::vector<RowUse> uses_in_parts(const RowDraw& draw, const Table& table, std::int64_t rows) {
  std::vector<RowUse> all;
  for (std::int64_t begin = 0; begin < table.num_rows(); begin += rows) {
    const auto part = draw.uses(table.slice(begin, std::min(table.num_rows(), begin + rows)), begin);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace

TEST_CASE("rows are drawn one by one: parts do not matter, and what belongs together stays together") {
  constexpr int kRows = 3000;
  const Table table = read_csv_text(table_text(kRows), "t.csv").table;
  const std::vector<std::string> others{"who", "when", "w"};
  const RowDraw draw{.roles = {.target = "y", .ignored = others}, .seed = 3, .held_out = 0.3, .sampled = 0.5};
  const auto uses = draw.uses(table, 0);
  CHECK(uses == uses_in_parts(draw, table, 7));
  std::int64_t held_out = 0, sampled = 0, left_out = 0;
  for (std::size_t r = 0; r < uses.size(); ++r) {
    held_out += uses[r] == RowUse::held_out;
    sampled += uses[r] == RowUse::sampled;
    left_out += uses[r] == RowUse::left_out;
    if (r % 2 == 1 && uses[r] != RowUse::left_out)
      CHECK((uses[r] == RowUse::held_out) == (uses[r - 1] == RowUse::held_out));
  }
  CHECK(left_out == kRows / 10);
  CHECK(std::abs(held_out - 0.3 * 2700) < 100);
  CHECK(std::abs(sampled - 0.5 * static_cast<double>(2700 - held_out)) < 100);

  RowDraw groups = draw;
  groups.roles = {.target = "y", .weight = "w", .group = "who", .ignored = {"when"}};
  std::map<std::string, RowUse> of_group;
  const auto by_group = groups.uses(table, 0);
  for (std::int64_t r = 0; r < kRows; ++r) {
    const RowUse use = by_group[static_cast<std::size_t>(r)];
    if (r % 4 == 0) CHECK(use == RowUse::left_out);
    if (use == RowUse::left_out) continue;
    const RowUse side = use == RowUse::held_out ? use : RowUse::learned;
    CHECK(of_group.emplace(table.column("who").cell(r), side).first->second == side);
  }
  CHECK(of_group.size() == 17);

  RowDraw times = draw;
  times.roles.time = "when";
  times.cut = 2000;
  const auto by_time = times.uses(table, 0);
  for (std::int64_t r = 0; r < kRows; ++r)
    if (by_time[static_cast<std::size_t>(r)] != RowUse::left_out)
      CHECK((by_time[static_cast<std::size_t>(r)] == RowUse::held_out) == (kRows - r > 2000));
}

TEST_CASE("training rows in parts: those of the draw, weighed, and errors that name the rows") {
  const TemporaryFolder folder;
  folder.write("t.csv", table_text(600));
  const Roles roles{.target = "y", .weight = "w", .ignored = {"who", "when"}};
  const RowDraw draw{.roles = roles, .seed = 1, .held_out = 0.2, .sampled = 0.5};
  std::shared_ptr<TableParts> table = csv_parts(folder.file("t.csv"), {}, 500);
  Table whole = read_csv(folder.file("t.csv")).table;
  std::vector<std::int64_t> learned, sampled;
  const auto uses = draw.uses(whole, 0);
  for (std::size_t r = 0; r < uses.size(); ++r) {
    if (uses[r] == RowUse::sampled) sampled.push_back(static_cast<std::int64_t>(r));
    if (uses[r] == RowUse::sampled || uses[r] == RowUse::learned)
      learned.push_back(static_cast<std::int64_t>(r));
  }
  const Dataset all(whole, {.roles = roles});
  TrainingParts parts(table, draw, std::ssize(learned), all.with_table(whole.select(sampled)));
  parts.balance_classes();
  std::vector<double> x, weight_of_class(3, 0.0);
  parts.each([&](const Dataset& part) {
    const Tensor numbers = part.features().column("x").numbers();
    x.insert(x.end(), numbers.data<double>().begin(), numbers.data<double>().end());
    const auto codes = part.class_codes();
    const auto weights = part.weights();
    for (std::size_t r = 0; r < codes.size(); ++r)
      weight_of_class[static_cast<std::size_t>(codes[r])] += weights[r];
  });
  const Tensor expected = whole.select(learned).column("x").numbers();
  CHECK(x == std::vector<double>(expected.data<double>().begin(), expected.data<double>().end()));
  CHECK(weight_of_class[0] == doctest::Approx(weight_of_class[1]));
  CHECK(weight_of_class[0] == doctest::Approx(weight_of_class[2]));
  CHECK(error_text([&] {
          parts.each([](const Dataset& part) {
            if (part.features().column("x").number_at(0) > 100) throw DataError("row 2", "is odd");
          });
        }).find("in training rows among rows 2") == 0);
}
