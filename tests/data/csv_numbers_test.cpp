#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "cairn/data/csv.h"

using namespace cairn;

namespace {

// Cells of many shapes: 1 to 20 digits, a decimal sign anywhere or nowhere, signs, exponents, zeros in front
// and behind.
std::vector<std::string> number_texts(int count) {
  std::mt19937_64 random(7);
  std::vector<std::string> texts = {"0",
                                    "-0",
                                    "0.0",
                                    "-0.0",
                                    ".5",
                                    "-.5",
                                    "5.",
                                    "-5.",
                                    "9007199254740992",
                                    "9007199254740993",
                                    "-9007199254740993",
                                    "0.9007199254740993",
                                    "9999999999999999",
                                    "999999999999999.9",
                                    "0.00000000000001",
                                    "123456789012345678901234567890",
                                    "1e22",
                                    "1e23",
                                    "4.9e-324",
                                    "1.7976931348623157e308",
                                    "2.2250738585072011e-308",
                                    "+7",
                                    "+0.25",
                                    "00012",
                                    "0001.5000"};
  for (int i = 0; i < count; ++i) {
    std::string text = random() % 2 == 0 ? "" : "-";
    const int digits = 1 + static_cast<int>(random() % 20);
    const int point = static_cast<int>(random() % 30);
    for (int d = 0; d < digits; ++d) {
      if (d == point) text += '.';
      text += static_cast<char>('0' + random() % 10);
    }
    if (random() % 10 == 0) text += fmt::format("e{}", static_cast<int>(random() % 40) - 20);
    texts.push_back(text);
  }
  return texts;
}

}  // namespace

TEST_CASE("csv: every number is the nearest double to its text") {
  const std::vector<std::string> texts = number_texts(200'000);
  std::string csv = "a,b\n";
  for (const std::string& text : texts) csv += "0.5," + text + "\n";
  const ReadResult result = read_csv_text(csv, "numbers.csv");
  const auto values = result.table.column("b").values().data<double>();
  REQUIRE(values.size() == texts.size());
  int wrong = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const double expected = std::strtod(texts[i].c_str(), nullptr);
    if (std::bit_cast<std::uint64_t>(values[i]) == std::bit_cast<std::uint64_t>(expected)) continue;
    if (wrong++ < 5) FAIL_CHECK(fmt::format("{} was read as {:.17g}", texts[i], values[i]));
  }
  CHECK(wrong == 0);
}

TEST_CASE("csv: whole numbers of every length are exact") {
  std::mt19937_64 random(8);
  std::string csv = "a,b\n";
  std::vector<std::int64_t> expected = {0, 9223372036854775807, -9223372036854775807 - 1, 9999999999999999,
                                        -1};
  for (int i = 0; i < 100'000; ++i)
    expected.push_back(static_cast<std::int64_t>(random()) >> (random() % 64));
  for (const std::int64_t v : expected) csv += fmt::format("{},{}\r\n", v, v);
  const ReadResult result = read_csv_text(csv, "numbers.csv");
  for (const char* name : {"a", "b"}) {
    const auto values = result.table.column(name).values().data<std::int64_t>();
    CHECK(std::equal(values.begin(), values.end(), expected.begin(), expected.end()));
  }
}
