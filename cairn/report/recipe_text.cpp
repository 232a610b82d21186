// A recipe in a terminal: its numbers, and its pictures drawn in characters.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cairn/report/format_internal.h"
#include "cairn/report/recipe_internal.h"
#include "cairn/report/report.h"
#include "cairn/report/terminal_internal.h"

namespace cairn {
namespace report {

std::string precise(std::optional<double> value) { return value ? fmt::format("{:.12g}", *value) : kUnknown; }

namespace {

constexpr std::array kLines{"·", "∙", "-", "~"};
constexpr std::array kMarks{"o", "x", "+", "*"};

// Where values stand between the least and the largest, on a plain or a logarithmic scale.
class Scale {
 public:
  explicit Scale(bool logarithmic) : log_(logarithmic) {}
  bool takes(double v) const { return std::isfinite(at(v)); }
  void see(double v) {
    low_ = std::min(low_, at(v));
    high_ = std::max(high_, at(v));
  }
  bool any() const { return low_ <= high_; }
  int cell(double v, int cells) const {
    const double share = high_ > low_ ? (at(v) - low_) / (high_ - low_) : 0.5;
    return std::clamp(static_cast<int>(std::lround(share * (cells - 1))), 0, cells - 1);
  }
  std::string low() const { return fmt::format("{:.4g}", back(low_)); }
  std::string high() const { return fmt::format("{:.4g}", back(high_)); }

 private:
  double at(double v) const { return !log_ ? v : v > 0 ? std::log10(v) : std::nan(""); }
  double back(double v) const { return log_ ? std::pow(10, v) : v; }
  bool log_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

class Picture {
 public:
  Picture(const Json& chart, int width, int height)
      : x_(flag_at(chart, "log_x")), y_(flag_at(chart, "log_y")), width_(width) {
    cells_.assign(static_cast<std::size_t>(height),
                  std::vector<std::string>(static_cast<std::size_t>(width), " "));
    for (const Json& s : field(chart, "series"))
      for (const Json& p : drawable(s))
        if (x_.takes(p[0]) && y_.takes(p[1])) {
          x_.see(p[0]);
          y_.see(p[1]);
          if (text_at(s, "kind") == "bars") y_.see(0);
        }
  }
  bool any() const { return x_.any() && y_.any(); }

  void draw(const Json& series, const char* mark) {
    const std::string kind = text_at(series, "kind");
    int from_x = -1, from_y = -1;
    for (const Json& p : drawable(series)) {
      if (!x_.takes(p[0]) || !y_.takes(p[1])) {
        from_x = -1;
        continue;
      }
      const int x = x_.cell(p[0], width_), y = y_.cell(p[1], height());
      if (kind == "bars") {
        for (int k = std::min(y, y_.cell(0, height())); k <= y; ++k) put(x, k, mark);
      } else if (kind == "points" || from_x < 0) {
        put(x, y, mark);
      } else {
        const int steps = std::max({std::abs(x - from_x), std::abs(y - from_y), 1});
        for (int k = 0; k <= steps; ++k)
          put(from_x + (x - from_x) * k / steps, from_y + (y - from_y) * k / steps, mark);
      }
      from_x = x;
      from_y = y;
    }
  }

  void print(Terminal& out) const {
    const int margin = std::max(display_width(y_.low()), display_width(y_.high()));
    for (int row = height() - 1; row >= 0; --row) {
      const std::string label = row == height() - 1 ? y_.high() : row == 0 ? y_.low() : "";
      std::string line = "  " + padded(label, margin, true) + " |";
      for (const std::string& cell : cells_[static_cast<std::size_t>(row)]) line += cell;
      out.line(line.substr(0, line.find_last_not_of(' ') + 1));
    }
    const std::string left = x_.low(), right = x_.high();
    const int gap = std::max(1, width_ - display_width(left) - display_width(right));
    out.line("  " + std::string(static_cast<std::size_t>(margin + 2), ' ') + left +
             std::string(static_cast<std::size_t>(gap), ' ') + right);
  }

 private:
  int height() const { return static_cast<int>(cells_.size()); }
  void put(int x, int y, const char* mark) {
    cells_[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] = mark;
  }
  Scale x_, y_;
  int width_;
  std::vector<std::vector<std::string>> cells_;
};

void add_picture(Terminal& out, const Json& chart) {
  constexpr int kMargin = 16, kWidest = 72, kHeight = 14;
  Picture picture(chart, std::clamp(out.width() - kMargin, 20, kWidest), kHeight);
  if (!picture.any()) return;
  out.heading(text_at(chart, "title"));
  std::string legend;
  std::size_t lines = 0, marks = 0;
  const Json& all = field(chart, "series");
  // Lines first: points lie above them.
  for (const bool points : {false, true})
    for (const Json& s : all) {
      if ((text_at(s, "kind") == "points") != points) continue;
      const char* mark = points                         ? kMarks[marks++ % kMarks.size()]
                         : text_at(s, "kind") == "bars" ? "#"
                                                        : kLines[lines++ % kLines.size()];
      picture.draw(s, mark);
      legend += fmt::format("{}{} {}", legend.empty() ? "" : "   ", mark, text_at(s, "name"));
    }
  picture.print(out);
  out.soft(fmt::format("{} against {}.   {}", text_at(chart, "y"), text_at(chart, "x"), legend));
}

}  // namespace
}  // namespace report

std::string recipe_text(const Json& recipe, bool colour, int width) {
  using namespace report;
  Terminal out(colour, width);
  out.strong(fmt::format("{} ({})", text_at(recipe, "title"), text_at(recipe, "course")));
  out.soft(text_at(recipe, "teaches"));
  out.blank();
  std::vector<std::vector<std::string>> rows;
  for (const Json& c : field(recipe, "checks"))
    rows.push_back({text_at(c, "what"), precise(number_at(c, "ours")),
                    text_at(c, "course") + (flag_at(c, "met") ? "" : "  <- differs")});
  out.table({"", "ours", "the course"}, rows);
  for (const Json& chart : field(recipe, "charts")) add_picture(out, chart);
  std::string albums;
  for (const Json& album : field(recipe, "albums"))
    albums += (albums.empty() ? "" : "; ") + text_at(album, "title");
  if (!albums.empty()) {
    out.blank();
    out.soft(fmt::format("--html FILE shows pictures: {}.", albums));
  }
  for (const Json& remark : field(recipe, "remarks")) {
    out.blank();
    out.soft(remark.get<std::string>());
  }
  return out.text();
}

}  // namespace cairn
