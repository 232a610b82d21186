// Every recipe, run as a person runs it: each number beside the one that the course prints. Those that a
// person waits for run in their brief form, and whole where CAIRN_WHOLE_RECIPES is set.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <set>

#include "recipes/networks.h"
#include "recipes/recipe.h"

using namespace cairn;

namespace {

// Those that a person waits for, or the others.
void check_recipes(bool waited_for) {
  const char* set = std::getenv("CAIRN_DATA");
  const std::string folder = set ? set : std::string(CAIRN_SOURCE_DIR) + "/../shared/data";
  for (const recipes::Recipe& recipe : recipes::all_recipes()) {
    if ((recipe.brief != nullptr) != waited_for) continue;
    if (recipe.data[0] != '\0' && !std::filesystem::exists(folder + "/" + recipe.data)) {
      MESSAGE(std::string(recipe.course)
              << " skipped: " << folder << "/" << std::string(recipe.data) << " is not there");
      continue;
    }
    const bool brief = waited_for && std::getenv("CAIRN_WHOLE_RECIPES") == nullptr;
    const recipes::Outcome outcome = (brief ? recipe.brief : recipe.run)(recipes::DataFolder(folder));
    CHECK(!outcome.checks.empty());
    for (const recipes::Check& check : outcome.checks)
      CHECK_MESSAGE(check.met, std::string(recipe.course) << ": " << check.what << " is " << check.ours
                                                          << ", the course prints " << check.printed);
  }
}

}  // namespace

TEST_CASE("recipes reach the numbers of the courses") { check_recipes(false); }

TEST_CASE("recipes that take minutes reach theirs in brief" * doctest::test_suite("long")) {
  check_recipes(true);
}

TEST_CASE("recipes can be told apart, and found by name or course row") {
  std::set<std::string> names, rows;
  for (const recipes::Recipe& recipe : recipes::all_recipes()) {
    CHECK(names.insert(recipe.name).second);
    CHECK(rows.insert(recipe.course).second);
    CHECK(&recipes::find_recipe(recipe.course) == &recipes::find_recipe(recipe.name));
    CHECK((recipe.brief != nullptr) == (recipe.takes[0] != '\0'));
  }
  CHECK_THROWS_WITH(recipes::find_recipe("sigmiod"), doctest::Contains("Did you mean 'sigmoid'?"));
}

TEST_CASE("a number is met to the digits that are printed, no fewer") {
  CHECK(recipes::printed("x", 79274.8125, "7.93e4").met);
  CHECK_FALSE(recipes::printed("x", 79374.0, "7.93e4").met);
  CHECK(recipes::printed("x", -0.001, "-0.00").met);
  CHECK_FALSE(recipes::printed("x", 0.6931471812, "0.6931471806").met);
  CHECK(recipes::level("x", 0.9, ">= 0.87").met);
  CHECK_FALSE(recipes::level("x", 0.9, "<= 0.87").met);
  CHECK_FALSE(recipes::level("x", 3.2, "about 3 +- 0.1").met);
}

TEST_CASE("pictures of numbers: the smallest is black, the largest white, bytes come back as they were") {
  const auto byte = [](const Tensor& t, std::int64_t i) { return static_cast<int>(t.item({0, i, 0})); };
  for (const double high : {1.0, 25.0, 93.0, 103.0}) {
    const Tensor shades = recipes::shades(Tensor::from(std::vector<double>{0, high}).reshape({1, 2, 1}));
    CHECK(byte(shades, 0) == 0);
    CHECK(byte(shades, 1) == 255);
  }
  std::vector<std::uint8_t> all(256);
  std::iota(all.begin(), all.end(), std::uint8_t{0});
  const Tensor bytes = Tensor::from(std::span<const std::uint8_t>(all), {1, 1, 256, 1});
  const Tensor back = recipes::picture_at(recipes::from_0_to_1(bytes), 0);
  for (std::int64_t i = 0; i < 256; ++i) CHECK(byte(back, i) == i);
}

TEST_CASE("wrong examples: their rows, classes and what they were taken for") {
  const recipes::Examples four{Tensor::from(std::vector<double>{-1, 2, 3, -4}).reshape({4, 1}),
                               Tensor::from(std::vector<double>{0, 1, 0, 1}).reshape({4, 1})};
  const auto wrong = recipes::wrong_by([](const Tensor& x) { return x; }, four);
  REQUIRE(wrong.size() == 2);
  CHECK(recipes::listed(wrong) == "2, 3");
  CHECK(recipes::listed(wrong, 1) == "2, ...");
  const auto picture_of = [](std::int64_t row) {
    return Tensor::full({1, 1, 1}, static_cast<double>(row), DType::u8);
  };
  const recipes::Album album = recipes::wrong_album("w", wrong, picture_of);
  REQUIRE(album.pictures.size() == 2);
  CHECK(album.pictures[0].words == "0, taken for 1");
  CHECK(album.pictures[1].words == "1, taken for 0");
  CHECK(album.pictures[1].pixels.item({0, 0, 0}) == 3);
  constexpr std::array kNames{"no cat", "a cat"};
  const recipes::Album one = recipes::wrong_album("w", wrong, picture_of, 1, kNames);
  REQUIRE(one.pictures.size() == 1);
  CHECK(one.pictures[0].words == "no cat, taken for a cat");
}
