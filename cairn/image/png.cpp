#include <fmt/format.h>
#include <png.h>

#include <cstring>
#include <memory>

#include "cairn/base/error.h"
#include "cairn/image/codec_internal.h"

namespace cairn::image_detail {
namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);

[[noreturn]] void damaged(const std::string& name, std::string_view why) {
  throw DataError(name, fmt::format("the PNG data are damaged or cut short ({})", why),
                  "Fetch or save the picture again, or remove it.");
}

std::uint32_t four_bytes(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Header {
  PictureFacts facts;
  unsigned depth = 0, type = 0;
  bool sees_through = false;  // a channel or a palette entry of transparency
  std::string chunks;         // what the pixels need, in the order of the file
};

// Only what makes the pixels is handed on: gamma and colour profiles are not applied, as is the custom of
// those who train on pictures, and a damaged comment harms nobody.
Header read_header(std::string_view bytes, const std::string& name, bool keep_chunks) {
  constexpr std::size_t kFrame = 12, kHeaderSize = 13;  // of a chunk: length, name, check sum
  Header h;
  if (keep_chunks) h.chunks.assign(kSignature);
  bool ended = false;
  for (std::size_t i = kSignature.size(); i < bytes.size() && !ended;) {
    if (bytes.size() - i < kFrame) damaged(name, "it ends within a chunk");
    const std::size_t length = four_bytes(bytes, i);
    const std::string_view kind = bytes.substr(i + 4, 4);
    if (length > bytes.size() - i - kFrame) damaged(name, "it ends within a chunk");
    if (i == kSignature.size()) {
      if (kind != "IHDR" || length != kHeaderSize) damaged(name, "it does not begin with a header");
      h.facts = {.format = "PNG", .height = four_bytes(bytes, i + 12), .width = four_bytes(bytes, i + 8)};
      h.depth = static_cast<unsigned char>(bytes[i + 16]);
      h.type = static_cast<unsigned char>(bytes[i + 17]);
      h.facts.channels = h.type == PNG_COLOR_TYPE_GRAY || h.type == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
      h.sees_through = (h.type & PNG_COLOR_MASK_ALPHA) != 0;
      if (!keep_chunks) return h;
    }
    ended = kind == "IEND";
    h.sees_through = h.sees_through || kind == "tRNS";
    if (kind == "IHDR" || kind == "PLTE" || kind == "tRNS" || kind == "IDAT" || ended)
      h.chunks.append(bytes.substr(i, kFrame + length));
    i += kFrame + length;
  }
  if (!ended) damaged(name, "its end is missing");
  return h;
}

// Deflate makes a byte of at most 1032: a header that claims more pixels lies.
void check_claim(const Header& h, std::string_view bytes, const std::string& name) {
  constexpr double kMostRatio = 1040;
  constexpr unsigned kChannels[] = {1, 1, 3, 1, 2, 1, 4, 1};
  const double bits = h.depth * kChannels[h.type & 7U];
  const double claimed =
      static_cast<double>(h.facts.height) * (static_cast<double>(h.facts.width) * bits / 8);
  if (claimed > kMostRatio * static_cast<double>(bytes.size()))
    throw DataError(name,
                    fmt::format("its header claims {} x {} pixels, and the {} bytes of the file cannot hold "
                                "so many",
                                h.facts.width, h.facts.height, bytes.size()),
                    "Fetch or save the picture again, or remove it.");
}

// Colours of [H, W, C + 1], the last their opacity, on white.
Tensor on_white(const Tensor& picture) {
  const std::int64_t channels = picture.size(2) - 1;
  Tensor flat = Tensor::empty({picture.size(0), picture.size(1), channels}, DType::u8);
  const auto from = picture.data<std::uint8_t>();
  auto to = flat.mutable_data<std::uint8_t>();
  const auto step = static_cast<std::size_t>(channels + 1);
  std::size_t o = 0;
  for (std::size_t i = 0; i < from.size(); i += step) {
    const unsigned opacity = from[i + step - 1];
    for (std::size_t c = 0; c + 1 < step; ++c)
      to[o++] = static_cast<std::uint8_t>((from[i + c] * opacity + 255U * (255U - opacity) + 127) / 255);
  }
  return flat;
}

struct Image {
  png_image image{};
  Image() { image.version = PNG_IMAGE_VERSION; }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() { png_image_free(&image); }
};

}  // namespace

bool is_png(std::string_view bytes) { return bytes.starts_with(kSignature); }

PictureFacts png_facts(std::string_view bytes, const std::string& name) {
  const Header h = read_header(bytes, name, false);
  if (h.facts.height == 0 || h.facts.width == 0) damaged(name, "it has no pixels");
  check_size(h.facts, name);
  return h.facts;
}

Tensor decode_png(std::string_view bytes, const std::string& name, int channels) {
  png_facts(bytes, name);
  const Header h = read_header(bytes, name, true);
  check_claim(h, bytes, name);
  Image png;
  if (png_image_begin_read_from_memory(&png.image, h.chunks.data(), h.chunks.size()) == 0)
    damaged(name, png.image.message);
  png.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16 bits hold the same curve as 8 do, with finer steps
  const bool grey = h.facts.channels == 1;
  png.image.format = grey ? (h.sees_through ? PNG_FORMAT_GA : PNG_FORMAT_GRAY)
                          : (h.sees_through ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB);
  Tensor picture =
      Tensor::empty({static_cast<std::int64_t>(png.image.height), static_cast<std::int64_t>(png.image.width),
                     (grey ? 1 : 3) + (h.sees_through ? 1 : 0)},
                    DType::u8);
  if (png_image_finish_read(&png.image, nullptr, picture.mutable_data<std::uint8_t>().data(), 0, nullptr) ==
          0 ||
      png.image.warning_or_error != 0)
    damaged(name, png.image.message);
  return with_channels(h.sees_through ? on_white(picture) : picture, channels);
}

}  // namespace cairn::image_detail

namespace cairn {

std::string png_bytes(const Tensor& picture) {
  CAIRN_ASSERT(picture.dtype() == DType::u8 && picture.ndim() == 3 &&
               (picture.size(2) == 1 || picture.size(2) == 3));
  image_detail::Image png;
  png.image.height = static_cast<png_uint_32>(picture.size(0));
  png.image.width = static_cast<png_uint_32>(picture.size(1));
  png.image.format = picture.size(2) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  const Tensor pixels = picture.contiguous();
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png.image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&png.image, bytes.data(), &size, 0, pixels.raw(), 0, nullptr) == 0)
    throw InternalError("png_bytes", png.image.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace cairn
