// Lines for a terminal or a pipe: wrapped to a width, coloured or not, with nothing in them that could steer
// the terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn::report {

class Terminal {
 public:
  Terminal(bool colour, int width);
  int width() const { return width_; }
  const std::string& text() const { return text_; }

  void blank() { text_ += '\n'; }
  void line(std::string_view text);     // as it is, however long: paths and commands stay in one piece
  void strong(std::string_view text);   // wrapped
  void soft(std::string_view text);     // wrapped
  void heading(std::string_view text);  // after a blank line
  void item(std::string_view mark, std::string_view text,
            bool strong = false);       // mark, then wrapped text beside it
  void more(std::string_view text);     // a further paragraph of the last item
  void command(std::string_view text);  // what to type, under the last item
  // The first column is text, the others are figures; cells of the first are shortened when the table is too
  // wide.
  void table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows);
  // The same with columns of text; those numbered in `figures` are set right, the last one is cut where the
  // line ends.
  void table_of_text(const std::vector<std::string>& headings,
                     const std::vector<std::vector<std::string>>& rows,
                     const std::vector<std::size_t>& figures);

 private:
  void wrap(std::string_view text, int indent, std::string_view first, const char* style);
  std::string styled(std::string_view text, const char* style) const;
  bool colour_;
  int width_, indent_ = 2;
  std::string text_;
};

}  // namespace cairn::report
