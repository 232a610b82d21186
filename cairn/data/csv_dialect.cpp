#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/data/csv_dialect_internal.h"

namespace cairn {
namespace {

constexpr std::size_t kSampleBytes = std::size_t{1} << 18;
constexpr std::size_t kSampleRecords = 200;
constexpr char kSeparators[] = {',', '\t', ';', '|', ' '};

using Record = std::vector<std::string>;

std::string word_for(char separator) {
  switch (separator) {
    case ',':
      return "comma";
    case '\t':
      return "tab";
    case ';':
      return "semicolon";
    case '|':
      return "bar";
    case ' ':
      return "blank";
    default:
      return fmt::format("'{}'", separator);
  }
}

char separator_option(const std::string& text) {
  static const std::map<std::string, char> words = {{"tab", '\t'},      {"\\t", '\t'},  {"comma", ','},
                                                    {"semicolon", ';'}, {"bar", '|'},   {"pipe", '|'},
                                                    {"blank", ' '},     {"space", ' '}, {"whitespace", ' '}};
  if (const auto it = words.find(text); it != words.end()) return it->second;
  if (text.size() != 1 || text[0] == '"' || text[0] == '\n' || text[0] == '\r' ||
      static_cast<unsigned char>(text[0]) >= 128)
    throw UsageError("--sep", fmt::format("'{}' cannot separate cells", text),
                     "Give one character, or tab, comma, semicolon, bar or blank.");
  return text[0];
}

// The records of the sample; a last record that the sample's end may have cut is left out. Long lines make it
// longer.
std::vector<Record> sample_records(std::string_view text, const CsvDialect& dialect,
                                   std::size_t* first_begin = nullptr, std::size_t* first_end = nullptr,
                                   std::size_t limit = kSampleBytes) {
  RecordReader reader(text.substr(0, limit), dialect);
  const bool cut = text.size() > limit;
  std::vector<Record> records;
  std::vector<RawCell> cells;
  std::string scratch;
  for (std::size_t at = 0; at < std::min(text.size(), limit) && records.size() < kSampleRecords;) {
    const std::size_t begin = at;
    const RecordStatus status = reader.read(at, cells);
    const bool cut_here = cut && (at >= limit || status == RecordStatus::unterminated_quote);
    if (cut_here && records.size() < 3)
      return sample_records(text, dialect, first_begin, first_end, 4 * limit);
    if (status == RecordStatus::blank || status == RecordStatus::comment) continue;
    if (status != RecordStatus::row || cut_here) break;
    if (records.empty() && first_begin) *first_begin = begin;
    if (records.empty() && first_end) *first_end = at;
    Record record;
    for (const RawCell& cell : cells) record.emplace_back(cell.value(dialect.quote, scratch));
    records.push_back(std::move(record));
  }
  return records;
}

struct SeparatorScore {
  char separator = ',';
  std::size_t columns = 1;
  double share = 0;  // of the records that have this many cells
  bool numeric = false;
};

SeparatorScore score(std::string_view text, CsvDialect dialect, char separator) {
  dialect.separator = separator;
  const std::vector<Record> records = sample_records(text, dialect);
  std::map<std::size_t, std::size_t> counts;
  for (const Record& r : records) ++counts[r.size()];
  SeparatorScore s{.separator = separator};
  std::size_t most = 0;
  for (const auto& [cells, n] : counts)
    if (n >= most) std::tie(s.columns, most) = std::pair(cells, n);
  if (records.empty() || s.columns < 2) return s;
  s.share = static_cast<double>(most) / static_cast<double>(records.size());
  std::size_t numbers = 0, all = 0;
  const CellRules rules{.na = default_na()};
  for (const Record& r : records)
    for (const std::string& cell : r) {
      ++all;
      numbers += rules.missing_spelling(cell) >= 0 || accepts(types_of(cell, rules), CellType::number);
    }
  s.numeric = 2 * numbers >= all;
  return s;
}

// In 1,5;2,7 both signs divide every line alike: the comma then stands between digits everywhere.
bool commas_are_decimal(std::string_view text) {
  text = text.substr(0, std::min(text.size(), kSampleBytes));
  const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  for (std::size_t at = text.find(','); at != text.npos; at = text.find(',', at + 1))
    if (at == 0 || !digit(at - 1) || !digit(at + 1)) return false;
  return true;
}

SeparatorScore guess_separator(std::string_view text, const CsvDialect& dialect) {
  SeparatorScore best;
  for (const char candidate : kSeparators) {
    const SeparatorScore s = score(text, dialect, candidate);
    if (s.columns < 2 || s.share < 0.5) continue;
    if (candidate == ' ' && (best.columns > 1 || s.share < 0.95 || !s.numeric)) continue;
    const bool semicolon_wins =
        candidate == ';' && s.share >= best.share && best.separator == ',' && commas_are_decimal(text);
    const bool better =
        s.share > best.share + 1e-9 || (s.share > best.share - 1e-9 && s.columns > best.columns);
    if (better || semicolon_wins) best = s;
  }
  return best;
}

bool is_number(const std::string& cell, const CellRules& rules) {
  return accepts(types_of(cell, rules), CellType::number);
}

// Decimal commas: some column's cells are numbers with a comma in them, and no cell is a number with a point.
bool has_decimal_commas(const std::vector<Record>& records) {
  const CellRules point{.decimal = '.', .na = default_na()}, comma{.decimal = ',', .na = default_na()};
  bool found = false;
  const std::size_t columns = records.empty() ? 0 : records.back().size();
  for (std::size_t c = 0; c < columns; ++c) {
    bool all_numbers = true, with_comma = false, not_groups = false;
    for (std::size_t r = 1; r < records.size(); ++r) {
      if (c >= records[r].size()) continue;
      const std::string& cell = records[r][c];
      if (point.missing_spelling(cell) >= 0) continue;
      if (cell.find('.') != cell.npos && is_number(cell, point)) return false;
      all_numbers = all_numbers && is_number(cell, comma);
      const auto at = cell.find(',');
      with_comma = with_comma || at != cell.npos;
      not_groups = not_groups || (at != cell.npos && (cell.size() - at != 4 || at > 4));
    }
    found = found || (all_numbers && with_comma && not_groups);
  }
  return found;
}

struct HeaderGuess {
  bool header = true;
  std::string why, doubt;
};

// One vote a column: text above numbers speaks for a header, a number above numbers against it.
HeaderGuess guess_header(const std::vector<Record>& records, const CellRules& rules) {
  const Record& first = records[0];
  if (records.size() == 1) {
    const bool numbers =
        std::any_of(first.begin(), first.end(), [&](const auto& c) { return is_number(c, rules); });
    return {!numbers, numbers ? "the only line has numbers" : "the only line has no numbers", ""};
  }
  constexpr CellTypes kValues = kAllCellTypes & ~bit_of(CellType::string);
  int yes = 0, no = 0;
  std::string example;
  bool recurs = false;
  for (std::size_t c = 0; c < first.size(); ++c) {
    CellTypes below = kAllCellTypes;
    int values = 0;
    for (std::size_t r = 1; r < records.size(); ++r) {
      if (c >= records[r].size() || rules.missing_spelling(records[r][c]) >= 0) continue;
      ++values;
      below &= types_of(records[r][c], rules);
      recurs = recurs || records[r][c] == first[c];
    }
    if (rules.missing_spelling(first[c]) >= 0) continue;
    const CellTypes above = types_of(first[c], rules);
    if (values > 0 && (below & kValues) != 0) {
      if ((above & below & kValues) != 0) {
        if (no++ == 0) example = first[c];
      } else {
        ++yes;
      }
    } else if ((above & bit_of(CellType::number)) != 0) {
      if (no++ == 0) example = first[c];
    }
  }
  if (yes > 0 && yes >= no)
    return {true, "line 1 is text where later lines have values",
            no > 0
                ? fmt::format(
                      "line 1 was taken for the header, but {} of its {} cells look like data (such as '{}')",
                      no, first.size(), printable(example))
                : ""};
  if (no > 0)
    return {
        false, "line 1 has values like the later lines",
        yes > 0
            ? fmt::format(
                  "line 1 was taken for data, but {} of its {} cells are text where later lines have values",
                  yes, first.size())
            : ""};
  if (recurs) return {false, "cells of line 1 come again below", ""};
  return {true, "nothing speaks against it",
          "all columns are text, so line 1 may be a header or data; it was taken for the header"};
}

void check_names(CsvLayout& layout, const std::string& name, std::int64_t line) {
  std::unordered_map<std::string, std::size_t> seen;
  std::vector<std::string> doubled, unnamed;
  for (std::size_t c = 0; c < layout.names.size(); ++c) {
    if (layout.names[c].empty()) {
      layout.names[c] = fmt::format("c{}", c);
      unnamed.push_back(layout.names[c]);
    }
    const auto [it, fresh] = seen.emplace(layout.names[c], c);
    if (!fresh && doubled.size() < 10)
      doubled.push_back(
          fmt::format("'{}' (columns {} and {})", printable(layout.names[c]), it->second + 1, c + 1));
  }
  if (!doubled.empty())
    throw DataError(
        fmt::format("{}:{}", name, line),
        fmt::format("column name{} {} stand{} twice; names must differ", doubled.size() == 1 ? "" : "s",
                    fmt::join(doubled, ", "), doubled.size() == 1 ? "s" : ""),
        "Rename one, or leave the line out and number the columns: --header no --skip " +
            std::to_string(line) + ".");
  if (unnamed.size() > 5) unnamed = {unnamed[0], unnamed[1], "...", unnamed.back()};
  if (!unnamed.empty())
    layout.warnings.push_back({"empty_column_name", "",
                               fmt::format("{}:{}: a column without a name is called by its place: {}.", name,
                                           line, fmt::join(unnamed, ", "))});
}

void settle_header(CsvLayout& layout, const std::vector<Record>& records, const std::string& name,
                   const ReadOptions& options, std::int64_t line) {
  if (!options.header.empty() && options.header != "yes" && options.header != "no")
    throw UsageError("--header", fmt::format("'{}' is neither yes nor no", options.header));
  if (options.header.empty()) {
    const HeaderGuess guess = guess_header(records, layout.rules);
    layout.has_header = guess.header;
    layout.guesses.push_back(fmt::format("header: {} ({})", guess.header ? "yes" : "no", guess.why));
    if (!guess.doubt.empty())
      layout.warnings.push_back({"header", "",
                                 fmt::format("{}:{}: {}. --header {} reads it the other way.", name, line,
                                             guess.doubt, guess.header ? "no" : "yes")});
  } else {
    layout.has_header = options.header == "yes";
  }
  if (layout.has_header) {
    layout.names = records[0];
  } else {
    for (std::size_t c = 0; c < records[0].size(); ++c) layout.names.push_back(fmt::format("c{}", c));
  }
}

std::size_t skip_lines(std::string_view text, std::int64_t lines, char newline, const std::string& name) {
  std::size_t at = 0;
  for (std::int64_t i = 0; i < lines; ++i) {
    const auto stop = text.find(newline, at);
    if (stop == text.npos)
      throw DataError(name,
                      fmt::format("has only {} lines; --skip {} leaves none", i + (at < text.size()), lines));
    at = stop + 1;
  }
  return at;
}

}  // namespace

std::string printable(std::string_view cell) {
  std::string text;
  std::size_t length = std::min<std::size_t>(cell.size(), 60);
  while (length < cell.size() && length > 0 && (static_cast<unsigned char>(cell[length]) & 0xC0) == 0x80)
    --length;
  for (const char c : cell.substr(0, length)) {
    if (static_cast<unsigned char>(c) >= 32 && c != 127)
      text += c;
    else if (c == '\n')
      text += "\\n";
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return length < cell.size() ? text + "..." : text;
}

std::int64_t line_of(std::string_view text, std::size_t at, char newline) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size())),
                        newline);
}

char quote_option(const ReadOptions& options) {
  if (options.quote.empty()) return '"';
  if (options.quote == "none") return 0;
  if (options.quote.size() != 1 || static_cast<unsigned char>(options.quote[0]) >= 128 ||
      options.quote[0] == '\n')
    throw UsageError("--quote", fmt::format("'{}' cannot quote cells", options.quote),
                     "Give one character, or none.");
  return options.quote[0];
}

void refuse_other_encodings(std::string_view text, const std::string& name) {
  const auto begins = [&](std::string_view mark) { return text.starts_with(mark); };
  const char* encoding = nullptr;
  using namespace std::string_view_literals;
  if (begins("\xff\xfe\0\0"sv) || begins("\0\0\xfe\xff"sv))
    encoding = "UTF-32";
  else if (begins("\xff\xfe") || begins("\xfe\xff"))
    encoding = "UTF-16";
  const std::string_view head = text.substr(0, 1 << 12);
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0';
  const std::size_t most = std::max(zeros[0], zeros[1]), least = std::min(zeros[0], zeros[1]);
  if (!encoding && head.size() >= 4 && most > head.size() / 4 && least <= head.size() / 32)
    encoding = "UTF-16";
  if (encoding)
    throw DataError(name, fmt::format("is {} text; tables are read as UTF-8", encoding),
                    fmt::format("Convert it: iconv -f {} -t UTF-8 IN > OUT.", encoding));
}

CsvLayout guess_layout(std::string_view text, const std::string& name, const ReadOptions& options,
                       char quote) {
  CsvLayout layout;
  layout.dialect.quote = quote;
  layout.dialect.comment = options.comment;
  const std::string_view head = text.substr(0, std::min(text.size(), kSampleBytes));
  if (head.find('\n') == head.npos && head.find('\r') != head.npos) {
    layout.dialect.newline = '\r';
    layout.guesses.push_back("lines end with: CR");
  }
  const std::size_t start = skip_lines(text, options.skip, layout.dialect.newline, name);
  const std::string_view rest = text.substr(start);
  if (options.separator.empty()) {
    const SeparatorScore best = guess_separator(rest, layout.dialect);
    layout.dialect.separator = best.separator;
    layout.separator_guessed = true;
    layout.guesses.push_back(best.columns > 1 ? fmt::format("separator: {}", word_for(best.separator))
                                              : "separator: none found (one column)");
  } else {
    layout.dialect.separator = separator_option(options.separator);
  }
  if (layout.dialect.separator == quote)
    throw UsageError("--sep", fmt::format("'{}' separates and quotes cells at once", quote),
                     "Give --quote none.");
  std::size_t first_begin = 0, first_end = 0;
  const std::vector<Record> records = sample_records(rest, layout.dialect, &first_begin, &first_end);
  if (records.empty()) {
    std::size_t at = 0;
    std::vector<RawCell> cells;
    RecordReader reader(rest, layout.dialect);
    RecordStatus status = RecordStatus::blank;
    while (at < rest.size() && (status == RecordStatus::blank || status == RecordStatus::comment))
      status = reader.read(at, cells);
    if (status == RecordStatus::blank || status == RecordStatus::comment)
      throw DataError(name, rest.empty() ? "is empty; a table has a header line and rows"
                                         : "has no lines but blank ones and comments");
    layout.body = start + at;  // the quoting error of the first record is reported by whoever reads the rows
    layout.has_header = false;
    return layout;
  }
  layout.rules.na = options.na.empty() ? default_na() : options.na;
  layout.rules.thousands = options.thousands;
  layout.rules.decimal = options.decimal;
  if (options.decimal == 0) {
    layout.rules.decimal = layout.dialect.separator != ',' && has_decimal_commas(records) ? ',' : '.';
    if (layout.rules.decimal == ',') layout.guesses.push_back("decimal sign: comma");
  }
  const std::int64_t line = line_of(text, start + first_begin, layout.dialect.newline);
  settle_header(layout, records, name, options, line);
  layout.first = start + first_begin;
  layout.body = start + (layout.has_header ? first_end : first_begin);
  if (layout.has_header) check_names(layout, name, line);
  return layout;
}

}  // namespace cairn
