#include "tests/support/onnx_node.h"

#include <zlib.h>

#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <stdexcept>

namespace cairn::test {
namespace {

void add_packed(protozero::pbf_reader& field, std::vector<std::int64_t>& to) {
  if (field.wire_type() != protozero::pbf_wire_type::length_delimited) return to.push_back(field.get_int64());
  for (const std::int64_t v : field.get_packed_int64()) to.push_back(v);
}

template <class T>
std::vector<T> values_at(std::string_view raw) {
  std::vector<T> v(raw.size() / sizeof(T));
  if (!v.empty()) std::memcpy(v.data(), raw.data(), v.size() * sizeof(T));
  return v;
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
    std::string member(head + 345, strnlen(head + 345, 155));
    if (!member.empty()) member += '/';
    member.append(head, strnlen(head, 100));
    const auto size =
        static_cast<std::size_t>(std::strtoull(std::string(head + 124, 12).c_str(), nullptr, 8));
    if (head[156] == '0' || head[156] == 0) files[member] = all.substr(at + 512, size);
    at += 512 + (size + 511) / 512 * 512;
  }
  return files;
}

std::vector<OnnxNode> nodes_of(const std::string& model) {
  std::vector<OnnxNode> nodes;
  for (import_detail::OnnxNode& node : import_detail::parse_onnx(model, "a node test").nodes)
    nodes.push_back({std::move(node)});
  return nodes;
}

std::optional<Tensor> tensor_of(const std::string& proto) {
  enum : std::uint8_t {
    dims_field = 1,
    type_field,
    floats_field = 4,
    ints_field,
    longs_field = 7,
    raw_field = 9,
    doubles_field
  };
  std::vector<std::int64_t> dims, whole;
  std::string_view raw;
  std::int32_t type = 0;
  protozero::pbf_reader tensor(proto);
  while (tensor.next()) switch (tensor.tag()) {
      case dims_field:
        add_packed(tensor, dims);
        break;
      case type_field:
        type = tensor.get_int32();
        break;
      case ints_field:
      case longs_field:
        add_packed(tensor, whole);
        break;
      case floats_field:
      case raw_field:
      case doubles_field: {
        const auto view = tensor.get_view();
        raw = {view.data(), view.size()};
        break;
      }
      default:
        tensor.skip();
    }
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
