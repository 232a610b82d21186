#include "cairn/readers/arff.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "cairn/base/hash.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/infer.h"
#include "cairn/data/no_rows.h"
#include "cairn/data/typed_columns.h"
#include "cairn/readers/arff_header_internal.h"
#include "cairn/readers/line_pieces_internal.h"

namespace cairn {
namespace {

using namespace readers_detail;

constexpr double kMostlyStated = 0.5;

struct Fault {
  std::int64_t line = 0;
  std::string what, hint;
};

// The rows of one piece of the file. Numeric cells of sparse rows are kept as entries of their own.
struct Piece {
  CellBlock block;
  std::vector<std::int32_t> indices;
  std::vector<double> values;
  std::vector<std::int64_t> ends;  // of each row's entries
  std::int64_t lines = 0;
  bool sparse = false;
  std::optional<Fault> fault;
};

class RowParser {
 public:
  explicit RowParser(const std::vector<ArffAttribute>& attributes) : attributes_(attributes) {}

  Piece parse(std::string_view text) {
    while (!text.empty() && !piece_.fault) {
      std::string_view line = next_line(text);
      ++piece_.lines;
      skip_blanks(line);
      if (line.empty() || line.starts_with('%')) continue;
      if (piece_.block.num_rows() == 0) begin(line.starts_with('{'));
      if (line.starts_with('{') != piece_.sparse) {
        fail("some rows are sparse, in braces, and some are not", "Write all rows in one way.");
        break;
      }
      piece_.sparse ? sparse_row(line) : dense_row(line);
      piece_.block.end_row(piece_.lines);
      piece_.ends.push_back(std::ssize(piece_.values));
    }
    return std::move(piece_);
  }

 private:
  // The block's columns: none for the numbers of sparse rows. What a sparse row leaves out is the first
  // value.
  void begin(bool sparse) {
    piece_.sparse = sparse;
    for (const ArffAttribute& a : attributes_) {
      place_.push_back(piece_.block.num_columns());
      if (!sparse)
        piece_.block.add_column(a.name);
      else if (a.type != ArffType::numeric)
        piece_.block.add_column(a.name, a.values.empty() ? "" : a.values[0]);
    }
  }

  void fail(std::string what, std::string hint = {}) {
    if (!piece_.fault) piece_.fault = Fault{piece_.lines, std::move(what), std::move(hint)};
  }

  // The next cell's text into word_; false at a fault.
  bool cell(std::string_view& line, std::string_view stops, bool& quoted) {
    if (!take_word(line, stops, word_, quoted)) {
      fail("the quote that begins here is never closed", "A quote inside quotes is written \\'.");
      return false;
    }
    for (skip_blanks(line); !quoted && !line.empty() && stops.find(line[0]) == stops.npos;
         skip_blanks(line)) {
      if (line[0] == '%') {  // a remark behind the row
        line = {};
        break;
      }
      bool inner = false;
      if (!take_word(line, stops, more_, inner)) {
        fail("the quote that begins here is never closed", "A quote inside quotes is written \\'.");
        return false;
      }
      word_ += ' ';
      word_ += more_;
    }
    return true;
  }

  // The cell in word_ as a text table would have it.
  bool accept(const ArffAttribute& a, bool quoted) {
    if (word_ == "?" && !quoted) {
      word_.clear();
    } else if (a.type == ArffType::nominal && !a.known.contains(word_)) {
      fail(fmt::format("'{}' is none of the {} values that the header gives '{}'", printable(word_),
                       a.values.size(), printable(a.name)),
           suggestion(word_, a.values));
      return false;
    } else if (a.type == ArffType::date && !iso_date(word_, a.format, more_)) {
      fail(fmt::format("'{}' is no date of '{}' in the form {}", printable(word_), printable(a.name),
                       a.format));
      return false;
    } else if (a.type == ArffType::date) {
      word_ = more_;
    }
    return true;
  }

  void dense_row(std::string_view line) {
    std::size_t c = 0;
    while (true) {
      skip_blanks(line);
      if (c == attributes_.size() && line.starts_with('{'))
        return fail("the row ends in a weight in braces, which is not read", "Make it an attribute.");
      bool quoted = false;
      if (!cell(line, ",", quoted)) return;
      if (c < attributes_.size()) {
        if (!accept(attributes_[c], quoted)) return;
        piece_.block.set(c, word_);
      }
      ++c;
      if (line.empty() || line[0] == '%') break;
      if (line[0] != ',')
        return fail(fmt::format("'{}' follows a quoted cell; a comma was expected", printable(line)));
      line.remove_prefix(1);
    }
    if (c != attributes_.size())
      fail(fmt::format("the row has {} cell{}, the header has {} attributes", c, c == 1 ? "" : "s",
                       attributes_.size()),
           "A cell that holds a comma must stand in quotes.");
  }

  void sparse_row(std::string_view line) {
    line.remove_prefix(1);
    std::int64_t last = -1;
    while (true) {
      skip_blanks(line);
      if (line.starts_with('}')) return end_sparse_row(line.substr(1));
      bool quoted = false;
      if (!take_word(line, ",}", word_, quoted)) return fail("a quote is never closed");
      std::int32_t index = -1;
      const auto [stop, error] = std::from_chars(word_.data(), word_.data() + word_.size(), index);
      if (error != std::errc{} || stop != word_.data() + word_.size() || index < 0 ||
          at(index) >= attributes_.size())
        return fail(fmt::format("'{}' is no number of an attribute, 0 to {}", printable(word_),
                                attributes_.size() - 1),
                    "A sparse row is {number value, number value}.");
      if (index <= last)
        return fail(fmt::format("attribute {} stands after attribute {}", index, last),
                    "The attributes of a sparse row stand in ascending order, each once.");
      last = index;
      if (!cell(line, ",}", quoted)) return;
      if (!sparse_cell(attributes_[at(index)], index, quoted)) return;
      if (line.empty()) return fail("the sparse row is never closed with }");
      if (line[0] == ',')
        line.remove_prefix(1);
      else if (line[0] != '}')
        return fail(fmt::format("'{}' follows a quoted cell; a comma was expected", printable(line)));
    }
  }

  void end_sparse_row(std::string_view rest) {
    skip_blanks(rest);
    if (rest.starts_with(',') || rest.starts_with('{'))
      return fail("the row ends in a weight in braces, which is not read", "Make it an attribute.");
    if (!rest.empty() && rest[0] != '%')
      fail(fmt::format("'{}' follows the row's closing brace", printable(rest)), "A row ends its line.");
  }

  bool sparse_cell(const ArffAttribute& a, std::int32_t index, bool quoted) {
    if (!accept(a, quoted)) return false;
    if (a.type != ArffType::numeric) {
      piece_.block.set(place_[at(index)], word_);
      return true;
    }
    double value = std::numeric_limits<double>::quiet_NaN();
    if (!word_.empty() && parse_number(word_, {}, value) != NumberStatus::ok) {
      fail(fmt::format("'{}' is not a finite number, which '{}' is declared to hold", printable(word_),
                       printable(a.name)));
      return false;
    }
    piece_.indices.push_back(index);
    piece_.values.push_back(value);
    return true;
  }

  const std::vector<ArffAttribute>& attributes_;
  Piece piece_;
  std::string word_, more_;
  std::vector<std::size_t> place_;  // of each attribute, in the block
};

std::string layout_argument(const ReadOptions& options) {
  const auto found = options.arguments.find("layout");
  if (found == options.arguments.end()) return {};
  if (found->second != "sparse" && found->second != "columns")
    throw UsageError("arff", fmt::format("layout={} is none of sparse, columns", found->second));
  return found->second;
}

// The numeric entries of all pieces as one column, and the names it has.
Column sparse_column(std::vector<Piece>& pieces, const std::vector<ArffAttribute>& attributes) {
  std::vector<std::int32_t> place(attributes.size(), -1);
  std::vector<std::string> names;
  for (std::size_t c = 0; c < attributes.size(); ++c)
    if (attributes[c].type == ArffType::numeric) {
      place[c] = static_cast<std::int32_t>(names.size());
      names.push_back(attributes[c].name);
    }
  std::vector<std::int64_t> ends{0};
  std::vector<std::int32_t> indices;
  std::vector<double> values;
  for (Piece& p : pieces) {
    for (const std::int64_t end : p.ends) ends.push_back(std::ssize(values) + end);
    for (const std::int32_t i : p.indices) indices.push_back(place[at(i)]);
    values.insert(values.end(), p.values.begin(), p.values.end());
    p.indices = {};
    p.values = {};
  }
  const auto width = std::ssize(names);
  return Column::features("features",
                          Matrix::from_csr(width, Tensor::take(std::move(ends)),
                                           Tensor::take(std::move(indices)), Tensor::take(std::move(values))),
                          std::move(names));
}

// The numeric entries as columns of their own, in the order of their attributes.
void add_numbers(const std::vector<Piece>& pieces, const std::vector<ArffAttribute>& attributes,
                 std::int64_t rows, std::vector<Column>& columns) {
  constexpr double kExact = 9007199254740992;  // 2^53
  std::vector<std::vector<double>> numbers(attributes.size());
  for (std::size_t c = 0; c < attributes.size(); ++c)
    if (attributes[c].type == ArffType::numeric) numbers[c].assign(at(rows), 0);
  std::size_t row = 0;
  for (const Piece& p : pieces) {
    std::size_t e = 0;
    for (const std::int64_t end : p.ends) {
      for (; e < at(end); ++e) numbers[at(p.indices[e])][row] = p.values[e];
      ++row;
    }
  }
  for (std::size_t c = 0; c < attributes.size(); ++c) {
    std::vector<double>& v = numbers[c];
    if (v.empty()) continue;
    if (std::ranges::all_of(v, [](double x) { return x == std::floor(x) && std::abs(x) <= kExact; }))
      columns.push_back(
          Column::integer(attributes[c].name, Tensor::take(std::vector<std::int64_t>(v.begin(), v.end()))));
    else
      columns.push_back(Column::number(attributes[c].name, Tensor::take(std::move(v))));
  }
}

// --types names attributes; a number that shares a column with others can be nothing but a number.
void check_types(const std::vector<ArffAttribute>& attributes, bool columns, const std::string& where,
                 const ReadOptions& options) {
  std::vector<std::string> names;
  for (const ArffAttribute& a : attributes) names.push_back(a.name);
  for (const auto& [name, kind] : options.types) {
    const auto a = std::ranges::find(attributes, name, &ArffAttribute::name);
    if (a == attributes.end())
      throw UsageError("--types", fmt::format("{} has no column '{}'", where, name), suggestion(name, names));
    if (a->type == ArffType::numeric && !columns && kind != ColumnKind::number && kind != ColumnKind::integer)
      throw UsageError(
          "--types",
          fmt::format("'{}' of {} is one of the numbers that sparse rows keep together, and cannot be "
                      "read as {}",
                      name, where, name_of(kind)),
          "Give each a column of its own: 'arff:FILE?layout=columns'.");
  }
}

ReadResult sparse_table(std::vector<Piece> pieces, const std::vector<ArffAttribute>& attributes,
                        CellSource source, const ReadOptions& options) {
  std::int64_t rows = 0, numeric = 0;
  double stated = 0;
  for (const ArffAttribute& a : attributes) numeric += a.type == ArffType::numeric;
  std::vector<CellBlock> blocks;
  for (Piece& p : pieces) {
    rows += p.block.num_rows();
    stated += static_cast<double>(p.values.size());
    blocks.push_back(std::move(p.block));
  }
  const double cells = static_cast<double>(rows) * static_cast<double>(numeric);
  const double share = cells > 0 ? stated / cells : 1;
  const std::string layout = layout_argument(options);
  const bool columns = layout.empty() ? !options.schema && share >= kMostlyStated : layout == "columns";
  const auto other = std::ssize(attributes) - numeric;
  const double dense = sizeof(std::int64_t) * static_cast<double>(rows) * static_cast<double>(other) +
                       (columns ? cells * sizeof(double) : 0);
  if (dense > static_cast<double>(options.max_memory > 0 ? options.max_memory : InputLimits{}.max_bytes))
    throw ResourceError(
        source.where,
        fmt::format("{} rows of {} columns need {:.0f} MB", rows, columns ? numeric + other : other,
                    dense / 1e6),
        columns ? "layout=sparse keeps only the numbers that are stated."
                : "--max-memory sets how much may be read; nominal attributes take a cell a row.");
  check_types(attributes, columns, source.where, options);
  ReadOptions of_cells = options;
  ReadOptions of_numbers = options;
  for (const ArffAttribute& a : attributes)
    (a.type == ArffType::numeric ? of_cells : of_numbers).types.erase(a.name);
  ReadResult result;
  std::vector<Column> made;
  source.names.clear();
  for (const ArffAttribute& a : attributes)
    if (a.type != ArffType::numeric) source.names.push_back(a.name);
  if (!source.names.empty()) {
    result = table_of_cells(std::move(blocks), source, of_cells);
    made = std::move(result.table).columns();
  }
  if (!options.schema && numeric > 0)
    result.guesses.push_back(
        fmt::format("layout: {} ({} numeric attributes, {:.3g} % of their values are stated)",
                    columns ? "columns" : "sparse", numeric, 100 * share));
  if (columns) {
    std::vector<Column> numbers;
    add_numbers(pieces, attributes, rows, numbers);
    if (!of_numbers.types.empty())  // a kind that the person states
      numbers = table_of_columns(std::move(numbers), source.where, of_numbers).table.columns();
    made.insert(made.end(), numbers.begin(), numbers.end());
  }
  if (!columns && numeric > 0) made.push_back(sparse_column(pieces, attributes));
  result.table = Table(std::move(made));
  if (options.schema) result.table = options.schema->in_form(result.table, &result.warnings);
  result.schema = Schema::of(result.table);
  return result;
}

std::vector<Piece> parse_rows(std::string_view text, const ArffHeader& header, const std::string& name,
                              const ReadOptions& options) {
  const auto parts = line_pieces(text);
  std::vector<Piece> pieces(parts.size());
  parallel_for(
      std::ssize(parts), 1,
      [&](std::int64_t i, std::int64_t) { pieces[at(i)] = RowParser(header.attributes).parse(parts[at(i)]); },
      options.stop);
  std::int64_t lines = header.lines;
  for (Piece& p : pieces) {
    if (p.fault)
      throw DataError(fmt::format("{}:{}", name, lines + p.fault->line), p.fault->what, p.fault->hint);
    p.block.move_lines(lines);
    lines += p.lines;
  }
  std::erase_if(pieces, [](const Piece& p) { return p.block.num_rows() == 0; });
  if (pieces.empty()) {
    std::vector<std::string> names;
    for (const ArffAttribute& a : header.attributes) names.push_back(a.name);
    throw NoRows(name, "has no rows behind @data", names);
  }
  for (const Piece& p : pieces)
    if (p.sparse != pieces[0].sparse)
      throw DataError(fmt::format("{}:{}", name, p.block.line(0)),
                      "some rows are sparse, in braces, and some are not", "Write all rows in one way.");
  return pieces;
}

bool sniff(std::string_view bytes) {
  constexpr std::string_view kWord = "@relation";
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  while (!bytes.empty()) {
    std::string_view line = next_line(bytes);
    skip_blanks(line);
    if (line.empty() || line.starts_with('%')) continue;
    return line.size() > kWord.size() &&
           std::equal(kWord.begin(), kWord.end(), line.begin(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
  }
  return false;
}

}  // namespace

ReadResult read_arff_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  CellSource source{.where = name};
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.empty()) throw DataError(name, "is empty; @relation, @attribute and @data were expected");
  require_text(text, name);
  const ArffHeader header = take_arff_header(text, name);
  std::vector<Piece> pieces = parse_rows(text, header, name, options);
  for (const ArffAttribute& a : header.attributes) {
    source.names.push_back(a.name);
    const bool boolean = std::ranges::all_of(a.values, [](const std::string& v) {
      std::uint8_t flag = 0;
      return parse_boolean(v, flag);
    });
    if (a.type == ArffType::string || (a.type == ArffType::nominal && boolean)) continue;
    source.declared.push_back({a.name,
                               a.type == ArffType::numeric   ? ColumnKind::number
                               : a.type == ArffType::nominal ? ColumnKind::category
                                                             : ColumnKind::date,
                               kArffStates});
  }
  if (pieces[0].sparse) return sparse_table(std::move(pieces), header.attributes, source, options);
  std::vector<CellBlock> blocks;
  for (Piece& p : pieces) blocks.push_back(std::move(p.block));
  return table_of_cells(std::move(blocks), source, options);
}

ReadResult read_arff(const std::string& path, const ReadOptions& options) {
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  ReadResult result = read_arff_text(input.bytes(), path == "-" ? "standard input" : path, options);
  if (input.encoding() != "plain")
    result.guesses.insert(result.guesses.begin(), "compression: " + input.encoding());
  if (options.sha256) result.sha256 = sha256_hex(input.bytes());
  return result;
}

const Reader kArffReader = {
    .name = "arff",
    .doc = "ARFF of Weka, dense or sparse rows; layout=sparse|columns says what sparse numbers become.",
    .sniff = &sniff,
    .read = &read_arff,
    .arguments = {"layout"},
};

}  // namespace cairn
