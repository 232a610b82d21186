// A recipe's page and text: pictures with their words; what is no picture is left out.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cairn/report/report.h"

using namespace cairn;

namespace {

Json recipe_with(const Json& albums) {
  return {{"recipe", "cats"},
          {"course", "D1W2-A2"},
          {"title", "Cat or not"},
          {"teaches", "One weight a byte."},
          {"met", true},
          {"charts", Json::array()},
          {"remarks", Json::array()},
          {"albums", albums},
          {"checks", {{{"what", "cost"}, {"ours", 0.5}, {"course", "0.5"}, {"met", true}}}}};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("recipes: albums stand on the page, picture by picture") {
  const Json recipe = recipe_with(
      {{{"title", "Wrong ones"},
        {"about", "Below each what it was taken for."},
        {"pictures", {{{"png", "AAAA"}, {"words", "7, taken for <1>"}}, {{"png", "BBBB"}, {"words", ""}}}}}});
  const std::string page = recipe_html(recipe);
  CHECK(has(page, "<h3>Wrong ones</h3>"));
  CHECK(has(page, "Below each what it was taken for."));
  CHECK(has(
      page,
      R"(<img src="data:image/png;base64,AAAA" alt="7, taken for &lt;1&gt;"><p>7, taken for &lt;1&gt;</p>)"));
  CHECK(has(page, R"(<img src="data:image/png;base64,BBBB" alt="Wrong ones"></div>)"));
  CHECK(has(recipe_text(recipe, false, 80), "--html FILE shows pictures: Wrong ones."));
}

TEST_CASE("recipes: what is no base64 never reaches the page's addresses") {
  const std::string page = recipe_html(recipe_with(
      {{{"title", "Some"}, {"about", ""}, {"pictures", {{{"png", "AA\" onerror=\"x"}, {"words", "w"}}}}}}));
  CHECK_FALSE(has(page, "onerror"));
  CHECK(has(page, "<p>w</p>"));
}

TEST_CASE("recipes: without albums there is neither a section nor a word of them") {
  const Json recipe = recipe_with(Json::array());
  CHECK_FALSE(has(recipe_html(recipe), "Pictures"));
  CHECK_FALSE(has(recipe_text(recipe, false, 80), "--html"));
}
