#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cairn/base/error.h"
#include "cairn/data/cells.h"
#include "cairn/readers/arff_header_internal.h"
#include "cairn/readers/line_pieces_internal.h"

namespace cairn::readers_detail {
namespace {

constexpr const char* kJavaDefault = "yyyy-MM-dd'T'HH:mm:ss";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// y or yy outside quotes. Java places such years within 80 years before the day on which it reads them.
bool has_short_year(std::string_view format) {
  bool inside = false;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '\'') inside = !inside;
    if (inside || format[i] != 'y') continue;
    const std::size_t end = std::min(format.find_first_not_of('y', i), format.size());
    if (end - i < 3) return true;
    i = end - 1;
  }
  return false;
}

class HeaderParser {
 public:
  HeaderParser(std::string_view& text, const std::string& name) : text_(text), name_(name) {}

  ArffHeader parse() {
    while (!text_.empty()) {
      std::string_view line = next_line(text_);
      ++header_.lines;
      skip_blanks(line);
      if (line.empty() || line.starts_with('%')) continue;
      std::string word;
      bool quoted = false;
      take_word(line, "", word, quoted);
      word = lower(word);
      if (word == "@relation") continue;
      if (word == "@data") {
        if (header_.attributes.empty()) fail("@data comes before any @attribute");
        return std::move(header_);
      }
      if (word != "@attribute")
        fail(fmt::format("'{}' stands where @attribute or @data was expected", printable(word)));
      attribute(line);
    }
    fail("the header ends without @data");
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const {
    throw DataError(fmt::format("{}:{}", name_, header_.lines), what, hint);
  }

  void attribute(std::string_view line) {
    ArffAttribute a;
    bool quoted = false;
    if (!take_word(line, "{", a.name, quoted)) fail("a quote is never closed");
    skip_blanks(line);
    if (a.name.empty() || line.empty()) fail("@attribute needs a name and a type");
    if (!names_.insert(a.name).second)
      fail(fmt::format("attribute '{}' is declared twice; names must differ", printable(a.name)));
    if (line.starts_with('{')) {
      line.remove_prefix(1);
      nominal(line, a);
    } else {
      plain(line, a);
    }
    header_.attributes.push_back(std::move(a));
  }

  void nominal(std::string_view line, ArffAttribute& a) {
    a.type = ArffType::nominal;
    while (true) {
      skip_blanks(line);
      if (line.starts_with('}')) return;
      std::string value;
      bool quoted = false;
      if (!take_word(line, ",}", value, quoted)) fail("a quote is never closed");
      // Values with blanks should stand in quotes; some writers leave them bare.
      for (skip_blanks(line); !quoted && !line.empty() && line[0] != ',' && line[0] != '}';
           skip_blanks(line)) {
        std::string more;
        bool inner = false;
        if (!take_word(line, ",}", more, inner)) fail("a quote is never closed");
        value += ' ' + more;
      }
      if (line.empty()) fail(fmt::format("the values of '{}' are never closed with }}", printable(a.name)));
      if (!a.known.insert(value).second)
        fail(fmt::format("'{}' holds the value '{}' twice", printable(a.name), printable(value)));
      a.values.push_back(std::move(value));
      if (line.starts_with(',')) line.remove_prefix(1);
    }
  }

  void plain(std::string_view line, ArffAttribute& a) {
    std::string type;
    bool quoted = false;
    take_word(line, "", type, quoted);
    type = lower(type);
    if (type == "numeric" || type == "real" || type == "integer") return;
    if (type == "string") {
      a.type = ArffType::string;
      return;
    }
    if (type == "date") {
      a.type = ArffType::date;
      skip_blanks(line);
      if (line.empty() || line.starts_with('%'))
        a.format = kJavaDefault;
      else if (!take_word(line, "", a.format, quoted))
        fail("a quote is never closed");
      if (has_short_year(a.format))
        fail(fmt::format("the dates of '{}' have the form {}, whose short year (yy) does not say its century",
                         printable(a.name), printable(a.format)),
             "Write years of four digits, yyyy.");
      return;
    }
    if (type == "relational")
      fail(fmt::format("attribute '{}' is relational; a table has one value a cell", printable(a.name)));
    fail(fmt::format("'{}' is no type of an attribute", printable(type)),
         "There are numeric, real, integer, string, date and {value, value}.");
  }

  std::string_view& text_;
  const std::string& name_;
  ArffHeader header_;
  std::set<std::string> names_;
};

// A number of at least one and at most `most` digits.
bool take_digits(std::string_view& text, std::size_t most, int& value) {
  std::size_t n = 0;
  value = 0;
  while (n < text.size() && n < most && text[n] >= '0' && text[n] <= '9')
    value = value * 10 + (text[n++] - '0');
  text.remove_prefix(n);
  return n > 0;
}

}  // namespace

void skip_blanks(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
}

bool take_word(std::string_view& line, std::string_view stops, std::string& word, bool& quoted) {
  word.clear();
  skip_blanks(line);
  quoted = !line.empty() && (line[0] == '\'' || line[0] == '"');
  if (!quoted) {
    std::size_t n = 0;
    while (n < line.size() && line[n] != ' ' && line[n] != '\t' && stops.find(line[n]) == stops.npos) ++n;
    word.assign(line.substr(0, n));
    line.remove_prefix(n);
    return true;
  }
  const char quote = line[0];
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == quote) {
      line.remove_prefix(i + 1);
      return true;
    }
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      word += line[i] == 'n' ? '\n' : line[i] == 't' ? '\t' : line[i] == 'r' ? '\r' : line[i];
    } else {
      word += line[i];
    }
  }
  return false;
}

ArffHeader take_arff_header(std::string_view& text, const std::string& name) {
  return HeaderParser(text, name).parse();
}

bool iso_date(std::string_view text, std::string_view format, std::string& iso) {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, other = 0;
  while (!format.empty()) {
    const char letter = format[0];
    if (letter == '\'') {
      const std::size_t end = std::min(format.find('\'', 1), format.size());
      std::string_view literal = format.substr(1, end - 1);
      if (literal.empty()) literal = "'";
      if (!text.starts_with(literal)) return false;
      text.remove_prefix(literal.size());
      format.remove_prefix(std::min(end + 1, format.size()));
      continue;
    }
    std::size_t run = 1;
    while (run < format.size() && format[run] == letter) ++run;
    const bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (!is_letter) {
      if (!text.starts_with(format.substr(0, run))) return false;
      text.remove_prefix(run);
      format.remove_prefix(run);
      continue;
    }
    int* const field = letter == 'y'   ? &year
                       : letter == 'M' ? &month
                       : letter == 'd' ? &day
                       : letter == 'H' ? &hour
                       : letter == 'm' ? &minute
                       : letter == 's' ? &second
                       : letter == 'S' ? &other
                                       : nullptr;
    // Where another field follows at once, a field has as many digits as letters.
    const bool tight = run < format.size() && format[run] >= 'A' && format[run] <= 'z';
    if (!field || !take_digits(text, tight ? run : 9, *field)) return false;
    format.remove_prefix(run);
  }
  if (!text.empty()) return false;
  iso = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, month, day, hour, minute, second);
  return true;
}

}  // namespace cairn::readers_detail
