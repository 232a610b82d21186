// The parts a page is built of. Everything that comes from the data goes through escaped() or script_json().
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/json.h"

namespace cairn::report {

// Text for element content and quoted attributes. Bytes that are no UTF-8 and control characters become
// U+FFFD.
std::string escaped(std::string_view text);
// JSON for the inside of a <script> element: no '<', '>' or '&' stands in it.
std::string script_json(const Json& json);

// Cells are HTML. A column is text (left) or figures (right); a wide one is left out on narrow screens.
struct Column {
  std::string heading;
  bool figures = false, wide = false;
};
struct Row {
  std::vector<std::string> cells;
  const char* kind = "";  // "strong", "faded"
};
std::string table(const std::vector<Column>& columns, const std::vector<Row>& rows, std::string_view label);

// Points of a curve as [[x, y], ...] or, with a third column, [[x, low, high], ...]; pairs with an unknown
// are left out.
Json points_of(const Json& x, const Json& y);
Json points_of(const Json& x, const Json& low, const Json& high);

// The powers of ten that span [low, high], low > 0: ticks of a logarithmic axis.
Json decades(double low, double high);

class Page {
 public:
  // The section's heading and, below it, what the reader is looking at (text, not HTML; may be empty).
  void open_section(std::string_view id, std::string_view heading, std::string_view about);
  void close_section();
  void add(std::string_view html) { body_ += html; }
  void paragraph(std::string_view text) { body_ += "<p>" + escaped(text) + "</p>\n"; }
  void command(std::string_view text);
  // A chart of `height` CSS pixels drawn by page.js from `spec`, its words for those who cannot see it, and
  // the table behind it.
  void chart(Json spec, std::string_view caption, std::string_view words, int height,
             std::string_view behind);
  std::string finish(std::string_view title) const;

 private:
  std::string body_;
  Json charts_ = Json::array();
};

}  // namespace cairn::report
