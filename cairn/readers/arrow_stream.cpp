#include "cairn/readers/arrow_stream_internal.h"

#include <fmt/format.h>

#include <algorithm>
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
      const char* child = schema.children[i]->name;
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

// The array at the end of a path. Rows that a structure lacks are told by the one nearest to the leaf.
void append_leaf(const Leaf& leaf, const ArrowArray& batch) {
  const ArrowArray* array = &batch;
  const std::uint8_t* parent = nullptr;
  std::int64_t parent_offset = 0;
  for (const std::int64_t child : leaf.path) {
    if (array != &batch && array->null_count != 0 && array->buffers[0]) {
      parent = static_cast<const std::uint8_t*>(array->buffers[0]);
      parent_offset = array->offset;
    }
    array = array->children[child];
  }
  leaf.column->append(*array, parent, parent_offset);
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
      append_leaf(leaves[static_cast<std::size_t>(i)], *batch);
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
