// One record (row of cells) of delimited text at a time, by the exact rules of quoting: the reference for
// every faster way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

struct CsvDialect {
  char separator = ',';  // a blank: any run of blanks and tabs is one separator
  char quote = '"';      // 0: no quoting
  char newline = '\n';   // '\r' in files of old Macintoshes
  std::string comment;   // lines that begin with it are no rows
  bool runs_of_blanks() const { return separator == ' '; }
};

// A cell as it stands in the file, blanks around it and its quotes taken off.
struct RawCell {
  const char* data = nullptr;
  std::size_t size = 0;
  bool quoted = false;
  bool doubled = false;  // holds doubled quotes
  std::string_view raw() const { return {data, size}; }
  // Its value; `scratch` holds it when quotes have to be undoubled.
  std::string_view value(char quote, std::string& scratch) const;
};

enum class RecordStatus : std::uint8_t { row, blank, comment, unterminated_quote, text_after_quote };

class RecordReader {
 public:
  RecordReader(std::string_view text, const CsvDialect& dialect) : text_(text), dialect_(dialect) {}
  // Reads the record that begins at `at` and moves `at` behind its line end. On a quoting error `at` stays
  // and fault_position() is where the quoted cell began.
  RecordStatus read(std::size_t& at, std::vector<RawCell>& cells);
  std::size_t fault_position() const { return fault_; }
  // Were blanks taken off a bare cell?
  bool trimmed() const { return trimmed_; }
  // Has a quote been seen that, by the rules, quotes nothing: inside a bare cell, or in a comment?
  bool saw_stray_quote() const { return stray_; }

 private:
  bool quoted_cell(const char*& p, RawCell& cell, RecordStatus& status);
  void bare_cell(const char*& p, RawCell& cell);
  bool is_blank(char c) const { return c == ' ' || (c == '\t' && dialect_.separator != '\t'); }
  bool at_separator(char c) const {
    return c == dialect_.separator || (c == '\t' && dialect_.runs_of_blanks());
  }
  const char* line_end(const char* p) const;
  std::string_view text_;
  CsvDialect dialect_;
  std::size_t fault_ = 0;
  bool stray_ = false, trimmed_ = false;
};

}  // namespace cairn
