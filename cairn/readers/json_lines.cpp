#include "cairn/readers/json_lines.h"

#include <fmt/format.h>

#include <simdjson.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <type_traits>
#include <unordered_map>

#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/line_pieces_internal.h"

namespace cairn {
namespace {

using namespace readers_detail;
namespace dom = simdjson::dom;
using JsonValue = nlohmann::json;

constexpr std::string_view kBlank = " \t\r\n";
constexpr int kMostDeep = 64;
constexpr std::int64_t kBlockRows = 1 << 14;  // of one array of objects
// Cells of a piece that has mostly empty ones: beyond it, the keys of the rows have nothing in common.
constexpr std::int64_t kMostCells = 1 << 20, kMostEmpty = 32;

struct Fault {
  std::int64_t row = 0;  // line of the piece, or number of the record
  std::string what, hint;
};

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

// Rows of JSON values, as the events of a parser tell them: cells under the names of their paths.
class RowEvents {
 public:
  // Rows are what stands at this depth: 0 on lines, 1 in one array.
  RowEvents(std::size_t row_depth, const std::vector<std::string>& header)
      : row_depth_(row_depth), header_(header) {}

  bool null() { return value({}); }
  bool boolean(bool v) { return value(v ? "true" : "false"); }
  // As a text table would spell it.
  template <class T>
  bool number(T v) {
    std::array<char, 32> digits{};
    char* end = std::to_chars(digits.data(), digits.data() + digits.size() - 2, v).ptr;
    if constexpr (std::is_floating_point_v<T>)
      if (std::find_if(digits.data(), end, [](char c) { return c == '.' || c == 'e' || c == 'n'; }) == end)
        *end++ = '.', *end++ = '0';
    return value({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  bool digits(std::string_view text) { return value(text); }
  bool string(std::string_view text) {
    if (text.find('\0') != text.npos) return fail("a text holds a zero byte (\\u0000)");
    return value(text);
  }
  bool key(std::string_view text) {
    Level& level = levels_.back();
    path_.resize(level.prefix);
    path_ += text;
    level.named = true;
    return true;
  }
  bool start_object() { return start(false); }
  bool start_array() { return start(true); }
  bool end() {
    const bool row = levels_.size() == row_depth_ + 1;
    if (row && !check_cells()) return false;
    levels_.pop_back();
    if (row && row_depth_ == 1) {
      if (!end_row(row_ + 1)) return false;
      if (block_.num_rows() == kBlockRows) full_blocks.push_back(take());
    }
    return true;
  }

  // The row that a parser has just read is complete.
  bool end_row(std::int64_t row) {
    row_ = row;
    const std::int64_t cells = block_.num_rows() * static_cast<std::int64_t>(block_.num_columns());
    if (cells > kMostCells && cells > kMostEmpty * cells_)
      return fail(fmt::format("{} different keys in {} rows: hardly any two rows have one in common",
                              block_.num_columns(), block_.num_rows()),
                  "Is this a table? Rows should have their keys in common.");
    block_.end_row(row);
    expected_ = 0;
    return true;
  }
  void at_row(std::int64_t row) { row_ = row; }
  CellBlock take() {
    index_.clear();
    cells_ = 0;
    return std::exchange(block_, {});
  }
  const CellBlock& block() const { return block_; }
  const std::optional<Fault>& fault() const { return fault_; }
  bool fail(std::string what, std::string hint = {}) {
    if (!fault_) fault_ = Fault{row_, std::move(what), std::move(hint)};
    return false;
  }
  // How many cells rows have that are arrays; objects: -1; no row yet: -2.
  std::int64_t array_cells() const { return array_cells_; }
  // Rows of one array are told as they end.
  std::vector<CellBlock> full_blocks;

 private:
  struct Level {
    bool array = false, named = false;
    std::size_t prefix = 0;
    std::int64_t next = 0;  // of an array
  };

  bool in_array_row() const { return levels_.size() == row_depth_ + 1 && levels_.back().array; }

  // The path of the value that follows, in path_.
  bool name_value() {
    Level& level = levels_.back();
    if (!level.array) return true;
    path_.resize(level.prefix);
    const std::int64_t i = level.next++;
    if (!in_array_row())
      path_ += fmt::format("{}", i);
    else if (header_.empty())
      path_ += fmt::format("c{}", i);
    else if (i < std::ssize(header_))
      path_ += header_[static_cast<std::size_t>(i)];
    else
      return fail(fmt::format("the row has more than the {} cells of the header", header_.size()));
    return true;
  }

  bool value(std::string_view text) {
    if (levels_.size() <= row_depth_)
      return fail(fmt::format("'{}' is neither an object nor an array; a row was expected", printable(text)),
                  "A row is {\"name\": value, ...} or [value, ...].");
    if (!name_value()) return false;
    ++cells_;
    if (!block_.set(column(), text)) return fail(fmt::format("'{}' stands twice in it", printable(path_)));
    return true;
  }

  // Rows mostly have the same keys in the same order.
  std::size_t column() {
    if (expected_ < block_.num_columns() && block_.name(expected_) == path_) return expected_++;
    const auto [it, fresh] = index_.try_emplace(path_, block_.num_columns());
    if (fresh) block_.add_column(path_);
    expected_ = it->second + 1;
    return it->second;
  }

  bool start(bool array) {
    if (std::ssize(levels_) >= kMostDeep)
      return fail(fmt::format("values stand more than {} levels deep in each other", kMostDeep));
    if (levels_.size() > row_depth_) {
      if (!name_value()) return false;
      path_ += '.';
    } else {
      path_.clear();
    }
    levels_.push_back({array, false, path_.size(), 0});
    return true;
  }

  // Rows that are arrays have one length.
  bool check_cells() {
    const std::int64_t cells = levels_.back().array ? levels_.back().next : -1;
    if (array_cells_ == -2) array_cells_ = cells;
    const std::int64_t wanted = header_.empty() || array_cells_ < 0 ? array_cells_ : std::ssize(header_);
    if (cells == wanted) return true;
    if (cells < 0 || wanted < 0)
      return fail("some rows are objects and some are arrays", "Write all rows in one way.");
    return fail(fmt::format("the row has {} cells, the rows before it have {}", cells, wanted),
                "null is a missing cell.");
  }

  std::size_t row_depth_;
  const std::vector<std::string>& header_;
  CellBlock block_;
  std::unordered_map<std::string, std::size_t> index_;
  std::size_t expected_ = 0;
  std::vector<Level> levels_;
  std::string path_;
  std::int64_t row_ = 0, cells_ = 0, array_cells_ = -2;
  std::optional<Fault> fault_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 17: syntax error while ... last read:
// '{"a": N'"
void explain(std::string_view said, RowEvents& events) {
  const auto column = said.find("column ");
  const auto colon = column == said.npos ? column : said.find(": ", column);
  if (colon == said.npos) {
    events.fail(fmt::format("is no JSON: {}", printable(said.substr(said.find(']') + 1))));
    return;
  }
  const bool nan = said.ends_with("N'") || said.ends_with("I'");
  events.fail(fmt::format("is no JSON at character {}: {}", said.substr(column + 7, colon - column - 7),
                          said.substr(colon + 2, 200)),
              nan ? "JSON knows no NaN and no infinity; null stands for what is missing." : "");
}

// A value's cells, as simdjson has parsed it. False when `events` has found a fault.
bool walk(dom::element value, RowEvents& events) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      if (!events.start_array()) return false;
      for (const dom::element child : dom::array(value))
        if (!walk(child, events)) return false;
      return events.end();
    case dom::element_type::OBJECT:
      if (!events.start_object()) return false;
      for (const dom::key_value_pair field : dom::object(value))
        if (!events.key(field.key) || !walk(field.value, events)) return false;
      return events.end();
    case dom::element_type::INT64:
      return events.number(std::int64_t(value));
    case dom::element_type::UINT64:
      return events.number(std::uint64_t(value));
    case dom::element_type::DOUBLE:
      return events.number(double(value));
    case dom::element_type::STRING:
      return events.string(std::string_view(value));
    case dom::element_type::BOOL:
      return events.boolean(bool(value));
    default:
      return events.null();
  }
}

// The same as nlohmann's parser tells it, in the text's order and with every key: what it would keep is
// neither.
class SlowEvents {
 public:
  explicit SlowEvents(RowEvents& events) : events_(events) {}
  bool null() { return events_.null(); }
  bool boolean(bool v) { return events_.boolean(v); }
  bool number_integer(std::int64_t v) { return events_.number(v); }
  bool number_unsigned(std::uint64_t v) { return events_.number(v); }
  // A whole number beyond 64 bits keeps its digits, as in a text table.
  bool number_float(double v, const std::string& text) {
    return text.find_first_of(".eE") == text.npos ? events_.digits(text) : events_.number(v);
  }
  bool string(const std::string& text) { return events_.string(text); }
  bool binary(const std::vector<std::uint8_t>&) { return events_.null(); }  // JSON has none
  bool start_object(std::size_t) { return events_.start_object(); }
  bool key(const std::string& text) { return events_.key(text); }
  bool end_object() { return events_.end(); }
  bool start_array(std::size_t) { return events_.start_array(); }
  bool end_array() { return events_.end(); }
  bool parse_error(std::size_t, const std::string&, const JsonValue::exception& error) {
    explain(error.what(), events_);
    return false;
  }

 private:
  RowEvents& events_;
};

// Reads JSON values one after the other: simdjson is some ten times as fast as nlohmann's parser, which is
// asked where a text is faulty, and for whole numbers beyond 64 bits, which only it reads.
class ValueReader {
 public:
  // `behind`: bytes that may be read from the text's beginning on.
  void read(std::string_view text, std::size_t behind, RowEvents& events) {
    if (behind < text.size() + simdjson::SIMDJSON_PADDING) {
      copy_.assign(text);
      copy_.resize(text.size() + simdjson::SIMDJSON_PADDING);
      text = std::string_view(copy_).substr(0, text.size());
    }
    dom::element value;
    if (parser_.parse(text.data(), text.size(), false).get(value) == simdjson::SUCCESS) {
      walk(value, events);
      return;
    }
    SlowEvents slow(events);
    JsonValue::sax_parse(text, &slow);
  }

 private:
  dom::parser parser_;
  std::string copy_;
};

struct Piece {
  CellBlock block;
  std::int64_t lines = 0, array_cells = -2;
  std::optional<Fault> fault;
};

// `end` is that of the whole text.
Piece parse_piece(std::string_view text, const char* end, const std::vector<std::string>& header) {
  Piece piece;
  RowEvents events(0, header);
  ValueReader reader;
  while (!text.empty() && !events.fault()) {
    const std::string_view line = trimmed(next_line(text));
    events.at_row(++piece.lines);
    if (line.empty()) continue;
    const auto behind = static_cast<std::size_t>(end - line.data());
    reader.read(line, behind, events);
    if (!events.fault()) events.end_row(piece.lines);
  }
  piece.fault = events.fault();
  piece.array_cells = events.array_cells();
  piece.block = events.take();
  return piece;
}

// The names in a first line of strings alone, when the second line holds something else or --header says so.
std::vector<std::string> header_of(std::string_view& text, const ReadOptions& options, std::int64_t& lines) {
  if (options.header == "no") return {};
  std::string_view rest = text, first;
  std::int64_t skipped = 0;
  while (!rest.empty() && first.empty()) first = trimmed(next_line(rest)), ++skipped;
  const JsonValue names = JsonValue::parse(first, nullptr, false);
  if (!names.is_array() || names.empty()) return {};
  std::set<std::string> distinct;
  for (const JsonValue& name : names) {
    if (!name.is_string() || name.get_ref<const std::string&>().empty()) return {};
    distinct.insert(name.get<std::string>());
  }
  if (distinct.size() != names.size()) return {};
  std::string_view later = rest, second;
  while (!later.empty() && second.empty()) second = trimmed(next_line(later));
  const JsonValue row = JsonValue::parse(second, nullptr, false);
  const bool other = row.is_array() && std::ranges::any_of(row, [](const JsonValue& v) {
                       return !v.is_string() && !v.is_null();
                     });
  if (options.header != "yes" && !other) return {};
  text = rest;
  lines = skipped;
  return names.get<std::vector<std::string>>();
}

std::vector<CellBlock> blocks_of_lines(std::string_view text, const std::string& name,
                                       const ReadOptions& options, std::vector<std::string>& header) {
  std::int64_t lines = 0;
  header = header_of(text, options, lines);
  const auto parts = line_pieces(text);
  std::vector<Piece> pieces(parts.size());
  parallel_for(
      std::ssize(parts), 1,
      [&](std::int64_t i, std::int64_t) {
        const auto p = static_cast<std::size_t>(i);
        pieces[p] = parse_piece(parts[p], text.data() + text.size(), header);
      },
      options.stop);
  std::vector<CellBlock> blocks;
  std::int64_t array_cells = -2;
  for (Piece& piece : pieces) {
    if (piece.fault)
      throw DataError(fmt::format("{}:{}", name, lines + piece.fault->row), piece.fault->what,
                      piece.fault->hint);
    if (piece.array_cells != -2 && array_cells != -2 && piece.array_cells != array_cells)
      throw DataError(fmt::format("{}:{}", name, lines + piece.block.line(0)),
                      piece.array_cells < 0 || array_cells < 0
                          ? "some rows are objects and some are arrays"
                          : fmt::format("the row has {} cells, the rows before it have {}", piece.array_cells,
                                        array_cells),
                      "Write all rows in one way.");
    if (piece.array_cells != -2) array_cells = piece.array_cells;
    piece.block.move_lines(lines);
    lines += piece.lines;
    blocks.push_back(std::move(piece.block));
  }
  return blocks;
}

std::vector<CellBlock> blocks_of_array(std::string_view text, const std::string& name,
                                       const ReadOptions& options) {
  const std::vector<std::string> no_header;
  RowEvents events(1, no_header);
  text = trimmed(text);
  if (text.size() >= simdjson::SIMDJSON_MAXSIZE_BYTES)
    throw ResourceError(name, "one array of more than 4 GB is not read",
                        "Write an object a line: jq -c '.[]' IN > OUT.");
  ValueReader().read(text, text.size(), events);
  options.stop.throw_if_requested("reading");
  if (const auto& fault = events.fault())
    throw DataError(fmt::format("{}, after record {}", name, fault->row), fault->what, fault->hint);
  std::vector<CellBlock> blocks = std::move(events.full_blocks);
  blocks.push_back(events.take());
  return blocks;
}

// One array of rows, and not a line of it for each row.
bool is_one_array(std::string_view text) {
  std::string_view head = trimmed(text.substr(0, 1 << 12));
  if (!head.starts_with('[')) return false;
  head = head.substr(1);
  head.remove_prefix(std::min(head.find_first_not_of(kBlank), head.size()));
  if (head.starts_with('{')) return true;
  const std::string_view all = trimmed(text), first = all.substr(0, all.find('\n'));
  return head.starts_with('[') && (first.size() == all.size() || !JsonValue::accept(first));
}

bool sniff(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(kBlank), bytes.size()));
  if (bytes.empty() || (bytes[0] != '{' && bytes[0] != '[')) return false;
  if (is_one_array(bytes)) return true;
  const auto end = bytes.find('\n');
  if (end == bytes.npos && bytes.size() >= (std::size_t{1} << 15))  // a long row, cut off
    return bytes.starts_with("{\"") || bytes[0] == '[';
  return JsonValue::accept(trimmed(bytes.substr(0, end)));
}

}  // namespace

ReadResult read_json_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (trimmed(text).empty()) throw DataError(name, "is empty; an object or an array a line was expected");
  const bool one_array = is_one_array(text);
  CellSource source{.where = name, .row_word = one_array ? "record" : ""};
  std::vector<std::string> header;
  std::vector<CellBlock> blocks =
      one_array ? blocks_of_array(text, name, options) : blocks_of_lines(text, name, options, header);
  ReadResult result = table_of_cells(std::move(blocks), source, options);
  if (!header.empty()) result.guesses.insert(result.guesses.begin(), "header: yes (line 1 holds only texts)");
  if (one_array) result.guesses.insert(result.guesses.begin(), "rows: the elements of one array");
  return result;
}

ReadResult read_json_lines(const std::string& path, const ReadOptions& options) {
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  ReadResult result = read_json_text(input.bytes(), path == "-" ? "standard input" : path, options);
  if (input.encoding() != "plain")
    result.guesses.insert(result.guesses.begin(), "compression: " + input.encoding());
  if (options.sha256) result.sha256 = sha256_hex(input.bytes());
  return result;
}

const Reader kJsonReader = {
    .name = "json",
    .doc =
        "JSON lines: an object or an array a line; nested values as columns a.b and a.0. One array of "
        "objects too.",
    .sniff = &sniff,
    .read = &read_json_lines,
};

}  // namespace cairn
