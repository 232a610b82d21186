#include "cairn/report/terminal_internal.h"

#include <algorithm>

#include "cairn/report/format_internal.h"

namespace cairn::report {
namespace {

constexpr const char* kPlain = "";
constexpr const char* kStrong = "\x1b[1m";
constexpr const char* kSoft = "\x1b[2m";
constexpr const char* kMark = "\x1b[36m";
constexpr int kNarrowest = 40;

// Column and class names may hold anything; an escape sequence in one must not reach the terminal. U+0080 to
// U+009F, in UTF-8 C2 and a byte below A0, are control characters too.
std::string harmless(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7F) out[i] = ' ';
    if (byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0)
      out[i] = out[i + 1] = ' ';
  }
  return out;
}

}  // namespace

Terminal::Terminal(bool colour, int width) : colour_(colour), width_(std::max(width, kNarrowest)) {}

std::string Terminal::styled(std::string_view text, const char* style) const {
  return colour_ && *style && !text.empty() ? style + std::string(text) + "\x1b[0m" : std::string(text);
}

void Terminal::wrap(std::string_view text, int indent, std::string_view first, const char* style) {
  bool begun = false;
  for (const std::string& part : wrapped(harmless(text), width_ - indent)) {
    const std::string space(static_cast<std::size_t>(indent), ' ');
    text_ += begun || first.empty() ? space : std::string(first);
    text_ += styled(part, style) + '\n';
    begun = true;
  }
}

void Terminal::line(std::string_view text) { text_ += harmless(text) + '\n'; }
void Terminal::strong(std::string_view text) { wrap(text, 0, "", kStrong); }
void Terminal::soft(std::string_view text) {
  if (!text.empty()) wrap(text, 0, "", kSoft);
}

void Terminal::heading(std::string_view text) {
  blank();
  wrap(text, 0, "", kStrong);
}

void Terminal::item(std::string_view mark, std::string_view text, bool strong) {
  indent_ = 3 + display_width(mark);
  wrap(text, indent_, "  " + styled(mark, kMark) + " ", strong ? kStrong : kPlain);
}

void Terminal::more(std::string_view text) {
  if (!text.empty()) wrap(text, indent_, "", kPlain);
}

void Terminal::command(std::string_view text) {
  text_ += std::string(static_cast<std::size_t>(indent_), ' ') + styled("$ " + harmless(text), kMark) + '\n';
}

void Terminal::table(const std::vector<std::string>& headings,
                     const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (const std::string& h : headings) widths.push_back(display_width(h));
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(harmless(row[i])));
  int others = 2;
  for (std::size_t i = 1; i < widths.size(); ++i) others += 2 + widths[i];
  widths[0] = std::min(widths[0], std::max(8, width_ - others));
  const auto put = [&](const std::vector<std::string>& cells, const char* style) {
    std::string out = "  ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = harmless(cells[i]);
      out += i == 0 ? padded(shortened(cell, widths[0]), widths[0]) : "  " + padded(cell, widths[i], true);
    }
    text_ += styled(out, style) + '\n';
  };
  put(headings, kSoft);
  for (const auto& row : rows) put(row, kPlain);
}

void Terminal::table_of_text(const std::vector<std::string>& headings,
                             const std::vector<std::vector<std::string>>& rows,
                             const std::vector<std::size_t>& figures) {
  constexpr int kWidestName = 24, kNarrowestName = 8;
  std::vector<int> widths;
  for (const std::string& h : headings) widths.push_back(display_width(h));
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(harmless(row[i])));
  widths[0] = std::min(widths[0], kWidestName);
  // What is left of the line is the last column's. When too little is left the names are shortened, then
  // columns left out.
  int used = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) used += widths[i] + 2;
  const int over = std::max(0, used - width_);
  const int given = std::clamp(widths[0] - kNarrowestName, 0, over);
  widths[0] -= given;
  used -= given;
  widths.back() = std::min(widths.back(), width_ - used - 2);
  std::size_t shown = widths.back() >= kNarrowestName ? widths.size() : widths.size() - 1;
  while (used > width_ && shown > 1) used -= widths[--shown] + 2;
  const auto put = [&](const std::vector<std::string>& cells, const char* style) {
    std::string out = "  ";
    for (std::size_t i = 0; i < shown; ++i) {
      const std::string cell = shortened(harmless(cells[i]), widths[i]);
      const bool right = std::find(figures.begin(), figures.end(), i) != figures.end();
      out += (i == 0 ? "" : "  ") + (i + 1 == cells.size() ? cell : padded(cell, widths[i], right));
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text_ += styled(out, style) + '\n';
  };
  put(headings, kSoft);
  for (const auto& row : rows) put(row, kPlain);
}

}  // namespace cairn::report
