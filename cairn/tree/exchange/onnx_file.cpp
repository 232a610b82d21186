#include "cairn/tree/exchange/onnx_file_internal.h"

#include <bit>
#include <cstring>

#include "cairn/tree/exchange/import_internal.h"

// The reader asserts that a field is of the type that is asked for. A file may say otherwise, in every build.
namespace cairn::import_detail {
struct WrongFieldType {};
inline void demand(bool holds) {
  if (!holds) throw WrongFieldType();
}
}  // namespace cairn::import_detail
#define protozero_assert(holds) cairn::import_detail::demand(holds)  // NOLINT(readability-identifier-naming)
#include <protozero/pbf_reader.hpp>

namespace cairn::import_detail {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

static_assert(std::endian::native == std::endian::little, "raw tensors are little-endian");

// A repeated number stands packed in one field, or in a field of its own each time.
void add_integers(pbf_reader& field, std::vector<std::int64_t>& to) {
  if (field.wire_type() != pbf_wire_type::length_delimited) return to.push_back(field.get_int64());
  for (const std::int64_t v : field.get_packed_int64()) to.push_back(v);
}
void add_floats(pbf_reader& field, std::vector<double>& to) {
  if (field.wire_type() != pbf_wire_type::length_delimited)
    return to.push_back(static_cast<double>(field.get_float()));
  for (const float v : field.get_packed_float()) to.push_back(static_cast<double>(v));
}
void add_doubles(pbf_reader& field, std::vector<double>& to) {
  if (field.wire_type() != pbf_wire_type::length_delimited) return to.push_back(field.get_double());
  for (const double v : field.get_packed_double()) to.push_back(v);
}

template <class T>
void add_raw(std::string_view raw, std::vector<double>& to) {
  for (std::size_t i = 0; i + sizeof(T) <= raw.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + i, sizeof(T));
    to.push_back(static_cast<double>(value));
  }
}

std::string_view bytes_of(pbf_reader& field) {
  const auto view = field.get_view();
  return {view.data(), view.size()};
}

std::vector<double> tensor_numbers(pbf_reader tensor) {
  enum : std::uint8_t { data_type_field = 2, floats_field = 4, raw_field = 9, doubles_field = 10 };
  constexpr std::int32_t kF32 = 1, kF64 = 11;
  std::int32_t type = 0;
  std::string_view raw;
  std::vector<double> numbers;
  while (tensor.next()) switch (tensor.tag()) {
      case data_type_field:
        type = tensor.get_int32();
        break;
      case floats_field:
        add_floats(tensor, numbers);
        break;
      case raw_field:
        raw = bytes_of(tensor);
        break;
      case doubles_field:
        add_doubles(tensor, numbers);
        break;
      default:
        tensor.skip();
    }
  if (type == kF32) add_raw<float>(raw, numbers);
  if (type == kF64) add_raw<double>(raw, numbers);
  return numbers;
}

void parse_attribute(pbf_reader field, OnnxNode& node) {
  enum : std::uint8_t {
    name_field = 1,
    float_field,
    int_field,
    text_field,
    tensor_field,
    floats_field = 7,
    ints_field,
    texts_field
  };
  std::string name;
  OnnxAttribute a;
  while (field.next()) switch (field.tag()) {
      case name_field:
        name = field.get_string();
        break;
      case float_field:
        a.number = static_cast<double>(field.get_float());
        break;
      case int_field:
        a.integer = field.get_int64();
        break;
      case text_field:
        a.text = field.get_string();
        break;
      case tensor_field:
        a.numbers = tensor_numbers(field.get_message());
        break;
      case floats_field:
        add_floats(field, a.numbers);
        break;
      case ints_field:
        add_integers(field, a.integers);
        break;
      case texts_field:
        a.texts.push_back(field.get_string());
        break;
      default:
        field.skip();
    }
  node.attributes[name] = std::move(a);
}

OnnxNode parse_node(pbf_reader field) {
  enum : std::uint8_t { input_field = 1, output_field, op_field = 4, attribute_field, domain_field = 7 };
  OnnxNode node;
  while (field.next()) switch (field.tag()) {
      case input_field:
        node.inputs.push_back(field.get_string());
        break;
      case output_field:
        node.outputs.push_back(field.get_string());
        break;
      case op_field:
        node.op = field.get_string();
        break;
      case attribute_field:
        parse_attribute(field.get_message(), node);
        break;
      case domain_field:
        node.domain = field.get_string();
        break;
      default:
        field.skip();
    }
  return node;
}

// ValueInfo: a name, and by way of Type, Tensor and Shape the lengths of its axes.
OnnxInput parse_input(pbf_reader field) {
  OnnxInput input;
  std::vector<std::int64_t> axes;
  while (field.next()) {
    if (field.tag() == 1) {
      input.name = field.get_string();
    } else if (field.tag() == 2) {
      pbf_reader type = field.get_message();
      while (type.next(1)) {
        pbf_reader tensor = type.get_message();
        while (tensor.next()) {
          if (tensor.tag() == 1) {
            input.element_type = tensor.get_int32();
          } else if (tensor.tag() == 2) {
            pbf_reader shape = tensor.get_message();
            while (shape.next(1)) {
              pbf_reader axis = shape.get_message();
              axes.push_back(-1);
              while (axis.next(1)) axes.back() = axis.get_int64();
            }
          } else {
            tensor.skip();
          }
        }
      }
    } else {
      field.skip();
    }
  }
  if (axes.size() == 2 && axes[1] > 0) input.width = axes[1];
  return input;
}

void parse_graph(pbf_reader field, OnnxGraph& graph) {
  enum : std::uint8_t { node_field = 1, input_field = 11 };
  while (field.next()) switch (field.tag()) {
      case node_field:
        graph.nodes.push_back(parse_node(field.get_message()));
        break;
      case input_field:
        graph.inputs.push_back(parse_input(field.get_message()));
        break;
      default:
        field.skip();
    }
}

void parse_property(pbf_reader field, OnnxGraph& graph) {
  std::string name, value;
  while (field.next()) {
    if (field.tag() == 1)
      name = field.get_string();
    else if (field.tag() == 2)
      value = field.get_string();
    else
      field.skip();
  }
  graph.properties[std::move(name)] = std::move(value);
}

}  // namespace

OnnxGraph parse_onnx(std::string_view bytes, const std::string& path) {
  enum : std::uint8_t {
    producer_field = 2,
    producer_version_field = 3,
    graph_field = 7,
    property_field = 14
  };
  constexpr std::size_t kShown = 60;  // characters of a name that nobody has checked
  OnnxGraph graph;
  std::string_view producer, producer_version;
  bool found = false;
  try {
    pbf_reader model(bytes.data(), bytes.size());
    while (model.next()) switch (model.tag()) {
        case producer_field:
          producer = bytes_of(model).substr(0, kShown);
          break;
        case producer_version_field:
          producer_version = bytes_of(model).substr(0, kShown);
          break;
        case graph_field:
          found = true;
          parse_graph(model.get_message(), graph);
          break;
        case property_field:
          parse_property(model.get_message(), graph);
          break;
        default:
          model.skip();
      }
  } catch (const WrongFieldType&) {
    refuse(path, "is no ONNX file: a field is of another type than its number says");
  } catch (const protozero::exception& e) {
    refuse(path, fmt::format("is no whole ONNX file: {}", e.what()));
  }
  if (!found) refuse(path, "is an ONNX file without a graph");
  graph.producer = fmt::format("{}{}{}", producer, producer_version.empty() ? "" : " ", producer_version);
  return graph;
}

bool begins_like_onnx(std::string_view first_bytes) {
  constexpr char kVersionField = 0x08, kLatestVersion = 0x1F;
  return first_bytes.size() > 2 && first_bytes[0] == kVersionField && first_bytes[1] > 0 &&
         first_bytes[1] <= kLatestVersion && (first_bytes[2] & 7) == 2;  // then a name or a graph
}

}  // namespace cairn::import_detail
