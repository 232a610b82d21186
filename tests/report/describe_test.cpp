#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cairn/data/describe.h"
#include "cairn/report/format_internal.h"
#include "cairn/report/report.h"

using namespace cairn;

namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Json small_table() {
  std::vector<double> length;
  std::vector<std::optional<std::string>> island;
  std::vector<std::string> remark;
  for (int i = 0; i < 100; ++i) {
    length.push_back(i < 90 ? i * 0.5 : std::nan(""));
    island.push_back(i % 4 == 0 ? "Dream" : "Biscoe");
    remark.push_back("bird number " + std::to_string(i));
  }
  Table table = Table::with_rows(100);
  table = table.with(Column::number("length </script>", Tensor::take(std::move(length))));
  table = table.with(Column::category_of("island", island));
  table = table.with(Column::text("remark", remark));
  Json description = describe(table);
  description["name"] = "birds.csv";
  description["warnings"] = {
      {{"code", "id_like"}, {"column", "remark"}, {"message", "remark is different in every row."}}};
  return description;
}

}  // namespace

TEST_CASE("a description in the terminal: a line a column, cut to the width") {
  const Json description = small_table();
  const std::string text = describe_text(description, false, 100);
  CHECK(holds(text, "birds.csv: 100 rows, 3 columns"));
  CHECK(holds(text, "10.0 %        90"));
  CHECK(holds(text, "Biscoe: 75 %, Dream: 25 %"));
  CHECK(holds(text, "█▃"));
  CHECK(holds(text, "0 to 44.50; half lie in"));
  CHECK(holds(text, "! remark is different in every row."));
  for (const int width : {40, 60, 80, 140}) {
    const std::string narrow = describe_text(description, false, width);
    std::size_t begin = 0;
    for (std::size_t end; (end = narrow.find('\n', begin)) != std::string::npos; begin = end + 1)
      CHECK(report::display_width(narrow.substr(begin, end - begin)) <= width);
  }
}

TEST_CASE("a description as a page: a chart a column, names made harmless") {
  const Json description = small_table();
  const std::string page = describe_html(description);
  CHECK(page == describe_html(description));
  CHECK(holds(page, "100 rows, 3 columns; <span class=\"against\">one column has missing values.</span>"));
  CHECK(holds(page, "length &lt;/script&gt;"));
  CHECK(holds(page, "<canvas id=\"chart-1\""));
  CHECK(holds(page, "<canvas id=\"chart-2\""));
  CHECK(!holds(page, "<canvas id=\"chart-3\""));  // a text has no distribution to draw
  CHECK(!describe_html(Json::object()).empty());
  CHECK(!describe_text(Json::object(), true, 80).empty());
}
