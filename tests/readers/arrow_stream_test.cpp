// Arrow's arrays made by hand, as a file from anywhere may have them: no part of Arrow is needed.
#include <doctest/doctest.h>

#include <deque>

#include "cairn/readers/arrow_stream_internal.h"
#include "tests/support/error_text.h"

using namespace cairn;
using namespace cairn::readers_detail;
using cairn::testing::error_text;

namespace {

// One batch and its schema. Their parts live in deques, whose elements keep their addresses.
struct Batch {
  std::deque<ArrowSchema> schemas;
  std::deque<ArrowArray> arrays;
  std::deque<std::vector<const void*>> buffers;
  std::deque<std::vector<ArrowSchema*>> schema_lists;
  std::deque<std::vector<ArrowArray*>> array_lists;

  struct Part {
    ArrowSchema* schema;
    ArrowArray* array;
  };

  Part part(const char* format, const char* name, std::int64_t length, std::int64_t offset,
            std::vector<const void*> of, const std::vector<Part>& children = {}) {
    buffers.push_back(std::move(of));
    schema_lists.emplace_back();
    array_lists.emplace_back();
    for (const Part& child : children) {
      schema_lists.back().push_back(child.schema);
      array_lists.back().push_back(child.array);
    }
    const auto n = std::ssize(children);
    schemas.push_back({format, name, nullptr, 2, n, schema_lists.back().data(), nullptr, nullptr, nullptr});
    arrays.push_back({length, buffers.back().empty() || !buffers.back()[0] ? 0 : -1, offset,
                      std::ssize(buffers.back()), n, buffers.back().data(), array_lists.back().data(),
                      nullptr, nullptr, nullptr});
    return {&schemas.back(), &arrays.back()};
  }
};

struct Source {
  Batch::Part root;
  int batches = 1;
};

ReadResult read(Batch::Part root, const ReadOptions& options = {}) {
  Source source{root};
  ArrowArrayStream stream{};
  stream.private_data = &source;
  stream.get_schema = [](ArrowArrayStream* s, ArrowSchema* out) {
    *out = *static_cast<Source*>(s->private_data)->root.schema;
    out->release = [](ArrowSchema* schema) { schema->release = nullptr; };
    return 0;
  };
  stream.get_next = [](ArrowArrayStream* s, ArrowArray* out) {
    auto& from = *static_cast<Source*>(s->private_data);
    *out = {};
    if (from.batches-- == 0) return 0;
    *out = *from.root.array;
    out->release = [](ArrowArray* array) { array->release = nullptr; };
    return 0;
  };
  stream.get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; };
  stream.release = [](ArrowArrayStream* s) { s->release = nullptr; };
  return table_of_stream(stream, "a.arrow", options);
}

std::string refusal(Batch::Part root, const ReadOptions& options = {}) {
  return error_text([&] { read(root, options); });
}

const std::vector<std::int64_t> kNumbers{10, 11, 12, 13, 14, 15, 16, 17};

}  // namespace

TEST_CASE("arrow: a structure's offset and its missing rows are those of its fields") {
  // Rows 0 to 2 of the batch are 1 to 3 of the outer structure, 3 to 5 of the inner one, and 4 to 6 of x.
  const std::uint8_t outer = 0b1101, inner = 0b101111;  // outer lacks its row 1, inner its row 4
  Batch b;
  const auto x = b.part("l", "x", 7, 1, {nullptr, kNumbers.data()});
  const auto in = b.part("+s", "in", 4, 2, {&inner}, {x});
  const auto out = b.part("+s", "out", 3, 1, {&outer}, {in});
  const auto y = b.part("l", "y", 3, 0, {nullptr, kNumbers.data()});
  const Table t = read(b.part("+s", "", 3, 0, {nullptr}, {out, y})).table;
  CHECK(t.names() == std::vector<std::string>{"out.in.x", "y"});
  const Column& c = t.column("out.in.x");
  CHECK(c.is_missing(0));  // by the outer structure
  CHECK(c.is_missing(1));  // by the inner one
  CHECK(c.cell(2) == "16");
  CHECK(t.column("y").cell(2) == "12");
}

TEST_CASE(
    "arrow: a child may be longer than its rows; a shorter one is refused, and nothing read behind it") {
  const std::uint8_t both = 0b11;
  Batch b;
  const auto x = b.part("l", "x", 8, 0, {nullptr, kNumbers.data()});
  const auto s = b.part("+s", "s", 2, 0, {&both}, {x});
  const Table t = read(b.part("+s", "", 2, 0, {nullptr}, {s})).table;
  CHECK(t.num_rows() == 2);
  CHECK(t.column("s.x").cell(1) == "11");

  const auto few = b.part("l", "x", 3, 0, {nullptr, kNumbers.data()});
  const auto late = b.part("+s", "s", 3, 1, {nullptr}, {few});
  CHECK(refusal(b.part("+s", "", 3, 0, {nullptr}, {late})) ==
        "a.arrow, column 's.x': a batch of 3 rows is damaged: an array of 3 rows stands where 3 are needed "
        "behind "
        "the first 1. Write the file again.");
  CHECK(
      refusal(b.part("+s", "", 3, 0, {nullptr}, {b.part("l", "x", 3, 0, {nullptr})})) ==
      "a.arrow, column 'x': a batch of 3 rows is damaged: an array lacks its values. Write the file again.");
  const auto none = b.part("l", "x\xff", 3, 0, {nullptr, kNumbers.data()});
  CHECK(refusal(b.part("+s", "", 3, 0, {nullptr}, {none})).find("byte 0xff is not UTF-8") !=
        std::string::npos);
}

TEST_CASE("arrow: a dictionary's text counts in every row that has it") {
  const std::string text = std::string(100'000, 'a') + " b c d e f g h i j k";
  const std::vector<std::int32_t> offsets{0, static_cast<std::int32_t>(text.size())};
  const std::vector<std::int8_t> codes(1000, 0);
  Batch b;
  const auto words = b.part("u", "", 1, 0, {nullptr, offsets.data(), text.data()});
  auto c = b.part("c", "note", 1000, 0, {nullptr, codes.data()});
  c.schema->dictionary = words.schema;
  c.array->dictionary = words.array;
  ReadOptions options;
  options.max_memory = 10'000'000;
  options.types = {{"note", ColumnKind::text}};
  CHECK(
      refusal(b.part("+s", "", 1000, 0, {nullptr}, {c}), options) ==
      "a.arrow: its texts, which are stored once each, hold 100 MB in its rows; at most 10 MB may be taken. "
      "--max-memory sets how much may be read.");
  c.array->dictionary = nullptr;
  CHECK(refusal(b.part("+s", "", 1000, 0, {nullptr}, {c})) ==
        "a.arrow, column 'note': comes without its dictionary");
}
