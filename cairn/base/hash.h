// SHA-256, to name data and to seal model files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cairn {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(const void* bytes, std::size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  std::array<std::uint8_t, 32> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
std::string base64(std::string_view bytes);  // RFC 4648, padded
std::string to_hex(const std::array<std::uint8_t, 32>& digest);

}  // namespace cairn
