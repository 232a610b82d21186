#include "cairn/model/state_file.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <unordered_set>

#include "cairn/base/atomic_file.h"
#include "cairn/base/hash.h"
#include "cairn/model/archive.h"
#include "cairn/model/state_internal.h"

namespace cairn {
namespace {

// Non-finite numbers have no JSON form; they are stored by name.
Json number_to_json(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  return v;
}

double number_from_json(const Json& json, const std::string& name) {
  if (json.is_number()) return json.get<double>();
  if (json == "nan") return std::nan("");
  if (json == "inf") return INFINITY;
  if (json == "-inf") return -INFINITY;
  throw ModelFileError("model", fmt::format("'{}' is not a number", name));
}

// Keeps the dotted path of the member being visited.
class PathVisitor : public Visitor {
 public:
  void enter(std::string_view name) override { path_.push_back(std::string(name)); }
  void leave() override { path_.pop_back(); }

 protected:
  std::string full(std::string_view name) const {
    std::string text;
    for (const std::string& part : path_) text.append(part) += '.';
    return text.append(name);
  }

 private:
  std::vector<std::string> path_;
};

class SavingVisitor : public PathVisitor {
 public:
  Json values = Json::object();
  std::vector<std::pair<std::string, Tensor>> tensors;

  bool loading() const override { return false; }
  void tensor(std::string_view name, Tensor& t) override {
    if (t.defined()) tensors.emplace_back(full(name), t.contiguous());
  }
  void value(std::string_view name, bool& v) override { put(name, v); }
  void value(std::string_view name, std::int64_t& v) override { put(name, v); }
  void value(std::string_view name, double& v) override { put(name, number_to_json(v)); }
  void value(std::string_view name, std::string& v) override { put(name, v); }
  void value(std::string_view name, std::vector<std::string>& v) override { put(name, v); }
  void value(std::string_view name, std::vector<std::int64_t>& v) override { put(name, v); }
  void value(std::string_view name, std::vector<double>& v) override {
    Json list = Json::array();
    for (const double x : v) list.push_back(number_to_json(x));
    put(name, std::move(list));
  }

 private:
  void put(std::string_view name, Json value) {
    std::string key = full(name);
    CAIRN_ASSERT(keys_.insert(key).second);
    // Past the object's own search, which looks at every key there is.
    values.get_ref<Json::object_t&>().emplace_back(std::move(key), std::move(value));
  }
  std::unordered_set<std::string> keys_;
};

class LoadingVisitor : public PathVisitor {
 public:
  LoadingVisitor(const Json& values, const std::map<std::string, Tensor>& tensors)
      : values_(values), tensors_(tensors) {}

  bool loading() const override { return true; }
  bool stored(std::string_view name) const override { return values_.contains(full(name)); }
  void tensor(std::string_view name, Tensor& t) override {
    const auto it = tensors_.find(full(name));
    t = it == tensors_.end() ? Tensor{} : it->second;
  }
  void value(std::string_view name, bool& v) override { v = get<bool>(name, &Json::is_boolean); }
  void value(std::string_view name, std::int64_t& v) override {
    v = get<std::int64_t>(name, &Json::is_number_integer);
  }
  void value(std::string_view name, double& v) override { v = number_from_json(at(name), full(name)); }
  void value(std::string_view name, std::string& v) override { v = get<std::string>(name, &Json::is_string); }
  void value(std::string_view name, std::vector<std::string>& v) override {
    v = list<std::string>(name, &Json::is_string);
  }
  void value(std::string_view name, std::vector<std::int64_t>& v) override {
    v = list<std::int64_t>(name, &Json::is_number_integer);
  }
  void value(std::string_view name, std::vector<double>& v) override {
    v.clear();
    const Json& json = at(name);
    if (!json.is_array()) wrong(name);
    for (const Json& x : json) v.push_back(number_from_json(x, full(name)));
  }

 private:
  using Is = bool (Json::*)() const noexcept;
  [[noreturn]] void wrong(std::string_view name) const {
    throw ModelFileError("model", fmt::format("the field '{}' is of the wrong type", full(name)));
  }
  const Json& at(std::string_view name) const {
    const auto it = values_.find(full(name));
    if (it == values_.end())
      throw ModelFileError("model", fmt::format("the field '{}' is missing", full(name)));
    return *it;
  }
  template <class T>
  T get(std::string_view name, Is is) const {
    const Json& json = at(name);
    if (!(json.*is)()) wrong(name);
    return json.get<T>();
  }
  template <class T>
  std::vector<T> list(std::string_view name, Is is) const {
    const Json& json = at(name);
    if (!json.is_array()) wrong(name);
    std::vector<T> values;
    for (const Json& x : json) {
      if (!(x.*is)()) wrong(name);
      values.push_back(x.get<T>());
    }
    return values;
  }
  const Json& values_;
  const std::map<std::string, Tensor>& tensors_;
};

void put_length(std::string& bytes, std::uint64_t n) {
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(n >> (8 * i) & 255);  // little-endian on every machine
}

}  // namespace

Json walk_values(const VisitFunction& visit) {
  SavingVisitor writer;
  visit(writer);
  return std::move(writer.values);
}

void fill_from(const Json& values, const std::map<std::string, Tensor>& tensors, const VisitFunction& visit) {
  LoadingVisitor reader(values, tensors);
  visit(reader);
}

std::string state_to_bytes(std::string_view kind, const VisitFunction& visit, Json card) {
  SavingVisitor writer;
  visit(writer);
  Json header = Json::object();
  Json own{{"format", kArchiveVersion}, {"kind", std::string(kind)}};
  own["card"] = std::move(card);  // an initializer list would copy them
  own["values"] = std::move(writer.values);
  header["__metadata__"] = {{"cairn", own.dump()}};
  std::size_t offset = 0;
  const auto describe = [&](const std::string& name, const char* dtype, Json shape, std::size_t bytes) {
    header[name] = {
        {"dtype", dtype}, {"shape", std::move(shape)}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  };
  for (const auto& [name, t] : writer.tensors)
    describe(name, safetensors_dtype(t.dtype()),
             Json(std::vector<std::int64_t>(t.shape().dims().begin(), t.shape().dims().end())),
             static_cast<std::size_t>(t.size()) * size_of(t.dtype()));
  describe(kSeal, "U8", Json::array({kSealBytes}), kSealBytes);

  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // tensors begin at a multiple of 8, as the format asks
  std::string bytes;
  put_length(bytes, text.size());
  bytes += text;
  for (const auto& [name, t] : writer.tensors)
    if (t.size() > 0)
      bytes.append(reinterpret_cast<const char*>(t.raw()),
                   static_cast<std::size_t>(t.size()) * size_of(t.dtype()));
  Sha256 hash;
  hash.update(bytes);
  const auto digest = hash.finish();
  bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  return bytes;
}

StateFile open_state(std::string_view bytes, const std::string& path) {
  SafetensorsFile file = parse_safetensors(bytes, path);
  const auto seal = file.tensors.find(kSeal);
  if (file.cairn.is_null() || seal == file.tensors.end() || seal->second.bytes.size() != kSealBytes ||
      seal->second.bytes.data() + kSealBytes != bytes.data() + bytes.size())
    throw ModelFileError(path, "is a safetensors file, but not one that cairn wrote",
                         "cairn inspect shows what it holds.");
  Sha256 hash;
  hash.update(bytes.substr(0, bytes.size() - kSealBytes));
  if (const auto digest = hash.finish();
      std::memcmp(digest.data(), seal->second.bytes.data(), kSealBytes) != 0)
    throw ModelFileError(path, "is damaged: its checksum does not match its contents",
                         "Copy or train it again.");
  StateFile state;
  state.own = std::move(file.cairn);
  const Json& own = state.own;
  if (!own.is_object() || !own.contains("format") || !own["format"].is_number_integer() ||
      !own.contains("kind") || !own["kind"].is_string() || !own.contains("values") || !own.contains("card"))
    throw ModelFileError(path, "has no readable cairn header");
  if (own["format"].get<int>() > kArchiveVersion)
    throw ModelFileError(
        path,
        fmt::format("has format {}, this build reads up to {}", own["format"].get<int>(), kArchiveVersion),
        "A newer cairn wrote it; update this one.");
  for (const auto& [name, entry] : file.tensors)
    if (name != kSeal) state.tensors.emplace(name, entry.copy());
  return state;
}

void state_from_bytes(std::string_view bytes, const std::string& path, std::string_view kind,
                      const VisitFunction& visit) {
  in_file(path, [&] {
    const StateFile file = open_state(bytes, path);
    if (file.own["kind"] != kind)
      throw ModelFileError(
          path, fmt::format("holds a {}; a {} is expected", file.own["kind"].get<std::string>(), kind));
    fill_from(file.own["values"], file.tensors, visit);
  });
}

void save_state(const std::string& path, std::string_view kind, const VisitFunction& visit) {
  write_file(path, state_to_bytes(kind, visit));
}

void load_state(const std::string& path, std::string_view kind, const VisitFunction& visit) {
  state_from_bytes(read_file(path, kLargestFile), path, kind, visit);
}

}  // namespace cairn
