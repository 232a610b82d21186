#include <fmt/format.h>
#include <turbojpeg.h>

#include <memory>
#include <type_traits>

#include "cairn/base/error.h"
#include "cairn/image/codec_internal.h"

namespace cairn::image_detail {
namespace {

using Decoder = std::unique_ptr<std::remove_pointer_t<tjhandle>, int (*)(tjhandle)>;

Decoder make_decoder(const std::string& name) {
  Decoder decoder(tjInitDecompress(), &tjDestroy);
  if (!decoder) throw ResourceError(name, "memory for decoding cannot be had");
  return decoder;
}

[[noreturn]] void damaged(const std::string& name, tjhandle decoder) {
  throw DataError(name, fmt::format("the JPEG data are damaged or cut short ({})", tjGetErrorStr2(decoder)),
                  "Fetch or save the picture again, or remove it.");
}

struct Header {
  PictureFacts facts;
  int stored_height = 0, stored_width = 0;
  bool cmyk = false, inverted = false;  // Adobe's programs store the ink that is not there
  int orientation = 1;                  // of EXIF: 1 is upright
};

unsigned byte_at(std::string_view bytes, std::size_t i) { return static_cast<unsigned char>(bytes[i]); }

// Exchangeable image file format (JEITA CP-3451), tag 0x0112 of the first directory.
int exif_orientation(std::string_view tiff) {
  constexpr std::size_t kHeader = 8, kEntry = 12;
  constexpr unsigned kTag = 0x0112;
  if (tiff.size() < kHeader || (tiff.substr(0, 2) != "II" && tiff.substr(0, 2) != "MM")) return 1;
  const bool little = tiff[0] == 'I';
  const auto two = [&](std::size_t i) {
    return little ? byte_at(tiff, i) | byte_at(tiff, i + 1) << 8
                  : byte_at(tiff, i) << 8 | byte_at(tiff, i + 1);
  };
  const std::size_t at = little ? two(4) | std::size_t{two(6)} << 16 : std::size_t{two(4)} << 16 | two(6);
  if (at > tiff.size() || tiff.size() - at < 2) return 1;
  const unsigned entries = two(at);
  for (std::size_t e = 0, i = at + 2; e < entries && i + kEntry <= tiff.size(); ++e, i += kEntry)
    if (two(i) == kTag) {
      const unsigned value = two(i + 8);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  return 1;
}

// Segments before the picture itself.
void read_segments(std::string_view bytes, Header& header) {
  constexpr unsigned kScan = 0xDA, kApp1 = 0xE1, kApp14 = 0xEE;
  for (std::size_t i = 2; i + 4 <= bytes.size() && byte_at(bytes, i) == 0xFF;) {
    const unsigned marker = byte_at(bytes, i + 1);
    const std::size_t length = byte_at(bytes, i + 2) << 8 | byte_at(bytes, i + 3);
    if (marker == kScan || length < 2 || i + 2 + length > bytes.size()) return;
    const std::string_view body = bytes.substr(i + 4, length - 2);
    constexpr std::string_view kExif("Exif\0\0", 6);
    if (marker == kApp1 && body.starts_with(kExif))
      header.orientation = exif_orientation(body.substr(kExif.size()));
    if (marker == kApp14 && body.starts_with("Adobe")) header.inverted = true;
    i += 2 + length;
  }
}

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Header read_header(std::string_view bytes, const std::string& name, tjhandle decoder) {
  Header h;
  int subsampling = 0, space = 0;
  if (tjDecompressHeader3(decoder, data_of(bytes), bytes.size(), &h.stored_width, &h.stored_height,
                          &subsampling, &space) != 0)
    damaged(name, decoder);
  read_segments(bytes, h);
  h.cmyk = space == TJCS_CMYK || space == TJCS_YCCK;
  const bool lies_down = h.orientation >= 5;
  h.facts = {.format = "JPEG",
             .height = lies_down ? h.stored_width : h.stored_height,
             .width = lies_down ? h.stored_height : h.stored_width,
             .channels = space == TJCS_GRAY ? 1 : 3};
  return h;
}

Tensor rgb_of_cmyk(const Tensor& inks, bool inverted) {
  Tensor rgb = Tensor::empty({inks.size(0), inks.size(1), 3}, DType::u8);
  const auto from = inks.data<std::uint8_t>();
  auto to = rgb.mutable_data<std::uint8_t>();
  for (std::size_t i = 0, o = 0; i < from.size(); i += 4)
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned ink = inverted ? from[i + c] : 255U - from[i + c];
      const unsigned black = inverted ? from[i + 3] : 255U - from[i + 3];
      to[o++] = static_cast<std::uint8_t>((ink * black + 127) / 255);
    }
  return rgb;
}

// Turned and mirrored as EXIF's orientation says.
Tensor upright(const Tensor& picture, int orientation) {
  if (orientation == 1) return picture;
  const std::int64_t h = picture.size(0), w = picture.size(1), c = picture.size(2);
  const bool lies_down = orientation >= 5;
  Tensor turned = Tensor::empty({lies_down ? w : h, lies_down ? h : w, c}, DType::u8);
  const auto from = picture.data<std::uint8_t>();
  auto to = turned.mutable_data<std::uint8_t>();
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  std::size_t o = 0;
  for (std::int64_t y = 0; y < turned.size(0); ++y)
    for (std::int64_t x = 0; x < turned.size(1); ++x) {
      const std::int64_t row = lies_down ? x : y, column = lies_down ? y : x;
      const std::int64_t sy = from_below ? h - 1 - row : row, sx = from_right ? w - 1 - column : column;
      for (std::int64_t k = 0; k < c; ++k) to[o++] = from[static_cast<std::size_t>((sy * w + sx) * c + k)];
    }
  return turned;
}

}  // namespace

bool is_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); }

PictureFacts jpeg_facts(std::string_view bytes, const std::string& name) {
  const Decoder decoder = make_decoder(name);
  const Header header = read_header(bytes, name, decoder.get());
  check_size(header.facts, name);
  return header.facts;
}

Tensor decode_jpeg(std::string_view bytes, const std::string& name, int channels) {
  const Decoder decoder = make_decoder(name);
  const Header h = read_header(bytes, name, decoder.get());
  check_size(h.facts, name);
  const int stored = h.cmyk ? 4 : h.facts.channels;
  const int format = h.cmyk ? TJPF_CMYK : stored == 1 ? TJPF_GRAY : TJPF_RGB;
  Tensor picture = Tensor::empty({h.stored_height, h.stored_width, stored}, DType::u8);
  // A scan too many is how a small file keeps a decoder busy for hours.
  if (tjDecompress2(decoder.get(), data_of(bytes), bytes.size(), picture.mutable_data<std::uint8_t>().data(),
                    h.stored_width, 0, h.stored_height, format,
                    TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0)
    damaged(name, decoder.get());
  if (h.cmyk) picture = rgb_of_cmyk(picture, h.inverted);
  return with_channels(upright(picture, h.orientation), channels);
}

}  // namespace cairn::image_detail
