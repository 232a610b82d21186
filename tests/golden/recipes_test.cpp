// Every recipe, run as a person runs it: each number beside the one that the course prints. Those that a
// person waits for run in their brief form, and whole where CAIRN_WHOLE_RECIPES is set.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

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
