#include "cairn/readers/libsvm.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "cairn/base/hash.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/line_pieces_internal.h"

namespace cairn {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::size_t kShown = 30;  // characters of a faulty word
constexpr double kMostlyStated = 0.5;

// Takes the next word of a line off its front; empty at its end.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && stop == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<double> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && stop == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// The rows of one piece of the file.
struct Rows {
  std::vector<double> labels;
  std::vector<std::int64_t> queries;  // one a row, or none at all
  std::vector<std::int64_t> ends;     // of each row's entries
  std::vector<std::int32_t> indices;
  std::vector<double> values;
};

// A faulty line, told once the number of lines before its chunk is known.
struct Fault {
  std::int64_t line = 0;
  std::string what, hint;
};

struct Chunk {
  Rows rows;
  std::int64_t lines = 0;
  std::optional<Fault> fault;
};

class ChunkParser {
 public:
  explicit ChunkParser(std::int32_t base) : base_(base) {}

  Chunk parse(std::string_view text) {
    while (!text.empty() && !chunk_.fault) {
      const auto end = std::min(text.find('\n'), text.size());
      ++chunk_.lines;
      parse_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::move(chunk_);
  }

 private:
  void fail(std::string what, std::string hint = {}) {
    if (!chunk_.fault) chunk_.fault = Fault{chunk_.lines, std::move(what), std::move(hint)};
  }

  void parse_line(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const std::string_view label = next_word(line);
    if (label.empty()) return;
    const auto truth = number(label);
    if (!truth || !std::isfinite(*truth))
      return fail(fmt::format("its label '{}' is not a finite number", label.substr(0, kShown)),
                  label.find(',') == std::string_view::npos
                      ? "A line is a label and index:value pairs with blanks between them."
                      : "Rows of several labels are not read; keep one of them.");
    last_ = -1;
    bool has_query = false;
    for (std::string_view word = next_word(line); !word.empty() && !chunk_.fault; word = next_word(line))
      word.starts_with("qid:") ? parse_query(word, has_query) : parse_pair(word);
    Rows& r = chunk_.rows;
    if (has_query == r.queries.empty() && !r.labels.empty())
      return fail("some rows have a qid and this one differs from the first",
                  "State one for every row, or for none.");
    if (has_query) r.queries.push_back(query_);
    r.labels.push_back(*truth);
    r.ends.push_back(std::ssize(r.indices));
  }

  void parse_query(std::string_view word, bool& has_query) {
    const auto query = whole_number<std::int64_t>(word.substr(4));
    if (!query || has_query || last_ >= 0)
      return fail(fmt::format("'{}' is not the one whole number of a query before the row's features",
                              word.substr(0, kShown)));
    query_ = *query;
    has_query = true;
  }

  void parse_pair(std::string_view word) {
    const auto colon = word.find(':');
    const auto index = whole_number<std::int32_t>(word.substr(0, colon));
    if (colon == std::string_view::npos || !index)
      return fail(fmt::format("'{}' is no index:value pair", word.substr(0, kShown)),
                  "An index is a whole number below 2147483648.");
    if (*index < base_)
      return fail(fmt::format("feature {} comes before the first, {}", *index, base_),
                  base_ == 1 ? "base=0 counts them from 0." : "");
    if (*index - base_ <= last_)
      return fail(fmt::format("feature {} stands after feature {}", *index, last_ + base_),
                  "The features of a row stand in ascending order, each once.");
    const auto value = number(word.substr(colon + 1));
    if (!value || !std::isfinite(*value))
      return fail(fmt::format("the value '{}' of feature {} is not a finite number",
                              word.substr(colon + 1, kShown), *index),
                  "A feature that is left out is 0.");
    last_ = *index - base_;
    chunk_.rows.indices.push_back(last_);
    chunk_.rows.values.push_back(*value);
  }

  std::int32_t base_, last_ = -1;
  std::int64_t query_ = 0;
  Chunk chunk_;
};

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

Rows joined(std::vector<Chunk> chunks, const std::string& path) {
  Rows all;
  std::int64_t lines = 0;
  std::size_t rows = 0, entries = 0;
  for (const Chunk& c : chunks) rows += c.rows.labels.size(), entries += c.rows.indices.size();
  all.labels.reserve(rows), all.ends.reserve(rows + 1);
  all.indices.reserve(entries), all.values.reserve(entries);
  for (Chunk& c : chunks) {
    if (c.fault)
      throw DataError(fmt::format("{}, line {}", path, lines + c.fault->line), c.fault->what, c.fault->hint);
    lines += c.lines;
    if (c.rows.labels.empty()) continue;
    if (!all.labels.empty() && all.queries.empty() != c.rows.queries.empty())
      throw DataError(path, "some rows have a qid and others have none",
                      "State one for every row, or for none.");
    for (const std::int64_t end : c.rows.ends) all.ends.push_back(std::ssize(all.indices) + end);
    append(all.labels, c.rows.labels);
    append(all.queries, c.rows.queries);
    append(all.indices, c.rows.indices);
    append(all.values, c.rows.values);
    c = {};  // never two whole copies
  }
  if (all.labels.empty()) throw DataError(path, "has no rows");
  return all;
}

// The features that stand somewhere, ascending; `indices` become their positions among them.
std::vector<std::int32_t> number_features(std::vector<std::int32_t>& indices) {
  std::vector<std::int32_t> seen;
  const std::int64_t width =
      indices.empty() ? 0 : std::int64_t{*std::max_element(indices.begin(), indices.end())} + 1;
  if (width <= 16 * std::ssize(indices)) {  // a table over all indices stays within the file's size
    std::vector<std::int32_t> position(at(width), -1);
    for (const std::int32_t i : indices) position[at(i)] = 0;
    for (std::int64_t i = 0; i < width; ++i)
      if (position[at(i)] == 0) {
        position[at(i)] = static_cast<std::int32_t>(seen.size());
        seen.push_back(static_cast<std::int32_t>(i));
      }
    for (std::int32_t& i : indices) i = position[at(i)];
    return seen;
  }
  seen = indices;
  std::ranges::sort(seen);
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (std::int32_t& i : indices)
    i = static_cast<std::int32_t>(std::ranges::lower_bound(seen, i) - seen.begin());
  return seen;
}

Column whole_or_number(std::string name, const std::vector<double>& values) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (!std::ranges::all_of(values, [](double v) { return v == std::floor(v) && std::abs(v) <= kExact; }))
    return Column::number(std::move(name), Tensor::take(std::vector<double>(values)));
  return Column::integer(std::move(name),
                         Tensor::take(std::vector<std::int64_t>(values.begin(), values.end())));
}

std::vector<Column> dense_columns(const Rows& rows, const std::vector<std::string>& names) {
  std::vector<std::vector<double>> columns(names.size(), std::vector<double>(rows.labels.size()));
  for (std::size_t r = 0, e = 0; r < rows.labels.size(); ++r)
    for (; e < at(rows.ends[r]); ++e) columns[at(rows.indices[e])][r] = rows.values[e];
  std::vector<Column> made;
  for (std::size_t i = 0; i < names.size(); ++i)
    made.push_back(Column::number(names[i], Tensor::take(std::move(columns[i]))));
  return made;
}

Column sparse_column(Rows& rows, std::vector<std::string> names) {
  rows.ends.insert(rows.ends.begin(), 0);
  const auto width = std::ssize(names);
  return Column::features(
      "features",
      Matrix::from_csr(width, Tensor::take(std::move(rows.ends)), Tensor::take(std::move(rows.indices)),
                       Tensor::take(std::move(rows.values))),
      std::move(names));
}

bool sniff(std::string_view bytes) {
  constexpr int kLines = 10;
  int lines = 0, pairs = 0;
  while (!bytes.empty() && lines < kLines) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos && lines > 0) break;  // perhaps cut off
    std::string_view line = bytes.substr(0, std::min(end, bytes.size()));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view label = next_word(line);
    if (label.empty()) continue;
    if (!number(label)) return false;
    ++lines;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line), ++pairs) {
      const auto colon = word.find(':');
      if (colon == std::string_view::npos) return false;
      if (!word.starts_with("qid:") && !whole_number<std::int64_t>(word.substr(0, colon))) return false;
    }
  }
  return pairs > 0;
}

// Before the numbers are taken apart: an entry is an index and a value, a row a label and an end, and for a
// moment both stand twice.
void check_memory(std::string_view bytes, std::uint64_t most, const std::string& path) {
  if (most == 0) return;
  constexpr double kEntry = 2 * 12, kRow = 2 * 16, kMega = 1e6;
  const double needed = kEntry * static_cast<double>(std::ranges::count(bytes, ':')) +
                        kRow * static_cast<double>(std::ranges::count(bytes, '\n'));
  if (needed <= static_cast<double>(most)) return;
  throw ResourceError(path,
                      fmt::format("about {:.0f} MB are needed to read it; --max-memory allows {:.0f} MB",
                                  needed / kMega, static_cast<double>(most) / kMega));
}

std::string argument(const ReadOptions& options, const char* name,
                     std::initializer_list<const char*> allowed) {
  const auto found = options.arguments.find(name);
  if (found == options.arguments.end()) return {};
  for (const char* value : allowed)
    if (found->second == value) return value;
  throw UsageError("libsvm",
                   fmt::format("{}={} is none of {}", name, found->second, fmt::join(allowed, ", ")));
}

}  // namespace

ReadResult read_libsvm(const std::string& path, const ReadOptions& options) {
  const std::int32_t base = argument(options, "base", {"0", "1"}) == "1" ? 1 : 0;
  const std::string layout = argument(options, "layout", {"sparse", "columns"});
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  check_memory(input.bytes(), options.max_memory, path);
  if (input.bytes().empty())
    throw DataError(path, "is empty; a label and index:value pairs a line were expected");
  const auto parts = readers_detail::line_pieces(input.bytes());
  std::vector<Chunk> chunks(parts.size());
  parallel_for(
      std::ssize(parts), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) chunks[at(i)] = ChunkParser(base).parse(parts[at(i)]);
      },
      options.stop);
  Rows rows = joined(std::move(chunks), path);
  const std::vector<std::int32_t> seen = number_features(rows.indices);
  std::vector<std::string> names;
  for (const std::int32_t i : seen) names.push_back(fmt::format("f{}", i));

  ReadResult result;
  if (options.sha256) result.sha256 = sha256_hex(input.bytes());
  const double cells = static_cast<double>(rows.labels.size()) * static_cast<double>(names.size());
  const double stated = cells > 0 ? static_cast<double>(rows.values.size()) / cells : 1;
  // A model's data are put into its form below: a file of few rows says little of its own.
  const bool dense = layout.empty() ? !options.schema && stated >= kMostlyStated : layout == "columns";
  if (dense && cells * sizeof(double) > static_cast<double>(limits.max_bytes))
    throw ResourceError(path,
                        fmt::format("{} rows of {} columns need {:.0f} MB; at most {:.0f} MB may be taken",
                                    rows.labels.size(), names.size(), cells * sizeof(double) / 1e6,
                                    static_cast<double>(limits.max_bytes) / 1e6),
                        "layout=sparse keeps only what is stated.");
  if (!options.schema)
    result.guesses.push_back(fmt::format("layout: {} ({} features, {:.3g} % of their values are stated)",
                                         dense ? "columns" : "sparse", names.size(), 100 * stated));
  std::vector<Column> columns{whole_or_number("label", rows.labels)};
  result.target = "label";
  if (!rows.queries.empty()) {
    columns.push_back(Column::integer("qid", Tensor::take(std::move(rows.queries))));
    result.group = "qid";
  }
  if (dense)
    for (Column& c : dense_columns(rows, names)) columns.push_back(std::move(c));
  else
    columns.push_back(sparse_column(rows, std::move(names)));
  result.table = Table(std::move(columns));
  if (options.schema) result.table = options.schema->in_form(result.table, &result.warnings);
  result.schema = Schema::of(result.table);
  return result;
}

const Reader kLibsvmReader = {
    .name = "libsvm",
    .doc = "Sparse text of libsvm, svmlight and XGBoost: a label and index:value pairs a line.",
    .sniff = &sniff,
    .read = [](const std::string& path, const ReadOptions& options) { return read_libsvm(path, options); },
    .arguments = {"base", "layout"},
};

}  // namespace cairn
