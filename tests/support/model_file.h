// A model file taken apart, to be changed and sealed again: what a hostile writer could do.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/hash.h"

namespace cairn::test {

struct ModelFile {
  using Json = nlohmann::ordered_json;
  struct Part {
    std::string name, dtype;
    std::vector<std::int64_t> shape;
    std::string bytes;
  };
  Json own;                 // format, kind, card, values
  std::vector<Part> parts;  // the tensors without the seal

  explicit ModelFile(std::string_view file) {
    const Json header = Json::parse(header_of(file));
    const std::string_view data = file.substr(8 + header_of(file).size());
    own = Json::parse(header["__metadata__"]["cairn"].get<std::string>());
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__" || name == "cairn.sha256") continue;
      const auto begin = entry["data_offsets"][0].get<std::size_t>(),
                 end = entry["data_offsets"][1].get<std::size_t>();
      parts.push_back({name, entry["dtype"], entry["shape"], std::string(data.substr(begin, end - begin))});
    }
  }

  static std::string_view header_of(std::string_view file) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::size_t{static_cast<unsigned char>(file[i])} << (8 * i);
    return file.substr(8, length);
  }

  std::string bytes() const {
    Json header{{"__metadata__", {{"cairn", own.dump()}}}};
    std::string data;
    for (const Part& p : parts) {
      header[p.name] = {{"dtype", p.dtype},
                        {"shape", p.shape},
                        {"data_offsets", {data.size(), data.size() + p.bytes.size()}}};
      data += p.bytes;
    }
    header["cairn.sha256"] = {
        {"dtype", "U8"}, {"shape", {32}}, {"data_offsets", {data.size(), data.size() + 32}}};
    return sealed(header.dump(), data);
  }

  // A file of this header and these tensors, with a right seal at its end.
  static std::string sealed(std::string header, const std::string& data) {
    header.append((8 - header.size() % 8) % 8, ' ');
    std::string file;
    for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 255);
    file += header + data;
    Sha256 hash;
    hash.update(file);
    const auto digest = hash.finish();
    return file.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
};

}  // namespace cairn::test
