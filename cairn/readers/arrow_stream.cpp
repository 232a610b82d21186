#include "cairn/readers/arrow_stream_internal.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/typed_columns.h"
#include "cairn/readers/arrow_columns_internal.h"

namespace cairn::readers_detail {
namespace {

constexpr int kMostDeep = 32;
constexpr std::size_t kMostColumns = 1 << 20;

struct Releasing {
  void operator()(ArrowSchema* s) const {
    if (s->release) s->release(s);
    delete s;
  }
  void operator()(ArrowArray* a) const {
    if (a->release) a->release(a);
    delete a;
  }
};

// A column, and the way to it through structures.
struct Leaf {
  std::string name;
  std::vector<std::int64_t> path;
  std::unique_ptr<ArrowColumn> column;
};

void find_leaves(const ArrowSchema& schema, const std::string& name, std::vector<std::int64_t> path,
                 const std::string& where, std::vector<Leaf>& leaves, std::vector<Warning>& warnings) {
  if (leaves.size() > kMostColumns || path.size() > kMostDeep)
    throw DataError(where, "its columns are too many, or too deep in each other");
  if (std::string_view(schema.format) == "+s") {
    for (std::int64_t i = 0; i < schema.n_children; ++i) {
      std::vector<std::int64_t> below = path;
      below.push_back(i);
      const char* const given = schema.children[i]->name;  // null: it has none
      const std::string child = given ? given : "";
      require_text(child, where + ", the name of a column");
      find_leaves(*schema.children[i], name.empty() ? child : fmt::format("{}.{}", name, child), below, where,
                  leaves, warnings);
    }
    return;
  }
  std::unique_ptr<ArrowColumn> column = arrow_column(schema, name, where);
  if (column)
    leaves.push_back({name, std::move(path), std::move(column)});
  else
    warnings.push_back({"column_left_out", name,
                        fmt::format("Column '{}' holds what no cell can (Arrow's type {}) and was left out.",
                                    printable(name), printable(schema.format))});
}

// The array at the end of a path, of which the batch's rows are read. Each structure on the way may begin its
// rows later, and may lack some of them.
void append_leaf(const Leaf& leaf, const ArrowArray& batch, const std::string& where) {
  const auto broken = [&](std::string_view why) -> DataError {
    return DataError(fmt::format("{}, column '{}'", where, printable(leaf.name)),
                     fmt::format("a batch of {} rows is damaged: {}", batch.length, why),
                     "Write the file again.");
  };
  const ArrowArray* array = &batch;
  ArrowRows rows{.first = 0, .count = batch.length};
  std::vector<std::uint8_t> present;
  const auto check_length = [&] {
    if (array->offset < 0 || array->length < rows.count || array->length - rows.count < rows.first)
      throw broken(fmt::format("an array of {} rows stands where {} are needed behind the first {}",
                               array->length, rows.count, rows.first));
  };
  for (const std::int64_t child : leaf.path) {
    check_length();
    if (array->null_count != 0 && array->n_buffers > 0 && array->buffers[0]) {
      const auto* bits = static_cast<const std::uint8_t*>(array->buffers[0]);
      present.resize(static_cast<std::size_t>(rows.count + 7) / 8, 255);
      for (std::int64_t i = 0; i < rows.count; ++i) {
        const std::int64_t at = array->offset + rows.first + i;
        if (((bits[at >> 3] >> (at & 7)) & 1) == 0)
          present[static_cast<std::size_t>(i >> 3)] &= static_cast<std::uint8_t>(~(1U << (i & 7)));
      }
      rows.present = present.data();
    }
    if (child >= array->n_children || !array->children[child])
      throw broken("a structure lacks one of its fields");
    rows.first += array->offset;
    array = array->children[child];
  }
  check_length();
  if (rows.count == 0) return;
  const std::int64_t buffers = leaf.column->num_buffers();
  if (array->n_buffers < buffers || (buffers > 1 && !array->buffers[1]))
    throw broken("an array lacks its values");
  leaf.column->append(*array, rows);
}

}  // namespace

ReadResult table_of_stream(ArrowArrayStream& stream, const std::string& where, const ReadOptions& options) {
  struct ReleaseStream {
    void operator()(ArrowArrayStream* s) const {
      if (s->release) s->release(s);
    }
  };
  const std::unique_ptr<ArrowArrayStream, ReleaseStream> owner(&stream);
  const auto check = [&](int status) {
    if (status == 0) return;
    const char* said = stream.get_last_error(&stream);
    throw DataError(
        where, fmt::format("Arrow's library cannot read it: {}", printable(said ? said : "no reason given")),
        "Was it cut short? Fetch or write it again.");
  };
  const std::unique_ptr<ArrowSchema, Releasing> schema(new ArrowSchema{});
  check(stream.get_schema(&stream, schema.get()));
  std::vector<Leaf> leaves;
  std::vector<Warning> warnings;
  find_leaves(*schema, "", {}, where, leaves, warnings);
  if (leaves.empty()) throw DataError(where, "has no column of numbers, texts or dates");
  std::int64_t rows = 0;
  while (true) {
    options.stop.throw_if_requested("reading");
    const std::unique_ptr<ArrowArray, Releasing> batch(new ArrowArray{});
    check(stream.get_next(&stream, batch.get()));
    if (!batch->release) break;
    if (batch->length < 0) throw DataError(where, "holds a batch of fewer than no rows");
    rows += batch->length;
    const double bytes = 8.0 * static_cast<double>(rows) * static_cast<double>(leaves.size());
    // A few bytes of a file can stand for rows without end.
    const std::uint64_t most = options.max_memory > 0 ? options.max_memory : InputLimits{}.max_bytes;
    if (bytes > static_cast<double>(most))
      throw ResourceError(
          where,
          fmt::format("more than {} rows of {} columns need {:.0f} MB of memory; at most {} MB may be taken",
                      rows, leaves.size(), bytes / 1e6, most / 1'000'000),
          "--max-memory sets how much may be read.");
    parallel_for(std::ssize(leaves), 1, [&](std::int64_t i, std::int64_t) {
      append_leaf(leaves[static_cast<std::size_t>(i)], *batch, where);
    });
  }
  std::vector<Column> columns(leaves.size());
  parallel_for(std::ssize(leaves), 1, [&](std::int64_t i, std::int64_t) {
    columns[static_cast<std::size_t>(i)] = leaves[static_cast<std::size_t>(i)].column->finish();
  });
  std::vector<std::string> texts;
  for (const Leaf& leaf : leaves)
    if (leaf.column->is_text()) texts.push_back(leaf.name);
  ReadResult result = table_of_columns(std::move(columns), where, options, texts);
  result.warnings.insert(result.warnings.begin(), warnings.begin(), warnings.end());
  return result;
}

}  // namespace cairn::readers_detail
