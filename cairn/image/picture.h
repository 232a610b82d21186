// Pictures: JPEG and PNG bytes to tensors u8 [H, W, C] and back. The format is told from the content.
//
//   const Tensor cat = decode_picture(bytes, "cat.jpg", 3);   // u8 [375, 500, 3]
//   const Tensor small = resized(cat, 64, 64);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cairn/tensor/tensor.h"

namespace cairn {

// Larger pictures are not decoded: 300 MB of colours.
inline constexpr std::int64_t kMostPixels = 100'000'000;

// What the header says, before any memory is taken.
struct PictureFacts {
  const char* format = "";             // "JPEG", "PNG"
  std::int64_t height = 0, width = 0;  // as shown: a camera's note on how it was held is followed
  int channels = 3;                    // 1: shades of grey; 3: colours
};

bool is_picture(std::string_view first_bytes);

// DataError, naming `name`: neither JPEG nor PNG, or a header that is damaged or cut short. ResourceError:
// more than kMostPixels pixels.
PictureFacts picture_facts(std::string_view bytes, const std::string& name);

// u8 [H, W, channels], channels 1 (luma of ITU-R BT.601) or 3. Palettes become their colours, CMYK becomes
// RGB, 16-bit samples keep their upper half, what is transparent lies on white. DataError for damaged data.
Tensor decode_picture(std::string_view bytes, const std::string& name, int channels);

// The same picture with 1 or 3 channels.
Tensor with_channels(const Tensor& picture, int channels);

// Each new pixel is a mean over the pixels it covers, weighted by a triangle that spans at least two of them:
// bilinear when the picture grows, without moiré when it shrinks. The proportions are not kept.
Tensor resized(const Tensor& picture, std::int64_t height, std::int64_t width);

// A PNG file of u8 [H, W, 1 or 3]; the same picture gives the same bytes.
std::string png_bytes(const Tensor& picture);

}  // namespace cairn
