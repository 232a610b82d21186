#include "cairn/image/picture.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "tests/support/golden.h"
#include "tests/support/shared_data.h"

using namespace cairn;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Tensor picture_of(std::int64_t h, std::int64_t w, const std::vector<std::uint8_t>& values) {
  return Tensor::from(values).reshape({h, w, std::ssize(values) / (h * w)});
}

std::vector<int> values_of(const Tensor& t) {
  const Tensor flat = t.contiguous();
  const auto v = flat.data<std::uint8_t>();
  return {v.begin(), v.end()};
}

// A gradient in three colours, so that turning it is seen.
Tensor ramp(std::int64_t h, std::int64_t w) {
  std::vector<std::uint8_t> v;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      for (const std::int64_t c : {3 * x, 5 * y, x + y}) v.push_back(static_cast<std::uint8_t>(c));
  return picture_of(h, w, v);
}

std::string text_of(const std::string& bytes, int channels = 3) {
  try {
    decode_picture(bytes, "a.jpg", channels);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// The chunk's four bytes of a length or a size, big endian.
void put(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

int largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = values_of(a), y = values_of(b);
  int most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

}  // namespace

TEST_CASE("picture: a PNG reads back as it was written") {
  for (const int channels : {1, 3}) {
    const Tensor picture = with_channels(ramp(5, 7), channels);
    const std::string bytes = png_bytes(picture);
    CHECK(is_picture(bytes));
    CHECK(values_of(decode_picture(bytes, "a.png", channels)) == values_of(picture));
    CHECK(png_bytes(picture) == bytes);
    const PictureFacts facts = picture_facts(bytes, "a.png");
    CHECK(facts.height == 5);
    CHECK(facts.width == 7);
    CHECK(facts.channels == channels);
  }
}

TEST_CASE("picture: luma of BT.601, and grey as three equal colours") {
  const Tensor colours = picture_of(1, 4, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255});
  CHECK(values_of(with_channels(colours, 1)) == std::vector{76, 150, 29, 255});
  CHECK(values_of(with_channels(picture_of(1, 2, {7, 9}), 3)) == std::vector{7, 7, 7, 9, 9, 9});
}

TEST_CASE("picture: resizing keeps means, interpolates between pixels, and leaves what fits") {
  const Tensor line = picture_of(1, 2, {0, 100});
  CHECK(values_of(resized(line, 1, 4)) == std::vector{0, 25, 75, 100});
  CHECK(values_of(resized(picture_of(2, 2, {0, 100, 100, 200}), 1, 1)) == std::vector{100});
  CHECK(values_of(resized(picture_of(1, 4, {0, 0, 200, 200}), 1, 2)) == std::vector{29, 171});
  const Tensor same = ramp(3, 4);
  CHECK(values_of(resized(same, 3, 4)) == values_of(same));
  const Tensor flat = Tensor::full({30, 41, 3}, 77, DType::u8);
  CHECK(std::ranges::all_of(values_of(resized(flat, 7, 9)), [](int v) { return v == 77; }));
}

TEST_CASE("picture: conformance of PNG with another program's pixels") {
  const auto folder = testing::shared_data("conformance/png");
  if (!folder) return;
  const auto expected = nlohmann::json::parse(bytes_of(*folder + "/expected_by_pillow.json"));
  int compared = 0;
  for (const auto& [name, facts] : expected.items()) {
    CAPTURE(name);
    const std::string bytes = bytes_of(*folder + "/" + name);
    const PictureFacts f = picture_facts(bytes, name);
    CHECK(f.width == facts["width"].get<int>());
    CHECK(f.height == facts["height"].get<int>());
    const Tensor picture = decode_picture(bytes, name, 3);
    CHECK(picture.size(0) == f.height);
    // Opaque pictures of at most 8 bits: their colours with a full fourth channel have the sum that is
    // stated.
    const int type = facts["colour_type"];
    if (!facts.contains("rgba8_sha256") || type >= 4 || name[0] == 'f' || name.starts_with("if")) continue;
    std::string rgba;
    const auto v = values_of(picture);
    for (std::size_t i = 0; i < v.size(); i += 3) {
      for (std::size_t c = 0; c < 3; ++c) rgba += static_cast<char>(v[i + c]);
      rgba += '\xff';
    }
    CHECK(sha256_hex(rgba) == facts["rgba8_sha256"].get<std::string>());
    ++compared;
  }
  CHECK(compared == 18);
}

TEST_CASE("picture: conformance of JPEG with another program's pixels") {
  const auto folder = testing::shared_data("conformance/jpeg");
  if (!folder) return;
  for (const char* name :
       {"baseline_420", "baseline_422", "baseline_444", "grey", "optimized_q40", "progressive_420"}) {
    CAPTURE(name);
    const Tensor picture = decode_picture(bytes_of(fmt::format("{}/{}.jpg", *folder, name)), name, 3);
    const Tensor wanted = decode_picture(bytes_of(fmt::format("{}/{}.expected.png", *folder, name)), name, 3);
    CHECK(largest_difference(picture, wanted) <= 1);
  }
  const std::string turned = bytes_of(*folder + "/exif_orientation_6.jpg");
  const PictureFacts facts = picture_facts(turned, "turned");
  const Tensor picture = decode_picture(turned, "turned", 3);
  CHECK(picture.size(0) == facts.height);
  CHECK(picture.size(1) == facts.width);
}

TEST_CASE("picture: four inks and 16 bits become the colours that other programs see") {
  for (const auto& c : test::read_golden("pictures.json")) {
    const auto name = c["name"].get<std::string>(), hex = c["file"].get<std::string>();
    CAPTURE(name);
    std::string file;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      file += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    const int channels = c["shape"][2].get<int>();
    const PictureFacts facts = picture_facts(file, name);
    CHECK(facts.channels == channels);
    const Tensor picture = decode_picture(file, name, channels);
    REQUIRE(picture.shape() ==
            Shape{c["shape"][0].get<std::int64_t>(), c["shape"][1].get<std::int64_t>(), channels});
    const auto pixels = picture.data<std::uint8_t>();
    for (std::size_t i = 0; i < pixels.size(); ++i)
      CHECK(std::abs(pixels[i] - c["pixels"][i].get<int>()) <= c["tolerance"].get<int>());
    // What is cut off is told, never guessed.
    CHECK_THROWS_WITH_AS(decode_picture(file.substr(0, file.size() / 2), name, channels),
                         doctest::Contains(name.c_str()), DataError);
  }
}

TEST_CASE("picture: EXIF's orientations turn and mirror") {
  const auto folder = testing::shared_data("conformance/jpeg");
  if (!folder) return;
  std::string bytes = bytes_of(*folder + "/exif_orientation_6.jpg");
  const auto at = bytes.find("\x12\x01\x03", 0, 3) != std::string::npos
                      ? bytes.find("\x12\x01\x03", 0, 3)
                      : bytes.find(std::string("\x01\x12\x00\x03", 4));
  REQUIRE(at != std::string::npos);
  const bool little = bytes[at] == '\x12';
  const auto with = [&](int orientation) {
    std::string other = bytes;
    other[at + 8 + (little ? 0 : 1)] = static_cast<char>(orientation);
    return decode_picture(other, "turned", 1);
  };
  const Tensor upright = with(1);
  const std::int64_t h = upright.size(0), w = upright.size(1);
  const auto pixel = [](const Tensor& t, std::int64_t y, std::int64_t x) {
    return t.data<std::uint8_t>()[static_cast<std::size_t>(y * t.size(1) + x)];
  };
  const auto agrees = [&](int orientation, auto&& source) {
    const Tensor turned = with(orientation);
    for (std::int64_t y = 0; y < turned.size(0); ++y)
      for (std::int64_t x = 0; x < turned.size(1); ++x) {
        const auto [sy, sx] = source(y, x);
        if (pixel(turned, y, x) != pixel(upright, sy, sx)) return false;
      }
    return turned.size(0) == (orientation >= 5 ? w : h);
  };
  using Place = std::pair<std::int64_t, std::int64_t>;
  CHECK(agrees(2, [&](auto y, auto x) { return Place{y, w - 1 - x}; }));
  CHECK(agrees(3, [&](auto y, auto x) { return Place{h - 1 - y, w - 1 - x}; }));
  CHECK(agrees(4, [&](auto y, auto x) { return Place{h - 1 - y, x}; }));
  CHECK(agrees(5, [&](auto y, auto x) { return Place{x, y}; }));
  CHECK(agrees(6, [&](auto y, auto x) { return Place{h - 1 - x, y}; }));
  CHECK(agrees(7, [&](auto y, auto x) { return Place{h - 1 - x, w - 1 - y}; }));
  CHECK(agrees(8, [&](auto y, auto x) { return Place{x, w - 1 - y}; }));
}

TEST_CASE("picture: what is cut short, damaged or no picture says so") {
  CHECK(text_of("") ==
        "a.jpg: is empty; a picture was expected. Other formats can be converted with ImageMagick.");
  CHECK(text_of("GIF89a...").starts_with("a.jpg: is neither a JPEG nor a PNG picture."));
  const std::string png = png_bytes(ramp(40, 40));
  CHECK(text_of(png.substr(0, 20))
            .starts_with("a.jpg: the PNG data are damaged or cut short (it ends within a chunk)"));
  CHECK(text_of(png.substr(0, png.size() - 12)).find("(its end is missing)") != std::string::npos);
  std::string flipped = png;
  const std::size_t at = flipped.find("IDAT") + 10;
  flipped[at] = static_cast<char>(flipped[at] ^ 1);
  CHECK(text_of(flipped).starts_with("a.jpg: the PNG data are damaged or cut short ("));
  const auto folder = testing::shared_data("conformance/jpeg");
  if (!folder) return;
  const std::string jpeg = bytes_of(*folder + "/baseline_420.jpg");
  CHECK(text_of(jpeg.substr(0, jpeg.size() / 2))
            .starts_with("a.jpg: the JPEG data are damaged or cut short ("));
  CHECK(text_of(jpeg.substr(0, 100)).starts_with("a.jpg: the JPEG data are damaged or cut short ("));
}

TEST_CASE("picture: headers that claim more than can be are refused before memory is taken") {
  std::string png = png_bytes(ramp(4, 4));
  put(png, 16, 60000);
  put(png, 20, 60000);
  const std::string huge = text_of(png);
  CHECK(huge ==
        "a.jpg: its header claims 60000 x 60000 pixels; pictures of at most 100 million are read. "
        "Make it smaller, or remove it.");
  put(png, 16, 9000);
  put(png, 20, 9000);
  CHECK(text_of(png).find("claims 9000 x 9000 pixels, and the") != std::string::npos);
  const auto folder = testing::shared_data("conformance/jpeg");
  if (!folder) return;
  std::string jpeg = bytes_of(*folder + "/baseline_420.jpg");
  const auto frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  for (const std::size_t i : {5, 7}) {
    jpeg[frame + i] = '\xea';
    jpeg[frame + i + 1] = '\x60';
  }
  CHECK(text_of(jpeg).starts_with("a.jpg: its header claims 60000 x 60000 pixels"));
}
