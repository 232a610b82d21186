#include "tests/support/onnx_node.h"

#include <zlib.h>

#include <cstring>
#include <span>
#include <stdexcept>

namespace cairn::test {
namespace {

// Calls f(field, number, bytes) for each field of a protocol-buffer message: `number` of varints and fixed
// ones.
template <class F>
void each_field(std::string_view m, F&& f) {
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(m.at(at++));
      v |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return v;
    }
  };
  while (at < m.size()) {
    const std::uint64_t key = varint();
    std::uint64_t number = 0;
    std::string_view bytes;
    if ((key & 7) == 0) {
      number = varint();
    } else {
      const std::size_t n = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : static_cast<std::size_t>(varint());
      bytes = m.substr(at, n);
      if (bytes.size() != n) throw std::runtime_error("a truncated ONNX file");
      if ((key & 7) != 2) std::memcpy(&number, bytes.data(), n);
      at += n;
    }
    f(static_cast<int>(key >> 3), number, bytes);
  }
}

// Varints that follow one another without keys.
void add_packed(std::string_view bytes, std::uint64_t single, std::vector<std::int64_t>& to) {
  if (bytes.empty()) return to.push_back(static_cast<std::int64_t>(single));
  std::uint64_t v = 0;
  int shift = 0;
  for (const char c : bytes) {
    v |= static_cast<std::uint64_t>(static_cast<unsigned char>(c) & 127) << shift;
    shift += 7;
    if (static_cast<unsigned char>(c) < 128) {
      to.push_back(static_cast<std::int64_t>(v));
      v = 0;
      shift = 0;
    }
  }
}

template <class T>
std::vector<T> values_at(std::string_view raw) {
  std::vector<T> v(raw.size() / sizeof(T));
  if (!v.empty()) std::memcpy(v.data(), raw.data(), v.size() * sizeof(T));
  return v;
}

OnnxNode node_of(std::string_view message) {
  OnnxNode node;
  each_field(message, [&](int field, std::uint64_t, std::string_view bytes) {
    if (field == 1) node.inputs.emplace_back(bytes);
    if (field == 2) node.outputs.emplace_back(bytes);
    if (field == 4) node.op = bytes;
    if (field != 5) return;
    std::string name, text;
    std::vector<std::int64_t> list;
    double number = 0;
    std::uint64_t type = 0;
    each_field(bytes, [&](int part, std::uint64_t value, std::string_view inside) {
      if (part == 1) name = inside;
      if (part == 2) {
        float f = 0;
        std::memcpy(&f, &value, 4);
        number = static_cast<double>(f);
      }
      if (part == 3) number = static_cast<double>(static_cast<std::int64_t>(value));
      if (part == 4) text = inside;
      if (part == 8) add_packed(inside, value, list);
      if (part == 20) type = value;
    });
    if (type == 1 || type == 2) node.numbers[name] = number;
    if (type == 3) node.texts[name] = text;
    if (type == 7) node.lists[name] = list;
  });
  return node;
}

}  // namespace

Files read_tar_gz(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw std::runtime_error(path + " cannot be read");
  std::string all;
  std::vector<char> part(1 << 20);
  for (int n; (n = gzread(file, part.data(), static_cast<unsigned>(part.size()))) > 0;)
    all.append(part.data(), static_cast<std::size_t>(n));
  gzclose(file);
  Files files;
  for (std::size_t at = 0; at + 512 <= all.size() && all[at] != 0;) {
    const char* head = all.data() + at;
    const std::string prefix(head + 345, strnlen(head + 345, 155)), name(head, strnlen(head, 100));
    const auto size =
        static_cast<std::size_t>(std::strtoull(std::string(head + 124, 12).c_str(), nullptr, 8));
    if (head[156] == '0' || head[156] == 0)
      files[prefix.empty() ? name : prefix + "/" + name] = all.substr(at + 512, size);
    at += 512 + (size + 511) / 512 * 512;
  }
  return files;
}

std::vector<OnnxNode> nodes_of(const std::string& model) {
  std::vector<OnnxNode> nodes;
  each_field(model, [&](int field, std::uint64_t, std::string_view graph) {
    if (field != 7) return;
    each_field(graph, [&](int part, std::uint64_t, std::string_view bytes) {
      if (part == 1) nodes.push_back(node_of(bytes));
    });
  });
  return nodes;
}

std::optional<Tensor> tensor_of(const std::string& proto) {
  std::vector<std::int64_t> dims, whole;
  std::string raw;
  std::uint64_t type = 0;
  each_field(proto, [&](int field, std::uint64_t number, std::string_view bytes) {
    if (field == 1) add_packed(bytes, number, dims);
    if (field == 2) type = number;
    if (field == 4 || field == 10 || field == 9) raw = bytes;
    if (field == 5 || field == 7) add_packed(bytes, number, whole);
  });
  const Shape shape{std::span<const std::int64_t>(dims)};
  const auto from = [&](const auto& values) { return Tensor::from(values).reshape(shape); };
  if (type == 1) return from(values_at<float>(raw));
  if (type == 11) return from(values_at<double>(raw));
  if (type == 7) return from(raw.empty() ? whole : values_at<std::int64_t>(raw));
  if (type == 6) {
    if (!raw.empty())
      for (const std::int32_t v : values_at<std::int32_t>(raw)) whole.push_back(v);
    return from(whole);
  }
  return std::nullopt;
}

}  // namespace cairn::test
